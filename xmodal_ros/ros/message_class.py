# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

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
