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

"""Do the runs of a group, one after the other, each with its result in a file of its own."""

from collections.abc import Mapping, Sequence
import copy
from dataclasses import dataclass, replace
from pathlib import Path
import platform
import time
import traceback
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
import torch

from xmodal_ros import __version__
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.datamodule import load_recordings
from xmodal_ros.data.dataset import pair_in_time
from xmodal_ros.data.recording import RecordingFacts, RecordingWindows
from xmodal_ros.data.split import SubjectSplit
from xmodal_ros.data.window_split import TestWindows
from xmodal_ros.errors import NothingLeftError, XmodalError
from xmodal_ros.methods.method import make_method, TransferMethod
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.models.classifier import probabilities as as_probabilities
from xmodal_ros.models.description import parameters_by_part
from xmodal_ros.progress import NullReporter, ProgressReporter
from xmodal_ros.runtime.devices import choose_device
from xmodal_ros.studies.claims import claim, is_claimed
from xmodal_ros.studies.datamodule import GroupData, prepare_group
from xmodal_ros.studies.results import Outcome, outcome, RunRecord
from xmodal_ros.studies.run_code import code_of
from xmodal_ros.studies.runs import Group, inner_folds, Run
from xmodal_ros.studies.specification import MethodRow
from xmodal_ros.training.answering import choose_answering
from xmodal_ros.training.calibration import calibrate
from xmodal_ros.training.ensemble import choose_ensemble, EncoderChoice, PseudoLabels
from xmodal_ros.training.folds import HeldOut, make_folds, stretches
from xmodal_ros.training.freed_memory import freed_memory_kept
from xmodal_ros.training.trainer import FitResult, predict_answers, repeatable
from xmodal_ros.training.transfer_trainer import TransferTrainer
from xmodal_ros.training.window_statistics import OtherSensor, StatisticsBaseline

# Nets this small gain little from a second thread, and much is lost in waiting where a core is
# busy otherwise: runs side by side are what fills the cores.
THREADS_A_RUN: Final = 1


# A process may end by itself for a reason that has gone by then, as when memory was short.
MOST_ATTEMPTS: Final = 2


@dataclass(frozen=True)
class Task:
    """One run, how it is identified, and where its result goes.

    ``replaces_ns`` is when the result was written that is there already and cannot be used, 0
    where there is none.
    """

    run: Run
    identity: Mapping[str, Any]
    path: Path
    replaces_ns: int = 0

    def is_done(self) -> bool:
        """Say whether a result is there, in the place of what was there before."""
        return self.path.exists() and self.path.stat().st_mtime_ns != self.replaces_ns


@dataclass(frozen=True)
class Job:
    """Runs of one group, which share the sources they train; what a process works on.

    ``windows`` is the folder that they are kept in.
    """

    group: Group
    tasks: tuple[Task, ...]
    facts: tuple[RecordingFacts, ...]
    recipes: Mapping[str, Recipe]
    windows: Path
    device: str


def do_job(job: Job, *, share: bool = True) -> None:
    """Do those of a job's runs that no other process is at, and that have no result yet.

    Unless processes are to ``share`` a job, one that another is at is left to it. A run that fails
    is kept as such, with the reason, and the others go on; so is one at which processes died.
    """
    if not share and any(is_claimed(task.path) for task in job.tasks):
        return
    group_runner: _GroupRunner | None = None
    for task in job.tasks:
        with claim(task.path) as attempt:
            if attempt is None or task.is_done():
                continue
            if attempt > MOST_ATTEMPTS:
                record_lost_worker(job, task, '')
                continue
            begun = time.monotonic()
            code: dict[str, str] = {}
            done: Outcome | None = None
            failure = ''
            try:
                # Before the files can have become others than those that were imported.
                code = code_of(task.run, job.recipes)
                # Made within the first run, so that a group that cannot be is the failure of its
                # runs.
                group_runner = group_runner or _GroupRunner(job, NullReporter())
                done = group_runner.train_and_test(task.run)
            except XmodalError as error:
                failure = str(error)
            except Exception as error:  # noqa: BLE001 - one run must not end them all
                failure = f'{type(error).__name__}: {error} ({_where(error)})'
            _record(job, task, code, time.monotonic() - begun, done, failure)


def _where(error: Exception) -> str:
    """Give the file and line where an error came from, where possible none of a library."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if 'site-packages/torch' not in frame.filename]
    return f'{Path(ours[-1].filename).name}:{ours[-1].lineno}'


def record_lost_worker(job: Job, task: Task, how: str) -> None:
    """Keep a run as failed at which processes ended by themselves; ``how`` in words, if known."""
    told = f' ({how})' if how else ''
    failure = (
        f'its process ended by itself{told}, each time it was tried: is there enough memory? Try '
        'fewer --jobs'
    )
    _record(job, task, {}, 0.0, None, failure)


def _record(
    job: Job,
    task: Task,
    code: dict[str, str],
    duration_s: float,
    outcome: Outcome | None,
    failure: str,
) -> None:
    RunRecord(
        run=dict(task.identity),
        environment=environment(job.device),
        code=code,
        duration_s=round(duration_s, 3),
        outcome=outcome,
        failure=failure,
    ).write(task.path)


def environment(device: str) -> dict[str, str]:
    """Say on what a run was done."""
    chosen = choose_device(device)
    name = platform.machine()
    if chosen.type == 'cuda':
        name = torch.cuda.get_device_name(chosen)
    return {
        'device': f'{chosen.type} ({name})',
        'xmodal_ros': __version__,
        'torch': torch.__version__,
        'numpy': np.__version__,
        'python': platform.python_version(),
    }


def group_data(job: Job) -> GroupData:
    """Give the windows that a job's runs share; those that are kept are not cut again."""
    recipes = {name: job.recipes[name] for name in (job.group.target, *job.group.sources)}
    options = DataOptions(job.windows, jobs=1, strict=True)
    read = load_recordings(job.facts, recipes, options, NullReporter())
    recordings = [each for each in read if isinstance(each, RecordingWindows)]
    return prepare_group(recordings, recipes, job.group)


class _CachingTrainer(TransferTrainer):
    """A trainer that trains the target alone once, however many rows begin with that."""

    _fit_alone: FitResult | None = None

    def fit(
        self, method: TransferMethod, sources: Sequence[str], start: FitResult | None = None
    ) -> FitResult:
        if not isinstance(method, Unimodal) or start is not None:
            return super().fit(method, sources, start)
        if self._fit_alone is None:
            self._fit_alone = super().fit(method, sources)
        # The same to the last bit as training it again; a copy, lest a row change it for others.
        alone = self._fit_alone
        return replace(alone, classifier=copy.deepcopy(alone.classifier))


class _GroupRunner:
    """The windows of a group, and its target, which is trained in many ways."""

    def __init__(
        self, job: Job, reporter: ProgressReporter, data: GroupData | None = None
    ) -> None:
        group = job.group
        self._job = job
        self._group = group
        self._group_data = group_data(job) if data is None else data
        self._recipes = job.recipes
        self._device = choose_device(job.device)
        # What answers beside nets that learnt alone, by sensor.
        self._choices: dict[str, EncoderChoice] = {}
        people = group.split.people
        self._validates_on_people = isinstance(people, SubjectSplit) and bool(people.validation)
        self._trainer = _CachingTrainer(
            group.target,
            group.sources,
            self._group_data.labels,
            job.recipes,
            self._group_data.sets,
            group.seed,
            self._device,
            reporter,
            people=self._group_data.people,
        )

    def train_and_test(self, run: Run) -> Outcome:
        """Train as a row says and test."""
        group_data, row = self._group_data, run.row
        examples = group_data.sets[self._group.target]
        windows = {
            'training': len(examples.training.labelled),
            'unlabelled': len(examples.training.unlabelled),
            'validation': len(examples.validation),
            'test': len(group_data.test.truth),
        }
        if row.choose:
            return self._choose_and_test(row)
        if row.statistics is not None:
            chances = self._by_statistics(row)
            return outcome(
                group_data.labels,
                chances,
                group_data.test,
                parameters=None,
                sources_used=(),
                windows=windows,
                durations_s={},
                facts={},
            )
        method = make_method(row.method or '', row.options)
        # Every row anew: what was run before it must not matter.
        with repeatable(self._group.seed), freed_memory_kept():
            torch.set_num_threads(THREADS_A_RUN)
            self._trainer.check(method)
            self._trainer.forget()
            fitted = method.train_target(self._trainer)
            fitted, choice = self._choose(method, fitted)
            if choice.ensemble is not None:
                fitted.classifier.join(copy.deepcopy(choice.ensemble))
            calibration = choice.calibration
            if calibration is None or self._validates_on_people:
                shown = self._trainer.read(self._group.target, examples.validation.values)
                validated = predict_answers(fitted.classifier, shown).double()
                calibration = calibrate(validated.numpy(), examples.validation.labels)
            shown = self._trainer.read(self._group.target, group_data.test.values)
            logits = predict_answers(fitted.classifier, shown)
        return outcome(
            group_data.labels,
            as_probabilities(logits, calibration.temperature).numpy(),
            group_data.test,
            parameters=sum(parameters_by_part(fitted.classifier).values()),
            sources_used=choice.with_sources(fitted.sources),
            windows=windows,
            durations_s={k: round(v, 3) for k, v in self._trainer.durations_s.items()},
            facts={
                **fitted.facts,
                **self._verdict(),
                **({'encoder_choice': choice.document} if choice.document else {}),
            },
        )

    def _verdict(self) -> dict[str, object]:
        verdict = self._trainer.verdict
        return {} if verdict is None else {'verdict': verdict.document()}

    def _choose(
        self, method: TransferMethod, fitted: FitResult
    ) -> tuple[FitResult, EncoderChoice]:
        """Choose what answers with the target's net, where that was left to us; gives both."""
        if not self._recipes[self._group.target].auto:
            return fitted, EncoderChoice()
        sets = self._group_data.sets
        return choose_answering(method, self._trainer, sets, fitted, self._choose_for)

    def _choose_for(self, name: str, pseudo: PseudoLabels | None = None, /) -> EncoderChoice:
        """Choose what answers beside a sensor's net; where it learns alone, once for all rows."""
        if not self._recipes[name].auto:
            return EncoderChoice()
        if pseudo is None and name in self._choices:
            return self._choices[name]
        choice = choose_ensemble(
            self._trainer.document(name),
            self._recipes[name],
            self._group_data.sets[name],
            self._group.seed,
            self._device,
            NullReporter(),
            people=self._group_data.people,
            learn_validation=self._learns_validation,
            pseudo=pseudo,
        )
        if pseudo is None:
            self._choices[name] = choice
        return choice

    @property
    def _learns_validation(self) -> bool:
        """Whether what chooses no epoch learns from windows that validate, too.

        Unless they are of people of their own; where labels are few, they are not among them.
        """
        return not self._validates_on_people and self._group.labels.all_known

    def _by_statistics(self, row: MethodRow) -> NDArray[np.float64]:
        assert row.statistics is not None  # noqa: S101 - asked before
        target, data = self._group.target, self._group_data
        names = (target, *(self._group.sources if row.all_sensors else ()))
        learnt = {
            name: data.sets[name].learnt(with_validation=self._learns_validation) for name in names
        }
        training = learnt.pop(target)
        others = {
            name: (
                self._recipes[name].derived,
                OtherSensor(other.values, pair_in_time(training, other)),
            )
            for name, other in learnt.items()
        }
        baseline = StatisticsBaseline(
            row.statistics,
            self._recipes[target].derived,
            training,
            len(data.labels),
            self._group.seed,
            others,
        )
        return baseline.probabilities(data.test.values, data.beside)

    def _choose_and_test(self, row: MethodRow) -> Outcome:
        """Take the choice that is best over folds of the people learnt from, and test it.

        Nobody who tests is looked at before. Scores of a choice are means over the inner folds.
        """
        scores: dict[str, list[float]] = {choice.row: [] for choice in row.choose}
        labels = self._group.labels
        over = 'people'
        if labels.all_known and not labels.unlabelled:
            inner = inner_folds(self._group, row)
            if inner[0].fold.kind != 'across':
                over = 'segments of one person'
            runners = self._inner_runners(inner)
        else:
            over, runners = self._held_out(row)
        for runner in runners:
            for choice in row.choose:
                tested = runner.train_and_test(Run(runner.group, choice))
                scores[choice.row].append(tested.macro_f1)
        means = {name: float(np.mean(found)) for name, found in scores.items() if found}
        # Of choices that score alike the first, which is taken too where nothing can be held out.
        best = max(row.choose, key=lambda choice: means.get(choice.row, 0.0))
        tested = self.train_and_test(Run(self._group, best))
        facts = {
            **tested.facts,
            'chosen': best.row,
            'inner_macro_f1': means,
            'inner_folds': f'{len(runners)} over {over}',
        }
        return tested.model_copy(update={'facts': facts})

    @property
    def group(self) -> Group:
        """Whose runs it does."""
        return self._group

    def _inner_runners(self, inner: Sequence[Group]) -> list['_GroupRunner']:
        """Give runners of those folds in which something can be learnt and tested.

        All who are tested in one may lack the target, or those who are left show too little.
        Raises :class:`NothingLeftError` where that is so in each.
        """
        runners, nothing_left = [], None
        for group in inner:
            try:
                runners.append(_GroupRunner(replace(self._job, group=group), NullReporter()))
            except NothingLeftError as error:
                nothing_left = error
        if nothing_left and not runners:
            raise nothing_left
        return runners

    def _held_out(self, row: MethodRow) -> tuple[str, list['_GroupRunner']]:
        """Give runners that are tested on what is labelled of those whom they do not learn from.

        No label is looked at that the target does not have. There are none where too little is
        labelled to hold some of it out.
        """
        data, target = self._group_data, self._group.target
        names = (target, *self._group.sources)
        unit, folds = make_folds(
            {name: data.sets[name] for name in names},
            target,
            data.people,
            {name: self._recipes[name].window.length_ns for name in names},
            row.inner_folds,
            self._group.seed,
        )
        found = [replace(data, sets=fold.sets, test=_as_test(fold, data.labels)) for fold in folds]
        group = replace(self._group, rows=row.choose)
        job = replace(self._job, group=group)
        return unit, [_GroupRunner(job, NullReporter(), each) for each in found]


def _as_test(fold: HeldOut, labels: Sequence[str]) -> TestWindows:
    """Give what is judged as windows to be tested on."""
    judged = fold.judged
    clips = zip(judged.recordings.tolist(), stretches(judged).tolist(), strict=True)
    return TestWindows(
        np.asarray(judged.values),
        tuple(labels[label] for label in judged.labels),
        tuple(fold.owners.tolist()),
        tuple(clips),
        judged.ends_ns,
    )


def devices_for(name: str) -> tuple[str, ...]:
    """Give the devices that jobs take turns on: for ``auto`` and ``cuda`` all GPUs there are.

    Raises :class:`ConfigurationError` when the device named is not there.
    """
    chosen = choose_device(name)
    if chosen.type == 'cuda' and ':' not in name:
        return tuple(f'cuda:{index}' for index in range(torch.cuda.device_count()))
    return (str(chosen),)
