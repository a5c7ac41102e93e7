"""Message types by name; apart from what imports the messages themselves, which may be missing."""

import importlib
from typing import Any

from xmodal_ros.errors import ConfigurationError


def message_class(msgtype: str) -> Any:
    """Import the class of a type named like ``sensor_msgs/msg/Imu``.

    Raises :class:`ConfigurationError` when its package is not installed or lacks it.
    """
    package, _, name = msgtype.partition('/msg/')
    try:
        return getattr(importlib.import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f'messages of type {msgtype} cannot be used here ({error}): install the ROS package '
            f'{package!r}'
        ) from None
