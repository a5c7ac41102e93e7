"""Say in words that ROS is missing, where a command imports what needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from xmodal_ros.errors import ConfigurationError


@contextmanager
def needing_ros() -> Iterator[None]:
    """Turn a failed import in the block into a :class:`ConfigurationError` with the remedy."""
    try:
        yield
    except ImportError as error:
        raise ConfigurationError(
            f'the Python package {error.name!r} is missing: source the setup file of ROS 2 or of '
            'your workspace, or run standalone/setup and source standalone/env.sh'
        ) from None
