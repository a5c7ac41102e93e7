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

"""What tests of all parts share."""

import atexit
from collections.abc import Iterator
from contextlib import ExitStack
import gc
import os
from pathlib import Path
import random
import signal
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
import zlib

from hypothesis import settings
import numpy as np
import pytest

from xmodal_ros.dependencies import check_dependencies, OF_NODES, OF_THE_COMMAND
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros.isolation import isolated_process, reserved_domain

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Before anything loads torch, as the command line does: threads that wait by spinning make tests
# crawl on a busy machine.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
# Models and windows of tests are so small that threads only get into each other's way.
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('XMODAL_TRAINING_THREADS', '1')

# Before anything imports rclpy, and whatever the user has set: nodes of two test runs, or of the
# robot next door, must not meet. It lasts as long as this process.
_isolation = ExitStack()
atexit.register(_isolation.close)
_isolation.enter_context(isolated_process(_isolation.enter_context(reserved_domain())))
# Rather than in the home directory.
os.environ['XDG_CACHE_HOME'] = _isolation.enter_context(TemporaryDirectory(prefix='xmodal-cache-'))
os.environ['ROS_LOG_DIR'] = str(Path(__file__).parents[1] / 'log' / 'test')

# Every run draws the same numbers and examples, whichever tests it has; with another seed others.
_SEED = os.environ.get('XMODAL_TEST_SEED', '')
# How long an example takes is the machine's business; a hang ends by the test's own time limit.
settings.register_profile('ours', deadline=None, derandomize=not _SEED)
settings.load_profile('ours')


# Files that take longest, in their order: one that began last would end alone.
_LONG = (
    'test_contract.py',
    'training/test_train.py',
    'studies/test_study.py',
    'test_examples.py',
    'live/test_parameters_of_anything.py',
    'cli/test_train.py',
    'simulator/test_difficulty.py',
    'live/test_real_bags.py',
    'methods/test_every_method.py',
    'cli/test_study.py',
    'cli/test_evaluate.py',
    'models/test_onnx_export.py',
    'training/test_train_audio.py',
    'live/test_perception.py',
    'simulator/test_simulate.py',
    'studies/test_dask.py',
    'models/test_ensemble.py',
    'studies/test_people.py',
    'live/test_trainer.py',
    'training/test_distributed.py',
    'training/test_process.py',
    'live/test_trainer_job.py',
    'live/test_swaps.py',
    'live/test_messages_of_anything.py',
)
# Folders of tests that mostly wait: for nodes, devices, pages.
_WAITING = frozenset({'drivers', 'labelling', 'launch', 'live', 'nodes', 'tools', 'web'})


def pytest_configure() -> None:
    """Say what the packages of this Python lack, once, rather than in every file that needs it."""
    try:
        check_dependencies((*OF_NODES, *OF_THE_COMMAND))
    except ConfigurationError as error:
        raise pytest.UsageError(
            f'{error}. colcon tests in the Python that runs it: python3 "$(which colcon)" test'
        ) from None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first, and among the others spread those that wait evenly.

    Files run side by side, in this order.
    """
    first = {Path(__file__).parent / name: number for number, name in enumerate(_LONG)}
    files: dict[bool, dict[Path, int]] = {True: {}, False: {}}
    for item in items:
        if item.path not in first:
            found = files[not _WAITING.isdisjoint(item.path.parts)]
            found.setdefault(item.path, len(found))
    places = {path: number - len(first) for path, number in first.items()} | {
        path: (number + 0.5) / len(found)
        for found in files.values()
        for path, number in found.items()
    }
    items.sort(key=lambda item: places[item.path])


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what lives as long as the process: the most."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _seed(name: str) -> None:
    """Let whatever is drawn from now on depend on a name alone, not on what ran before."""
    number = zlib.crc32(f'{_SEED}{name}'.encode())
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 - libraries draw from it
    if torch := sys.modules.get('torch'):
        torch.manual_seed(number)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: 'pytest.FixtureDef[object]') -> None:
    # One that several tests share does not depend on which of them is the first.
    _seed(fixturedef.argname)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    _seed(item.name)


@pytest.fixture(scope='session', autouse=True)
def interruptible_children() -> Iterator[None]:
    """Let processes that tests start hear an interruption, even where this one is deaf to it.

    A background job of a script and a command after ``nohup`` or ``trap '' INT`` ignore SIGINT,
    and all that they start would inherit that. A handler, unlike that, is set back to the default
    where a process begins; this one does nothing, as was asked of this process.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: None)
    yield
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
