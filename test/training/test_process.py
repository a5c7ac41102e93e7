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

"""Training in a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import signal
import tempfile
import threading

import pytest

from test.waiting import PATIENCE_S
from xmodal_ros.configuration.training import make_configuration
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.training.process import TrainingProcess
from xmodal_ros.training.run_status import RunStatus


class Follower:
    """Waits for what a child tells."""

    def __init__(self) -> None:
        self.child: TrainingProcess | None = None
        self._news = threading.Condition()
        # A stage may be over before who waits for it is given the processor.
        self._told: list[RunStatus] = []

    def changed(self) -> None:
        with self._news:
            if self.child is not None:
                self._told.append(self.child.run_status)
            self._news.notify_all()

    def wait_for(self, *states: str, stage: str = '') -> RunStatus:
        child = self.child
        assert child is not None

        def arrived() -> bool:
            told = (*self._told, child.run_status)
            return any(each.state in states and stage in each.stage for each in told)

        with self._news:
            self._news.wait_for(lambda: arrived() or not child.run_status.running, PATIENCE_S)
        assert arrived(), child.run_status
        return child.run_status


@contextmanager
def training(recordings: Path, out: Path, **settings: object) -> Iterator[Follower]:
    asked = make_configuration(
        {
            'bags': [str(recordings)],
            'target': 'imu',
            'test_subjects': ['3'],
            'out': str(out),
            'epochs': 1,
            'window': 2.0,
            'device': 'cpu',
            # Nothing is to be tried that no test is about, nor a process started.
            'encoder': {'imu': 'imu_cnn'},
            'jobs': 1,
            'batch_size': 16,
            **settings,
        }
    )
    follower = Follower()
    follower.child = TrainingProcess(asked, 5, follower.changed)
    try:
        yield follower
    finally:
        follower.child.close()


def test_a_run_gives_way_tells_its_progress_and_leaves_a_bundle(
    recordings: Path, tmp_path: Path
) -> None:
    with training(recordings, tmp_path / 'imu') as follower:
        follower.wait_for('training', stage='looking')
        assert follower.child is not None
        pid = follower.child._process.pid
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(own + 5, 19)
        finished = follower.wait_for('finished', 'failed', 'cancelled')
        assert finished.state == 'finished', finished
    written = load_bundle(Path(finished.bundle)).info
    assert written.sensor == 'imu'
    assert 'test_macro_f1' in finished.scores
    assert finished.scores == written.scores


def test_one_that_is_cancelled_leaves_nothing(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / 'scratch'
    scratch.mkdir()
    monkeypatch.setattr(tempfile, 'tempdir', str(scratch))
    with training(recordings, tmp_path / 'imu', epochs=10_000) as follower:
        follower.wait_for('training', stage='looking')
        assert follower.child is not None
        # Nor would one whose parent was killed, and could tidy nothing up.
        assert not list(scratch.iterdir())
        follower.child.cancel()
        assert follower.child.run_status.state == 'cancelling'
        follower.wait_for('cancelled')
    assert not (tmp_path / 'imu').exists()


def test_one_that_is_killed_has_failed_and_one_that_cannot_begin_says_why(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is printed beside events, as by libraries, is no event, and may say why it ended.
    (tmp_path / 'sitecustomize.py').write_text("print('low on memory')")
    monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=os.pathsep)
    with training(recordings, tmp_path / 'imu', epochs=10_000) as follower:
        follower.wait_for('training', stage='looking')
        assert follower.child is not None
        os.killpg(follower.child._process.pid, signal.SIGKILL)
        message = follower.wait_for('failed').message
        assert 'killed by signal 9 (out of memory?): ' in message
        assert 'low on memory' in message
    with training(recordings, tmp_path / 'imu', target='imu_ankle') as follower:
        assert 'imu_ankle' in follower.wait_for('failed').message
