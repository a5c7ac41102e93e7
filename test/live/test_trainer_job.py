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

"""The trainer as a job: it ends by itself, and its exit code says whether the bundle is there."""

from pathlib import Path
from typing import Any

import pytest

from test.live.graph import NodeProcess, running, Watcher
from test.paired_bags import SUBJECTS, write_subjects


@pytest.fixture(scope='module')
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_subjects(tmp_path_factory.mktemp('job'), without_camera=SUBJECTS)


def settings_of(bags: Path, out: Path, **changed: Any) -> dict[str, object]:
    return {
        'start_at_once': True,
        'exit_at_end': True,
        'bags': [str(bags)],
        'target': 'imu',
        'test_subjects': ['3'],
        'out': str(out),
        'window': 2.0,
        'epochs': 1,
        'size': 'small',
        # Nothing is to be tried that no test is about, nor a process started.
        'encoder': ['imu=imu_cnn'],
        'jobs': 1,
        'batch_size': 16,
        'device': 'cpu',
        'niceness': 0,
        **changed,
    }


@pytest.mark.parametrize(
    ('changed', 'code', 'words'),
    [
        ({}, 0, 'finished: '),
        ({'method': 'distilation'}, 1, "did you mean 'distillation'"),
        ({'target': 'imu_ankle'}, 1, 'error: the run failed'),
    ],
)
def test_it_ends_and_only_a_run_that_is_finished_is_a_success(
    bags: Path, tmp_path: Path, changed: dict[str, Any], code: int, words: str
) -> None:
    with running(tmp_path, 'trainer', settings_of(bags, tmp_path / 'imu', **changed)) as node:
        assert node.wait() == code, node.log
        assert words in node.log
        assert 'unexpected' not in node.log
    assert (tmp_path / 'imu').exists() == (code == 0)


def test_a_job_that_is_stopped_is_not_done(bags: Path, tmp_path: Path, watcher: Watcher) -> None:
    def began(node: NodeProcess) -> bool:
        return 'progress is on ~/status' in node.log

    settings = settings_of(bags, tmp_path / 'imu', epochs=10_000, patience=10_000)
    with running(tmp_path, 'trainer', settings) as node:
        watcher.poll_for(lambda: began(node), 'never began')
        assert node.end() == 1
        assert 'error: the run was cancelled' in node.log
    assert not (tmp_path / 'imu').exists()
