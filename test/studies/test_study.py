"""A study goes on where it was, records what fails, and adds up."""

from dataclasses import replace
import json
import multiprocessing
from pathlib import Path

import pytest

from test.paired_bags import write_paired_bag, write_subjects
from test.studies.small_study import (
    COSINE,
    DeadlyRecipes,
    FOREST,
    in_this_process,
    study,
    UNIMODAL,
)
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.progress import NullReporter
from xmodal_ros.studies.report import as_mapping, markdown, write_report
from xmodal_ros.studies.results import RunRecord
from xmodal_ros.studies.runner import do_job
from xmodal_ros.studies.study import StudyResult, StudyRuns
from xmodal_ros.studies.workers import do_all, Listeners
from xmodal_ros.training.window_statistics import StatisticsBaseline


class Heard(NullReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def advance(self, done: int, detail: str = '') -> None:
        self.steps.append(detail)


@pytest.fixture(scope='module')
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_subjects(tmp_path_factory.mktemp('recordings'))


def run(small, out: Path, runner=in_this_process, reporter=None) -> StudyResult:
    runs = StudyRuns(small, out, 'cpu')
    with runs.locked():
        runs.prepare(reporter or NullReporter(), workers=1)
        runs.do(1, reporter or NullReporter(), runner)
    return runs.result()


def scores(result: StudyResult) -> dict[str, float]:
    return {
        found.title: record.outcome.macro_f1
        for found, record in result.records
        if record and record.outcome
    }


def test_stopped_anywhere_it_goes_on_and_ends_up_with_the_same(recordings, tmp_path):
    small = study(recordings, seeds=[0, 1])
    whole = run(small, tmp_path / 'whole')
    assert whole.done == 6
    started: list[str] = []

    def stop_after(count: int):
        def runner(jobs, workers, listeners):
            def begin(task):
                # In the middle of a run: nothing of it may be taken for done.
                if len(started) == count:
                    raise KeyboardInterrupt
                started.append(task.run.title)

            in_this_process(jobs, workers, Listeners(begin, listeners.end))

        return runner

    for count in (1, 2, 4):
        with pytest.raises(KeyboardInterrupt):
            run(small, tmp_path / 'parts', stop_after(count))
    last = run(small, tmp_path / 'parts', stop_after(100))
    assert len(started) == len(set(started)) == 6
    assert scores(last) == scores(whole)
    assert last.tables == whole.tables
    run(small, tmp_path / 'parts', stop_after(6))


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


def test_more_seeds_keep_what_is_done(recordings, tmp_path):
    run(study(recordings), tmp_path)
    heard = Heard()
    result = run(study(recordings, seeds=[0, 1]), tmp_path, reporter=heard)
    assert result.done == 6
    assert heard.notes == ['3 of 6 runs are done already: going on']
    assert sum('left;' in step for step in heard.steps) == 3


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
    assert any('ZeroDivisionError: by nothing' in note for note in heard.notes)
    text = markdown(result)
    assert '- imu, forest: ZeroDivisionError: by nothing' in text
    assert '**Incomplete:** 1 of 3 runs' in text
    assert run(small, tmp_path).done == 3


def test_where_a_direction_cannot_be_the_others_go_on(recordings, tmp_path):
    directions = [{'train': ['1'], 'test': ['2']}, {'train': ['1'], 'test': ['9']}]
    small = study(recordings, splits={'across': {'directions': directions}, 'within': {}})
    result = run(small, tmp_path)
    assert (result.done, result.failed) == (9, 3)
    across, within = result.tables
    # A seed counts only with both its directions.
    assert all(line.macro_f1 is None and 'subject' in line.failures[0] for line in across.lines)
    assert all(line.macro_f1 is not None and line.subjects == 3 for line in within.lines)


def test_the_table_says_all_that_is_needed_to_read_it(recordings, tmp_path):
    labels = [{}, {'shots': 2}]
    split = {'directions': [{'train': ['1'], 'test': ['2', '3']}], 'labels': labels}
    found = 'What was found: *little*.'
    small = study(recordings, seeds=[0, 1], splits={'across': split}, findings=found)
    result = run(small, tmp_path)
    full, few = result.tables
    reference, forest, cosine = full.lines
    assert reference.is_reference
    assert reference.clip is None
    assert reference.p is None
    assert reference.parameters[0] > 500
    assert forest.parameters == ()
    assert cosine.sources == ('camera',)
    assert cosine.sources_kept == {'camera': 2}
    assert forest.clip is not None
    assert forest.macro_f1 is not None
    assert reference.macro_f1 is not None
    assert forest.clip.mean == pytest.approx(forest.macro_f1 - reference.macro_f1)
    assert few.labels == '2 windows an activity'
    # The mean over seeds is that of the files.
    by_file = [r.outcome.macro_f1 for f, r in result.records if r and r.outcome
               and f.row.row == 'forest' and f.group.labels.shots is None]  # fmt: skip
    assert forest.macro_f1 == pytest.approx(sum(by_file) / 2)
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
    result = run(study(recordings), tmp_path, lambda *_: None)
    write_report(result, tmp_path)
    assert '**Incomplete:** 3 of 3' in (tmp_path / 'table.md').read_text()


def test_two_studies_do_not_share_a_folder(recordings, tmp_path):
    first, second = (StudyRuns(study(recordings), tmp_path, 'cpu') for _ in range(2))
    refused = pytest.raises(ConfigurationError, match='a study is being run')
    with first.locked(), refused, second.locked():
        pass
    with second.locked():
        pass


def test_recordings_that_cannot_be_used_are_refused(tmp_path):
    bag = write_paired_bag(tmp_path / 'a' / 'bag', '1', labelled=False)
    with pytest.raises(TrainingError, match='none of the 1 recordings'):
        run(study(bag), tmp_path / 'out')
    again = write_paired_bag(tmp_path / 'b' / 'bag', '2')
    more = write_paired_bag(tmp_path / 'c' / 'bag', '3')
    both = study().model_copy(update={'recordings': (again, more)})
    with pytest.raises(ConfigurationError, match="two recordings of the study are named 'bag'"):
        run(both, tmp_path / 'out')


def test_processes_do_what_this_one_does_and_one_that_dies_is_told(recordings, tmp_path):
    small = study(recordings, seeds=[0, 1])
    here = run(small, tmp_path / 'here')

    def deadly(jobs, workers, listeners):
        # Those of the first seed end the process that touches them.
        broken = [
            replace(job, recipes=DeadlyRecipes(job.recipes)) if job.group.seed == 0 else job
            for job in jobs
        ]
        do_all(broken, 2, listeners)

    result = run(small, tmp_path / 'there', deadly)
    assert (result.done, result.failed) == (3, 3)
    reasons = {record.failure for _, record in result.records if record and record.failure}
    assert len(reasons) == 1
    assert 'ended by itself (exit code 9)' in reasons.pop()
    assert scores(result).items() < scores(here).items()


def test_a_listener_that_stops_it_ends_the_processes(recordings, tmp_path):
    def interrupted(jobs, workers, listeners):
        def begin(task):
            raise KeyboardInterrupt

        do_all(jobs, 1, Listeners(begin, listeners.end))

    with pytest.raises(KeyboardInterrupt):
        run(study(recordings), tmp_path, interrupted)
    assert not multiprocessing.active_children()


def test_a_job_says_what_it_begins_and_ends(recordings, tmp_path):
    told: list[tuple[str, str]] = []

    def listen(jobs, workers, listeners):
        for job in jobs:
            do_job(
                job,
                lambda task: told.append(('begin', task.run.row.row)),
                lambda task, _: told.append(('end', task.run.row.row)),
            )

    run(study(recordings, methods=[UNIMODAL, FOREST]), tmp_path, listen)
    assert told == [(w, r) for r in ('unimodal', 'forest') for w in ('begin', 'end')]
    files = sorted((tmp_path / 'runs').iterdir())
    for file in files:
        identity = json.loads(file.read_text())['run']
        assert RunRecord.read(file, identity) is not None
