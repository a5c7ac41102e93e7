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
