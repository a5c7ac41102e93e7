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

"""A study goes on where it was, records what fails, and adds up."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
import importlib
import json
import multiprocessing
from pathlib import Path
import subprocess
import sys
import threading

import pytest

from test.paired_bags import LABELS, write_paired_bag, write_subjects
from test.studies.small_study import (
    COSINE,
    DeadlyRecipes,
    document,
    InThisProcess,
    LOGISTIC,
    study,
    TINY,
    UNIMODAL,
)
from test.waiting import PATIENCE_S
from xmodal_ros.data.recording import RecordingFacts
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.executors import LocalExecutor
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.progress import NullReporter
from xmodal_ros.studies import run_code
from xmodal_ros.studies.claims import claim, is_claimed
from xmodal_ros.studies.report import as_mapping, markdown, write_report
from xmodal_ros.studies.results import Confusion, Outcome, RunRecord
from xmodal_ros.studies.runner import _GroupRunner, do_job
from xmodal_ros.studies.runs import groups
from xmodal_ros.studies.study import content_of, StudyResult, StudyRuns
from xmodal_ros.studies.summary import summarise
from xmodal_ros.training.window_statistics import StatisticsBaseline

ONE_TEACHES = {'train': ['1'], 'test': ['2', '3']}


class Heard(NullReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def advance(self, done: float, detail: str = '') -> None:
        self.steps.append(detail)


@pytest.fixture(scope='module')
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_subjects(tmp_path_factory.mktemp('recordings'))


def run(
    small,
    out: Path,
    open_executor: Callable[[], AbstractContextManager[Executor]] = InThisProcess,
    reporter=None,
) -> StudyResult:
    runs = StudyRuns(small, out, 'cpu')
    runs.prepare(reporter or NullReporter(), 1)
    runs.do(1, reporter or NullReporter(), open_executor)
    return runs.result()


def scores(result: StudyResult) -> dict[str, float]:
    return {
        found.title: record.outcome.macro_f1
        for found, record in result.records
        if record and record.outcome
    }


def test_stopped_anywhere_it_goes_on_and_ends_up_with_the_same(recordings, tmp_path, monkeypatch):
    small = study(recordings, seeds=[0, 1])
    whole = run(small, tmp_path / 'whole')
    assert whole.done == 6
    started: list[str] = []
    train_and_test = _GroupRunner.train_and_test
    most = 0

    def until(self, run):
        # In the middle of a run: nothing of it may be taken for done.
        if len(started) == most:
            raise KeyboardInterrupt
        started.append(run.title)
        return train_and_test(self, run)

    monkeypatch.setattr(_GroupRunner, 'train_and_test', until)
    for count in (1, 2, 4):
        most = count
        with pytest.raises(KeyboardInterrupt):
            run(small, tmp_path / 'parts')
    most = 100
    last = run(small, tmp_path / 'parts')
    assert len(started) == len(set(started)) == 6
    assert scores(last) == scores(whole)
    assert last.tables == whole.tables
    most = 6
    run(small, tmp_path / 'parts')
    assert not list((tmp_path / 'parts' / 'runs').glob('*.claim'))


def test_a_result_cut_short_or_of_another_run_is_not_taken(recordings, tmp_path):
    small = study(recordings, methods=[UNIMODAL])
    run(small, tmp_path)
    (file,) = (tmp_path / 'runs').iterdir()
    text = file.read_text()
    for broken in (text[:100], text.replace('"seed": 0', '"seed": 7'), '{}'):
        file.write_text(broken)
        heard = Heard()
        assert run(small, tmp_path, reporter=heard).done == 1
        assert heard.notes == []
        assert json.loads(file.read_text())['run']['seed'] == 0


def test_runs_by_other_code_are_told_and_run_anew_when_asked(recordings, tmp_path, monkeypatch):
    confusion = Confusion(clip=((1, 0), (0, 1)), window=((1, 0), (0, 1)))
    made = Outcome(
        labels=('a', 'b'),
        subjects={'2': confusion},
        macro_f1=1,
        macro_f1_window=1,
        parameters=1,
        sources_used=(),
        windows={},
        durations_s={},
        facts={},
    )
    monkeypatch.setattr(_GroupRunner, '__init__', lambda *_: None)
    monkeypatch.setattr(_GroupRunner, 'train_and_test', lambda *_: made)
    small, heard = study(recordings, methods=[UNIMODAL, LOGISTIC], targets={'imu': []}), Heard()
    assert not run(small, tmp_path).other_code
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / 'runs').glob('*.json')}
    hash_of = run_code._hash
    monkeypatch.setattr(
        run_code, '_hash', lambda found: 'x' if found is Unimodal else hash_of(found)
    )
    kept = run(small, tmp_path, reporter=heard)
    assert kept.other_code == {'method unimodal': 1}
    assert any('1 of 2 runs were made by other code of method uni' in n for n in heard.notes)
    assert '**Not alike:**' in markdown(kept)
    assert as_mapping(kept)['other_code'] == kept.other_code
    assert {file: file.stat().st_mtime_ns for file in files} == files
    runs = StudyRuns(small, tmp_path, 'cpu', again=True)
    runs.prepare(NullReporter(), 1)
    runs.do(1, NullReporter(), InThisProcess)
    assert not runs.result().other_code
    assert runs.result().done == 2
    changed = [file.name for file, at in files.items() if file.stat().st_mtime_ns != at]
    assert len(changed) == 1
    assert 'unimodal' in changed[0]


def test_code_is_that_of_a_class_and_of_what_it_imports_from_beside_it(tmp_path, monkeypatch):
    package = tmp_path / 'code_of_another'
    package.mkdir()
    files = ('__init__', 'method', 'net', 'deeper', 'other')
    (package / 'method.py').write_text(
        'import os\nclass Method:\n    def build(self):\n        from .net import Net\n'
    )
    for name in ('__init__', 'deeper', 'other'):
        (package / f'{name}.py').write_text('')
    (package / 'net.py').write_text(
        'import code_of_another.deeper\nfrom code_of_another import method\nclass Net: ...\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = importlib.import_module('code_of_another.method').Method
    before, matters = run_code._hash(found), []
    for name in files:
        file = package / f'{name}.py'
        text = file.read_text()
        file.write_text(text + '# changed\n')
        # As another process would.
        run_code._hash.cache_clear()
        matters += [name] * (run_code._hash(found) != before)
        file.write_text(text)
    assert matters == ['method', 'net', 'deeper']
    run_code._hash.cache_clear()


def test_more_seeds_keep_what_is_done(recordings, tmp_path):
    run(study(recordings), tmp_path)
    heard = Heard()
    result = run(study(recordings, seeds=[0, 1]), tmp_path, reporter=heard)
    assert result.done == 6
    assert heard.notes == ['3 of 6 runs are done already: going on']
    assert sum('left;' in step for step in heard.steps) == 3


def test_more_targets_and_sources_keep_what_is_done_without_them(recordings, tmp_path):
    alone = study(recordings, targets={'imu': []}, methods=[UNIMODAL, LOGISTIC])
    run(alone, tmp_path)
    more = study(recordings, targets={'imu': [['camera']], 'camera': []})
    heard = Heard()
    assert run(more, tmp_path, reporter=heard).done == 5
    assert heard.notes == ['2 of 5 runs are done already: going on']


def test_what_a_recording_shows_of_a_runs_sensors_decides_on_it(tmp_path):
    folder = write_subjects(tmp_path / 'recordings')
    small = study(folder, methods=[UNIMODAL, COSINE])

    def missing() -> list[str]:
        runs = StudyRuns(small, tmp_path / 'out', 'cpu')
        runs.prepare(NullReporter(), 1)
        return [task.run.row.row for job in runs.jobs() for task in job.tasks]

    run(small, tmp_path / 'out')
    assert missing() == []
    # A clock is corrected, of a sensor that only one of the runs has.
    clocks = folder / 'bag_1' / 'clocks.yaml'
    clocks.write_text('camera: {offset_s: 0.5}')
    assert missing() == ['cosine']
    clocks.unlink()
    assert missing() == []
    # How a sensor is worn is said where no message changes.
    metadata = folder / 'bag_1' / 'metadata.yaml'
    text = metadata.read_text()
    turned = text.replace('imu_link"', 'imu_link", "mounting_rotation": [0, 0, 90]')
    assert turned != text
    metadata.write_text(turned)
    assert missing() == ['unimodal', 'cosine']


def test_recordings_of_one_size_are_told_apart_by_what_they_hold(tmp_path):
    file = tmp_path / 'bag.db3'
    facts = RecordingFacts(tmp_path, 'bag', '1', (), {}, {}, files=(file,))
    file.write_bytes(b'one')
    before = content_of(facts)
    file.write_bytes(b'two')
    assert content_of(facts) != before


def test_rows_that_share_their_sources_score_as_if_run_alone(recordings, tmp_path):
    distil = {'row': 'distil', 'method': 'distillation'}
    together = scores(run(study(recordings, methods=[UNIMODAL, COSINE, distil]), tmp_path / 'a'))
    apart = scores(run(study(recordings, methods=[UNIMODAL, distil]), tmp_path / 'b'))
    assert apart.items() < together.items()


def test_rows_that_begin_with_the_target_alone_score_as_if_run_alone(recordings, tmp_path):
    rows = [{'row': 'guarded', 'method': 'xmodal'}, {'row': 'gated', 'method': 'dynamic_gating'}]
    together = scores(run(study(recordings, methods=[UNIMODAL, *rows]), tmp_path / 'a'))
    apart = scores(run(study(recordings, methods=[UNIMODAL, rows[1]]), tmp_path / 'b'))
    assert apart.items() < together.items()


def test_what_answers_beside_the_net_is_chosen_once_for_all_rows_and_told(recordings, tmp_path):
    sensors = {'imu': {**TINY, 'encoder': 'auto'}, 'camera': document()['sensors']['camera']}
    small = study(
        recordings,
        methods=[UNIMODAL, COSINE],
        sensors=sensors,
        windows={'length_s': 1.5, 'hop_s': 0.5},
    )
    done = [record.outcome for _, record in run(small, tmp_path / 'study').records if record]
    choices = [outcome.facts['encoder_choice'] for outcome in done if outcome]
    assert len(choices) == 2
    assert choices[0] == choices[1]
    assert {'net', 'statistics', 'kernel', 'rocket', 'forest'} == set(choices[0]['alone'])
    # Members that were chosen are counted, as they are held by a bundle.
    assert set(choices[0]['chosen']) - {'net'}
    net = run(
        study(recordings, methods=[UNIMODAL], sensors={**sensors, 'imu': TINY}), tmp_path / 'net'
    )
    (alone,) = (record.outcome for _, record in net.records if record)
    assert alone
    for outcome in done:
        assert outcome
        assert outcome.parameters
        assert outcome.parameters > 2 * (alone.parameters or 0) > 0


def test_a_run_that_fails_is_told_with_its_reason_and_tried_again(
    recordings, tmp_path, monkeypatch
):
    def fail(self, *given):
        raise ZeroDivisionError('by nothing')

    small, heard = study(recordings), Heard()
    with monkeypatch.context() as patch:
        patch.setattr(StatisticsBaseline, 'probabilities', fail)
        result = run(small, tmp_path, reporter=heard)
    assert (result.done, result.failed) == (2, 1)
    assert any('ZeroDivisionError: by nothing (test_study.py:' in n for n in heard.notes)
    text = markdown(result)
    assert '- imu, logistic: ZeroDivisionError: by nothing' in text
    assert '**Incomplete:** 1 of 3 runs' in text
    assert run(small, tmp_path).done == 3
    again = Heard()
    run(small, tmp_path, reporter=again)
    assert any('all 3 runs are done already, and nothing is run' in n for n in again.notes)


def test_where_a_direction_cannot_be_the_others_go_on(recordings, tmp_path):
    directions = [{'train': ['1'], 'test': ['2']}, {'train': ['1'], 'test': ['9']}]
    small = study(recordings, splits={'across': {'directions': directions}, 'within': {}})
    result = run(small, tmp_path)
    assert (result.done, result.failed) == (9, 3)
    across, within = result.tables
    # A seed counts only with both its directions.
    assert all(line.macro_f1 is None and 'subject' in line.failures[0] for line in across.lines)
    assert all(line.macro_f1 is not None and line.subjects == 3 for line in within.lines)


def test_of_a_study_that_was_stopped_early_the_folds_that_all_rows_have_done_are_shown(
    recordings, tmp_path
):
    directions = [{'train': ['1'], 'test': ['2']}, {'train': ['2'], 'test': ['3']}]
    result = run(study(recordings, splits={'across': {'directions': directions}}), tmp_path)
    (whole,) = result.tables
    assert {line.subjects for line in whole.lines} == {2}
    first = result.records[0][0].group.fold.number
    of_other = [run for run, _ in result.records if run.group.fold.number != first]
    # One row has done the other direction as well.
    stopped = [(run, None if run in of_other[1:] else record) for run, record in result.records]
    (early,) = summarise(result.study, stopped)
    assert all(line.macro_f1 is not None and line.subjects == 1 for line in early.lines)
    assert sorted((line.runs, line.runs_planned) for line in early.lines) == [
        *((len(early.lines) - 1) * [(1, 2)]),
        (2, 2),
    ]
    (nothing,) = summarise(result.study, [(run, None) for run, _ in result.records])
    assert all(line.macro_f1 is None and line.runs == 0 for line in nothing.lines)


def test_the_table_says_all_that_is_needed_to_read_it(recordings, tmp_path):
    labels = [{}, {'shots': 2}]
    split = {'directions': [{'train': ['1'], 'test': ['2', '3']}], 'labels': labels}
    found = 'What was found: *little*.'
    small = study(recordings, seeds=[0, 1], splits={'across': split}, findings=found)
    result = run(small, tmp_path)
    full, few = result.tables
    reference, logistic, cosine = full.lines
    assert reference.is_reference
    assert reference.clip is None
    assert reference.p is None
    assert reference.parameters[0] > 500
    assert logistic.parameters == ()
    assert cosine.sources == ('camera',)
    assert cosine.sources_kept == {'camera': 2}
    assert logistic.clip is not None
    assert logistic.macro_f1 is not None
    assert reference.macro_f1 is not None
    assert logistic.clip.mean == pytest.approx(logistic.macro_f1 - reference.macro_f1)
    assert few.labels == '2 windows an activity'
    # The mean over seeds is that of the files.
    by_file = [r.outcome.macro_f1 for f, r in result.records if r and r.outcome
               and f.row.row == 'logistic' and f.group.labels.shots is None]  # fmt: skip
    assert logistic.macro_f1 == pytest.approx(sum(by_file) / 2)
    write_report(result, tmp_path)
    text = (tmp_path / 'table.md').read_text()
    for word in ('Seeds 0, 1', 'cpu', 'torch', '2 test subjects', '## Across, all labels'):
        assert word in text
    assert text.endswith(f'|\n\n{found}\n')
    assert (tmp_path / 'differences.png').read_bytes().startswith(b'\x89PNG')
    written = json.loads((tmp_path / 'study.json').read_text())
    assert written['runs'] == {'planned': 12, 'done': 12, 'failed': 0}
    assert written == json.loads(json.dumps(as_mapping(result)))


def test_nothing_done_yet_is_a_table_too(recordings, tmp_path):
    runs = StudyRuns(study(recordings), tmp_path, 'cpu')
    runs.prepare(NullReporter(), 1)
    result = runs.result()
    write_report(result, tmp_path)
    assert '**Incomplete:** 3 of 3' in (tmp_path / 'table.md').read_text()


@pytest.mark.parametrize(
    ('across', 'shown', 'told'),
    [
        ({'directions': [ONE_TEACHES]}, {'1': 'fall', '2': 'walk', '3': 'walk'}, ''),
        (
            {'directions': [ONE_TEACHES]},
            {'1': 'walk', '2': 'sit', '3': 'sit'},
            "'sit' of 2, 3",
        ),
        (
            {'folds': 2, 'subjects': ['2', '3']},
            {'1': 'sit', '2': 'sit', '3': 'walk'},
            "'sit' of 2",
        ),
    ],
)
def test_activities_that_nobody_teaches_are_told_where_people_are_tested(
    tmp_path, across, shown, told
):
    bags = write_subjects(tmp_path / 'bags', labels=LABELS)
    for subject, label in shown.items():
        table = f'start,end,label\n0,4,{label}\n5,9,walk\n'
        (bags / f'bag_{subject}' / 'labels.csv').write_text(table)
    heard = Heard()
    runs = StudyRuns(study(bags, splits={'across': across}), tmp_path / 'out', 'cpu')
    runs.prepare(heard, 1)
    notes = [note for note in heard.notes if note.startswith('activity')]
    words = 'where they are tested, nobody who trains shows it, and it counts as missed'
    assert notes == ([f'activity {told}: {words}'] if told else [])


@pytest.mark.parametrize('unlabelled', [False, True])
def test_activities_that_nobody_drawn_teaches_are_told(tmp_path, unlabelled):
    bags = write_subjects(tmp_path / 'bags', labels=LABELS)
    for subject, label in {'1': 'sit', '2': 'fall', '3': 'sit'}.items():
        table = f'start,end,label\n0,4,{label}\n5,9,walk\n'
        (bags / f'bag_{subject}' / 'labels.csv').write_text(table)
    directions = [{'train': ['1', '2'], 'test': ['3']}]
    labels = [{'people': 1, 'unlabelled': unlabelled}, {}]
    splits = {'across': {'directions': directions, 'labels': labels}}
    few = study(bags, splits=splits, seeds=list(range(8)))
    drawn = {
        (group.seed, group.labelled or direction.train)
        for group in groups(few)
        if group.labels.people and (direction := group.fold.direction)
    }
    without = sum(people == ('2',) for _, people in drawn)
    assert 0 < without < len(drawn) == 8
    heard = Heard()
    StudyRuns(few, tmp_path / 'out', 'cpu').prepare(heard, 1)
    (note,) = [note for note in heard.notes if 'missed' in note]
    others = ', the others unlabelled' if unlabelled else ''
    assert note == (
        f"1 person{others}: nobody who is drawn shows 'sit' in {without} of 8 drawings, where "
        'people are tested on it and it counts as missed'
    )


def test_recordings_that_cannot_be_used_are_refused(tmp_path):
    bag = write_paired_bag(tmp_path / 'a' / 'bag', '1', labelled=False)
    with pytest.raises(TrainingError, match='none of the 1 recordings'):
        run(study(bag), tmp_path / 'out')
    again = write_paired_bag(tmp_path / 'b' / 'bag', '2')
    more = write_paired_bag(tmp_path / 'c' / 'bag', '3')
    both = study().model_copy(update={'recordings': (again, more)})
    with pytest.raises(ConfigurationError, match=f"are named 'bag', {again} and {more}: rename"):
        run(both, tmp_path / 'out')


def test_processes_do_what_this_one_does_and_one_that_dies_is_told(recordings, tmp_path):
    small = study(recordings, seeds=[0, 1], methods=[UNIMODAL, COSINE])
    here = run(small, tmp_path / 'here')
    runs = StudyRuns(small, tmp_path / 'there', 'cpu')
    runs.prepare(NullReporter(), 1)
    # Those of the first seed end the process that touches them.
    runs._jobs = [
        replace(job, recipes=DeadlyRecipes(job.recipes)) if job.group.seed == 0 else job
        for job in runs.jobs()
    ]
    runs.do(2, NullReporter(), partial(LocalExecutor, 2))
    result = runs.result()
    assert (result.done, result.failed) == (2, 2)
    reasons = {record.failure for _, record in result.records if record and record.failure}
    assert len(reasons) == 1
    assert 'ended by itself (exit code 9)' in reasons.pop()
    assert scores(result).items() < scores(here).items()
    assert not list((tmp_path / 'there' / 'runs').glob('*.claim'))


def test_whatever_stops_it_ends_the_processes(recordings, tmp_path):
    class Interrupting(NullReporter):
        def advance(self, done: float, detail: str = '') -> None:
            if 'left;' in detail:
                raise KeyboardInterrupt

    runs = StudyRuns(study(recordings), tmp_path, 'cpu')
    runs.prepare(NullReporter(), 1)
    with pytest.raises(KeyboardInterrupt):
        runs.do(1, Interrupting(), partial(LocalExecutor, 1))
    assert not multiprocessing.active_children()


def test_a_job_writes_what_can_be_read_and_leaves_what_is_done(recordings, tmp_path):
    runs = StudyRuns(study(recordings, methods=[UNIMODAL, LOGISTIC]), tmp_path, 'cpu')
    runs.prepare(NullReporter(), 1)
    (job,) = runs.jobs()
    with claim(job.tasks[0].path) as attempt:
        assert attempt == 1
        # It leaves a job to whoever is at it, or shares it with him.
        do_job(job, share=False)
        assert not any(task.is_done() for task in job.tasks)
        do_job(job)
    assert [task.is_done() for task in job.tasks] == [False, True]
    kept = job.tasks[1].path.stat().st_mtime_ns
    do_job(job)
    assert job.tasks[1].path.stat().st_mtime_ns == kept
    for task in job.tasks:
        assert RunRecord.read(task.path, task.identity) is not None


def test_what_another_process_is_at_is_waited_for(recordings, tmp_path):
    small = study(recordings, methods=[UNIMODAL])
    runs = StudyRuns(small, tmp_path, 'cpu')
    runs.prepare(NullReporter(), 1)
    ((task,),) = [job.tasks for job in runs.jobs()]
    with claim(task.path):
        worker = threading.Thread(target=runs.do, args=(1, NullReporter(), InThisProcess))
        worker.start()
        worker.join(1.0)
        assert worker.is_alive()
        assert not task.is_done()
    worker.join(PATIENCE_S)
    assert not worker.is_alive()
    assert runs.result().done == 1


def test_a_claim_ends_with_the_process_and_counts_those_that_died(tmp_path):
    path = tmp_path / 'run.json'
    script = (
        'import sys, time\n'
        'from pathlib import Path\n'
        'from xmodal_ros.studies.claims import claim\n'
        'with claim(Path(sys.argv[1])) as attempt:\n'
        '    print(attempt, flush=True)\n'
        '    time.sleep(60)\n'
    )
    for number in (1, 2):
        command = [sys.executable, '-c', script, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == f'{number}\n'
            assert is_claimed(path)
            with claim(path) as attempt:
                assert attempt is None
            process.kill()
        assert not is_claimed(path)
    with claim(path) as attempt:
        assert attempt == 3
    assert not list(tmp_path.iterdir())
