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

"""What the tests of launch files share."""

from collections.abc import Iterator

import pytest

from test.launch.starting import by_launch, ProcessesAlone, Start
from test.live.graph import Watcher, watching


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with watching() as watcher:
        yield watcher


@pytest.fixture
def launch_installed() -> None:
    """Skip where ROS's launch packages are missing."""
    # First launch_ros: without ROS's own, the checkout's folder passes for a package called
    # launch.
    for package in ('launch_ros', 'launch'):
        pytest.importorskip(
            package,
            reason="ROS's launch packages are not installed, and are in no Python registry",
        )


@pytest.fixture(params=['by launch', 'processes alone'])
def start(request: pytest.FixtureRequest) -> Start:
    """A launch file run by ROS's launch, and its processes started without it."""
    if request.param == 'processes alone':
        return ProcessesAlone
    request.getfixturevalue('launch_installed')
    return by_launch
