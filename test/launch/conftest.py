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
