"""What tests of all parts share."""

import atexit
from collections.abc import Iterator
from contextlib import ExitStack
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import settings
import pytest

from xmodal_ros.ros.isolation import isolated_process, reserved_domain

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Before anything loads torch, as the command line does: threads that wait by spinning make tests
# crawl on a busy machine.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

# Before anything imports rclpy, and whatever the user has set: nodes of two test runs, or of the
# robot next door, must not meet. It lasts as long as this process.
_isolation = ExitStack()
atexit.register(_isolation.close)
_isolation.enter_context(isolated_process(_isolation.enter_context(reserved_domain())))
# Rather than in the home directory.
os.environ['XDG_CACHE_HOME'] = _isolation.enter_context(TemporaryDirectory(prefix='xmodal-cache-'))
os.environ['ROS_LOG_DIR'] = str(Path(__file__).parents[1] / 'log' / 'test')

# How long an example takes is the machine's business; a hang ends by the test's own time limit.
settings.register_profile('untimed', deadline=None)
settings.load_profile('untimed')


@pytest.fixture(scope='session')
def shared_data() -> Path:
    """Give the folder with real data sets, or skip where there is none."""
    beside_the_checkout = Path(__file__).parents[2] / 'shared' / 'data'
    folder = Path(os.environ.get('XMODAL_DATA', beside_the_checkout))
    if not folder.is_dir():
        pytest.skip(f'no real data at {folder}: set XMODAL_DATA to a folder that has it')
    return folder


@pytest.fixture(scope='session')
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three subjects with an IMU and a camera, each activity four times; to be read only."""
    from test.paired_bags import write_subjects

    return write_subjects(tmp_path_factory.mktemp('recordings'))


@pytest.fixture(scope='module')
def browser() -> Iterator['Browser']:
    """Give a browser for the tests of a module; Playwright's event loop ends with it."""
    pytest.importorskip('playwright', reason='no playwright: pip install playwright')
    from test.browsing import started_browser

    with started_browser() as started:
        yield started
