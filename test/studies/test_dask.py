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

"""A study on a dask cluster gives what it gives here, to the last bit, whichever worker dies."""

import json
from pathlib import Path
import threading
import time
from typing import Any

import pytest

from test.dask_cluster import dask_cluster, DaskCluster
from test.needs import need
from test.paired_bags import write_subjects
from test.studies.small_study import COSINE, InThisProcess, study, UNIMODAL
from test.waiting import PATIENCE_S, poll_for
from xmodal_ros.executors import ExecutorSettings
from xmodal_ros.progress import NullReporter
from xmodal_ros.studies.report import as_mapping
from xmodal_ros.studies.study import StudyResult, StudyRuns

need('distributed')


def results(result: StudyResult) -> Any:
    found = json.loads(json.dumps(as_mapping(result)))
    for record in found['results']:
        del record['duration_s'], record['outcome']['durations_s']
    return found['results'], found['tables'], found['environments'], found['runs']


def kill_the_first_at_work(cluster: DaskCluster, runs: Path, killed: list[int]) -> None:
    """Kill a worker while it is at a run."""
    by_number = {worker.pid: worker for worker in cluster.workers}
    deadline = time.monotonic() + PATIENCE_S
    while not killed and time.monotonic() < deadline:
        for file in runs.glob('*.claim'):
            try:
                number = json.loads(file.read_text())['process']
            except (OSError, ValueError):
                continue
            by_number[number].kill()
            killed.append(number)
            return
        time.sleep(0.005)


@pytest.mark.timeout(600)
def test_a_study_on_a_cluster_whose_worker_is_killed_is_the_same(tmp_path: Path) -> None:
    recordings = write_subjects(tmp_path / 'recordings')
    small = study(recordings, methods=[UNIMODAL, COSINE], seeds=[0, 1])
    here = StudyRuns(small, tmp_path / 'here', 'cpu')
    here.prepare(NullReporter(), 1)
    here.do(1, NullReporter(), InThisProcess)

    (tmp_path / 'cluster').mkdir()
    there = StudyRuns(small, tmp_path / 'there', 'cpu', elsewhere=True)
    killed: list[int] = []
    with dask_cluster(tmp_path / 'cluster') as cluster:
        poll_for(Path(cluster.address).exists, 'the scheduler does not start')
        executors = ExecutorSettings(2, cluster.address)
        # The windows are cut there too.
        there.prepare(NullReporter(), 2, executors.open)
        killer = threading.Thread(
            target=kill_the_first_at_work, args=(cluster, tmp_path / 'there' / 'runs', killed)
        )
        killer.start()
        there.do(2, NullReporter(), executors.open)
        killer.join()
        assert len(killed) == 1
        assert sum(worker.poll() is not None for worker in cluster.workers) == 1
    assert there.result().done == 4
    assert results(there.result()) == results(here.result())
    assert not list((tmp_path / 'there' / 'runs').glob('*.claim'))
