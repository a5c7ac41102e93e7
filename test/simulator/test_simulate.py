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

import os
from pathlib import Path
import shutil
from typing import NoReturn

import pytest

from test.simulator.performances import content_hash
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.simulator import simulate as simulate_module
from xmodal_ros.simulator.recording import RecordingPlan
from xmodal_ros.simulator.simulate import plan_recordings, simulate


def contents(folder: Path) -> dict[str, str]:
    return {path.name: content_hash(path) for path in sorted(folder.iterdir())}


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def modified(bag: Path) -> int:
    return (bag / 'metadata.yaml').stat().st_mtime_ns


def test_two_processes_write_what_one_does_and_tell_of_their_progress(simulated, tmp_path):
    shares: dict[str, list[float]] = {}
    bags = simulate(
        tmp_path / 'out',
        plan_recordings(2, 1.0, 0),
        jobs=2,
        progress=lambda subject, share: shares.setdefault(subject, []).append(share),
    )
    assert contents(tmp_path / 'out') == contents(simulated)
    assert [bag.subject for bag in bags] == ['subject_01', 'subject_02']
    assert all(not bag.kept and bag.counts['/imu_wrist/data'] == 6000 for bag in bags)
    assert all(values == sorted(values) and values[-1] == 1.0 for values in shares.values())
    assert list(shares) == ['subject_01', 'subject_02']


def test_those_that_are_replaced_are_counted_among_what_processes_are_started_for(
    tmp_path, monkeypatch
):
    for plan in plan_recordings(3, 1.0, 0):
        bag = tmp_path / plan.subject
        bag.mkdir()
        (bag / 'metadata.yaml').write_text('damaged')
    started: list[int] = []

    class NoneAtAllError(Exception):
        pass

    def refuse(processes: int) -> NoReturn:
        raise NoneAtAllError

    monkeypatch.setattr(simulate_module, 'LocalExecutor', refuse)
    with pytest.raises(NoneAtAllError):
        simulate(
            *(tmp_path, plan_recordings(3, 1.0, 0)),
            jobs=2,
            force=True,
            starting=started.append,
        )
    assert started == [2]


@pytest.fixture
def one_bag(simulated: Path, tmp_path: Path) -> Path:
    """Give a folder of one's own with the bag of one person."""
    folder = tmp_path / 'one'
    shutil.copytree(simulated / 'subject_01', folder / 'subject_01')
    return folder


def test_bags_that_are_there_are_kept_and_missing_ones_added(simulated, one_bag):
    before = modified(one_bag / 'subject_01')
    shares: list[float] = []
    bags = simulate(
        one_bag, plan_recordings(2, 1.0, 0), progress=lambda _, share: shares.append(share)
    )
    assert [bag.kept for bag in bags] == [True, False]
    assert modified(one_bag / 'subject_01') == before
    # Once more the same, of another person other.
    assert contents(one_bag) == contents(simulated)
    assert len({*contents(one_bag).values()}) == 2
    kept, *written = shares
    assert kept == 1.0
    assert written == sorted(written)
    assert written[-1] == 1.0


@pytest.mark.parametrize(
    'plans',
    [plan_recordings(1, 1.0, 7), plan_recordings(1, 1.5, 0), plan_recordings(1, 1.0, 0, 'raw')],
)
def test_bags_made_with_other_parameters_are_refused(one_bag, plans):
    before = contents(one_bag)
    with pytest.raises(BagError, match=r'subject_01.*other parameters.*--force'):
        simulate(one_bag, plans)
    assert contents(one_bag) == before


def test_force_replaces_bags_made_with_other_parameters_and_keeps_the_others(one_bag):
    before = contents(one_bag)
    assert simulate(one_bag, plan_recordings(1, 1.0, 0), force=True)[0].kept
    plans = plan_recordings(1, 1.0, 7)
    assert not simulate(one_bag, plans, force=True)[0].kept
    assert entries(one_bag) == ['subject_01']
    assert contents(one_bag) != before
    assert simulate(one_bag, plans)[0].kept


def test_damaged_bag_is_refused_with_the_reason_and_replaced_by_force(
    simulated, one_bag, monkeypatch
):
    def copy(plan: RecordingPlan, path: Path, progress: object) -> None:
        shutil.copytree(simulated / plan.subject, path)

    # What is written is the same, as is tested above.
    monkeypatch.setattr('xmodal_ros.simulator.simulate.write_recording', copy)
    before = contents(one_bag)
    plans = plan_recordings(1, 1.0, 0)
    storage = one_bag / 'subject_01' / 'subject_01.mcap'
    os.truncate(storage, storage.stat().st_size // 2)
    with pytest.raises(BagError, match=r'cannot be used.*--force'):
        simulate(one_bag, plans)
    assert not simulate(one_bag, plans, force=True)[0].kept
    assert contents(one_bag) == before


def test_what_is_no_bag_is_never_replaced(tmp_path):
    (tmp_path / 'subject_01').mkdir()
    (tmp_path / 'subject_01' / 'thesis.txt').write_text('years of work')
    with pytest.raises(BagError, match='no bag'):
        simulate(tmp_path, plan_recordings(1, 1.0, 0), force=True)
    assert (tmp_path / 'subject_01' / 'thesis.txt').read_text() == 'years of work'


@pytest.mark.parametrize('jobs', [1, 2])
def test_interrupted_simulation_leaves_nothing_behind(tmp_path, jobs):
    def interrupt(subject: str, share: float) -> None:
        if 0.1 < share < 1.0:
            raise KeyboardInterrupt

    # Long enough to be seen half-way by a busy machine, too.
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / 'out', plan_recordings(2, 30.0, 0), jobs=jobs, progress=interrupt)
    assert entries(tmp_path / 'out') == []


def test_interrupted_replacement_puts_the_old_bag_back(one_bag):
    before = contents(one_bag)

    def interrupt(subject: str, share: float) -> None:
        if share > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(one_bag, plan_recordings(1, 1.0, 7), force=True, progress=interrupt)
    assert contents(one_bag) == before


@pytest.mark.parametrize('jobs', [1, 2])
def test_unwritable_folder_is_an_error_in_words(tmp_path, jobs):
    (tmp_path / 'file').write_text('')
    with pytest.raises(BagError, match='cannot write bag'):
        simulate(tmp_path / 'file' / 'out', plan_recordings(2, 1.0, 0), jobs=jobs)


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ((0, 4.0, 0), '0 subjects'),
        ((6, 0.5, 0), '0.5 minutes'),
        ((6, 4.0, -1), 'seed -1'),
        ((6, 1e6, 0), 'minutes'),
    ],
)
def test_impossible_parameters_are_refused(values, words):
    with pytest.raises(ConfigurationError, match=words):
        plan_recordings(*values)
