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

"""Run a study: read, cut, do what is missing, and write the tables."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import fcntl
from functools import partial
import hashlib
import json
from pathlib import Path

from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.data.datamodule import load_recordings
from xmodal_ros.data.file_identity import content
from xmodal_ros.data.recording import RecordingFacts
from xmodal_ros.data.scan import scan
from xmodal_ros.data.split import check_people, natural_order, SubjectSplit
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.executors import LocalExecutor, OpenExecutor
from xmodal_ros.progress import ProgressReporter
from xmodal_ros.studies.claims import clear_stale_claims
from xmodal_ros.studies.dispatch import do_all
from xmodal_ros.studies.eta import EtaEstimator
from xmodal_ros.studies.recipes import make_recipes, place_sensors
from xmodal_ros.studies.results import RunRecord
from xmodal_ros.studies.run_code import code_of
from xmodal_ros.studies.runner import devices_for, Job, Task
from xmodal_ros.studies.runs import directions, file_name, Group, groups, People, Run
from xmodal_ros.studies.specification import Direction, Study
from xmodal_ros.studies.summary import summarise, Table


@dataclass(frozen=True)
class StudyResult:
    """All runs of a study with their records, None where not done, and the tables.

    ``other_code`` counts runs that were made by other code than this process has, by what differs.
    """

    study: Study
    records: tuple[tuple[Run, RunRecord | None], ...]
    tables: tuple[Table, ...]
    other_code: Mapping[str, int]

    @property
    def done(self) -> int:
        """How many runs have an outcome."""
        return sum(record is not None and not record.failure for _, record in self.records)

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(record is not None and bool(record.failure) for _, record in self.records)


class StudyRuns:
    """The runs of a study in a folder: which are done, and how the others are.

    The folder holds ``windows`` and ``runs``, a file each. Any number of processes may work in it,
    on any machine that sees it. Jobs take turns on all GPUs that ``device`` may mean; those that
    go ``elsewhere`` find theirs where they are done. Those that other code has made are kept, and
    told, unless they are to be made ``again``.
    """

    def __init__(
        self,
        study: Study,
        out: Path,
        device: str,
        *,
        elsewhere: bool = False,
        again: bool = False,
    ) -> None:
        self.study = study
        self.out = out
        self._again = again
        self._devices = (device,) if elsewhere else devices_for(device)
        self._windows = out / 'windows'
        self._jobs: list[Job] = []
        self._tasks: list[Task] = []
        self._records: dict[Path, RunRecord] = {}
        self._code: dict[Path, dict[str, str]] = {}

    def prepare(
        self,
        reporter: ProgressReporter,
        workers: int | None = None,
        open_executor: OpenExecutor | None = None,
    ) -> None:
        """Read the recordings, cut the windows that are missing, and find what is to be run.

        An executor cuts, by default ``workers`` processes, as many as there are CPUs unless it is
        said. Raises :class:`~xmodal_ros.errors.XmodalError` for recordings that cannot be used,
        and where the folder cannot be written.
        """
        facts = [place_sensors(self.study, fact) for fact in _read_all(self.study, reporter)]
        recipes = make_recipes(self.study, facts)
        people = _people(facts, recipes)
        self._check_people(people)
        folds = directions(self.study, people)
        for note in _not_shown_in_training(folds, facts):
            reporter.note(note)
        for note in _not_shown_by_drawn(groups(self.study, people), folds, facts):
            reporter.note(note)
        options = DataOptions(self._windows, workers, strict=True)
        with self._cutting(reporter):
            load_recordings(facts, recipes, options, reporter, open_executor=open_executor)
        clear_stale_claims(self.out / 'runs')
        files = {fact.name: content_of(fact) for fact in facts}
        known: dict[tuple[str, ...], dict[str, str]] = {}
        for group in groups(self.study, people):
            tasks = []
            names = (group.target, *group.sources)
            if names not in known:
                known[names] = {
                    each.name: _identity(each, names, files[each.name]) for each in facts
                }
            modalities = {recipes[name].stream.modality for name in names}
            for row in group.rows:
                run = Run(group, row)
                identity = run.identity(self.study, known[names], modalities)
                path = self.out / 'runs' / file_name(identity)
                written_ns = path.stat().st_mtime_ns if path.exists() else 0
                record = RunRecord.read(path, identity)
                self._code[path] = code_of(run, recipes)
                if record is not None and not (self._again and self._differs(path, record)):
                    self._records[path] = record
                tasks.append(Task(run, identity, path, written_ns))
            self._tasks += tasks
            missing = tuple(task for task in tasks if not self._has_outcome(task))
            if missing:
                device = self._devices[len(self._jobs) % len(self._devices)]
                self._jobs.append(
                    Job(group, missing, tuple(facts), recipes, self._windows, device)
                )

    def _check_people(self, people: People) -> None:
        """Refuse one person in two parts before anything is computed."""
        for parts in {group.fold.people for group in groups(self.study, people)}:
            if isinstance(parts, SubjectSplit):
                check_people(people.subjects, parts)

    def jobs(self) -> tuple[Job, ...]:
        """Give what is to be done, as it was found by :meth:`prepare`."""
        return tuple(self._jobs)

    def do(
        self, workers: int, reporter: ProgressReporter, open_executor: OpenExecutor | None = None
    ) -> None:
        """Do what is missing, and what failed before. Whatever ends it leaves what is done.

        By default ``workers`` processes of this machine do it.
        """
        missing = {task.path.name: task for job in self._jobs for task in job.tasks}
        kept = [task for task in self._tasks if self._has_outcome(task)]
        eta = EtaEstimator([_kind(task) for task in missing.values()], workers)
        for task in kept:
            eta.observe(_kind(task), self._records[task.path].duration_s)
        if kept and missing:
            reporter.note(f'{len(kept)} of {len(self._tasks)} runs are done already: going on')
        elif kept:
            reporter.note(f'all {len(kept)} runs are done already, and nothing is run')
        for what, count in self._other_code().items():
            reporter.note(
                f'{count} of {len(self._tasks)} runs were made by other code of {what} than there '
                'is now: what is compared is not alike; --again runs them anew'
            )
        reporter.begin('runs done', len(missing))
        total = len(missing)

        def look() -> None:
            """Take in the results that are there now, whoever wrote them."""
            written = {file.name for file in (self.out / 'runs').glob('*.json')}
            for name in [name for name in missing if name in written]:
                task = missing[name]
                record = RunRecord.read(task.path, task.identity) if task.is_done() else None
                if record is None:
                    continue
                del missing[name]
                self._records[task.path] = record
                eta.finish(_kind(task), record.duration_s)
                if record.failure:
                    reporter.note(f'{task.run.title}: {record.failure}')
                scored = f'{record.outcome.macro_f1:.3f}' if record.outcome else 'failed'
                done = total - len(missing)
                reporter.advance(done, f'{eta.text()} left; {task.run.title}: {scored}')

        try:
            do_all(self._jobs, open_executor or partial(LocalExecutor, workers), look)
        finally:
            look()

    @contextmanager
    def _cutting(self, reporter: ProgressReporter) -> Iterator[None]:
        """Have one process at a time cut windows: what it cut, the next one finds.

        Raises :class:`ConfigurationError` when the folder cannot be written.
        """
        try:
            (self.out / 'runs').mkdir(parents=True, exist_ok=True)
            lock = (self.out / '.lock').open('w')
        except OSError as error:
            raise ConfigurationError(f'cannot write into {self.out}: {error}') from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                reporter.note(f'another process cuts windows in {self.out}: waiting for it')
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def result(self) -> StudyResult:
        """Give what there is so far."""
        records = tuple((task.run, self._records.get(task.path)) for task in self._tasks)
        return StudyResult(self.study, records, summarise(self.study, records), self._other_code())

    def _other_code(self) -> Counter[str]:
        """Count the results by what of their code is another than this process has."""
        return Counter(
            name
            for path, record in self._records.items()
            if not record.failure
            for name in self._differs(path, record)
        )

    def _differs(self, path: Path, record: RunRecord) -> list[str]:
        code = self._code[path]
        return [name for name in code if record.code.get(name) != code[name]]

    def _has_outcome(self, task: Task) -> bool:
        record = self._records.get(task.path)
        return record is not None and not record.failure


def _kind(task: Task) -> tuple[str, ...]:
    group = task.run.group
    return (group.target, '+'.join(group.sources), task.run.row.row, group.labels.title)


def _read_all(study: Study, reporter: ProgressReporter) -> tuple[RecordingFacts, ...]:
    """Look into the recordings; whatever is wrong with one ends it, for all runs are compared.

    A recording may lack a sensor: it teaches, and is tested on, with those that it has.
    """
    options = DataOptions(strict=True, merge_labels=study.merge_labels)
    usable = scan(study.recordings, lambda _: study.sensor_names, options, reporter).usable
    names = [facts.name for facts in usable]
    if twice := [name for name in names if names.count(name) > 1]:
        same = ' and '.join(str(facts.path) for facts in usable if facts.name == twice[0])
        raise ConfigurationError(
            f'two recordings of the study are named {twice[0]!r}, {same}: rename one, or give a '
            'link of another name'
        )
    for name in study.sensor_names:
        if without := sum(name not in facts.sensors for facts in usable):
            reporter.note(f"{without} of {len(usable)} recordings have no sensor '{name}'")
    return usable


def _not_shown_in_training(
    folds: Iterable[Direction], facts: Sequence[RecordingFacts]
) -> Iterator[str]:
    """Say which activities people are tested on that none of those who train there shows."""
    for label, people in _shown_by(facts).items():
        tested = {
            name
            for direction in folds
            if people.isdisjoint(direction.train)
            for name in people.intersection(direction.test)
        }
        if tested:
            names = ', '.join(sorted(tested, key=natural_order))
            yield (
                f"activity '{label}' of {names}: where they are tested, nobody who trains shows "
                'it, and it counts as missed'
            )


def _not_shown_by_drawn(
    made: Iterable[Group], folds: Sequence[Direction], facts: Sequence[RecordingFacts]
) -> Iterator[str]:
    """Say where that is so as few people are drawn, who of a fold's do not show an activity."""
    shown_by = _shown_by(facts)
    drawings: dict[str, set[tuple[int, int, tuple[str, ...]]]] = {}
    for group in made:
        direction = group.fold.direction
        if group.labels.people is not None and direction is not None:
            drawn = group.labelled or direction.train
            drawings.setdefault(group.labels.title, set()).add(
                (group.seed, group.fold.number, drawn)
            )
    for title, found in drawings.items():
        missed = Counter(
            label
            for _, number, drawn in sorted(found)
            for label, people in shown_by.items()
            if people.isdisjoint(drawn)
            and not people.isdisjoint(folds[number].train)
            and not people.isdisjoint(folds[number].test)
        )
        if missed:
            where = ', '.join(
                f"'{label}' in {missed[label]} of {len(found)} drawings"
                for label in shown_by
                if missed[label]
            )
            yield (
                f'{title}: nobody who is drawn shows {where}, where people are tested on it and '
                'it counts as missed'
            )


def _shown_by(facts: Sequence[RecordingFacts]) -> dict[str, set[str]]:
    """Give who shows each activity."""
    shown_by: dict[str, set[str]] = {}
    for fact in facts:
        for segment in fact.segments:
            shown_by.setdefault(segment.label, set()).add(fact.subject)
    return dict(sorted(shown_by.items()))


def _people(facts: Sequence[RecordingFacts], sensors: Iterable[str]) -> People:
    subjects = tuple(dict.fromkeys(fact.subject for fact in facts))
    have = {name: {fact.subject for fact in facts if name in fact.sensors} for name in sensors}
    return People(subjects, {name: frozenset(subjects) - found for name, found in have.items()})


def content_of(fact: RecordingFacts) -> list[tuple[str, int, str]]:
    """Say what a recording's files hold, wherever they lie: a study may go on elsewhere."""
    return sorted((file.name, *content(file)) for file in fact.files)


def _identity(
    fact: RecordingFacts, names: Sequence[str], files: Sequence[tuple[str, int, str]]
) -> str:
    """Name by a hash all that decides what a recording shows of the sensors ``names``."""
    segments = [(s.start_ns, s.end_ns, s.label) for s in fact.segments]
    clocks = {name: str(shift) for name, shift in fact.clocks.items()}
    sensors = {
        name: (fact.sensors[name].topic, repr(fact.sensors[name].placement), clocks.get(name))
        for name in sorted(names)
        if name in fact.sensors
    }
    text = json.dumps([fact.subject, segments, sensors, files])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
