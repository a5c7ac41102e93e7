"""What tests of all parts share."""

from contextlib import ExitStack
import os
from pathlib import Path

from hypothesis import settings
import pytest

from xmodal_standalone.domain import keep_on_this_machine, reserved_domain

# Before anything imports rclpy, and whatever the user has set: nodes of two test runs, or of the
# robot next door, must not meet. The reservation lasts as long as this process.
_reservation = ExitStack()
keep_on_this_machine(os.environ, _reservation.enter_context(reserved_domain()))


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
