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

"""What ``xmodal evaluate`` does, apart from its options."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import cv2
from rich.console import Console
from rich.markup import escape
import typer

from xmodal_ros.bags.labels import labelled_as_another
from xmodal_ros.bags.names import names_of
from xmodal_ros.bags.opening import is_recording
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.cli.evaluate_faults import run_faults
from xmodal_ros.cli.evaluate_inputs import name_bundles
from xmodal_ros.cli.evaluate_live import run_live
from xmodal_ros.cli.evaluate_page import print_checks, print_trial
from xmodal_ros.cli.progress import BAR_LINES, ProgressBars
from xmodal_ros.cli.result import write_result
from xmodal_ros.cli.usage import reading_options
from xmodal_ros.errors import BagError, XmodalError
from xmodal_ros.evaluation.comparison import compare_bundles
from xmodal_ros.evaluation.document import trial_as_json
from xmodal_ros.evaluation.fault_catalogue import ALL, choose
from xmodal_ros.evaluation.report import write_report
from xmodal_ros.evaluation.requirements import check, check_names, read_requirement
from xmodal_ros.evaluation.scoring import (
    BagEvaluation,
    evaluate,
    evaluate_bag,
    SkippedRecording,
)
from xmodal_ros.evaluation.selection import select
from xmodal_ros.evaluation.trial import Trial
from xmodal_ros.executors import is_lost_worker, LocalExecutor
from xmodal_ros.files import check_writable
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.loading import load_model
from xmodal_ros.runtime.offline import BagPredictions, classify_bag, sensor_for
from xmodal_ros.runtime.selector_settings import choose_mode
from xmodal_ros.runtime.validated_accuracy import validated_accuracy

_SHOWN_NAMES = 3

# The decisions over a recording by a bundle that another process makes ahead of their turn.
_Ahead = Mapping[tuple[Path, Path], Future[BagPredictions]]


@dataclass(frozen=True)
class EvaluationSettings:
    """The options of ``xmodal evaluate``; ``bags`` are recordings, not folders of them."""

    bundles: tuple[Path, ...]
    bags: tuple[Path, ...]
    sensor: str | None = None
    selector: str = 'select'
    robustness: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    live: bool = False
    rate: float = 0.0
    all_subjects: bool = False
    strict: bool = False
    merge_labels: bool = False
    device: str = 'cpu'
    runtime: str = 'auto'
    show_labels: bool = False
    jobs: int = 1
    html: Path | None = None
    json: Path | None = None

    @cached_property
    def names(self) -> dict[Path, str]:
        """The recordings' names, which tell them apart."""
        return names_of(self.bags)


@dataclass
class _Candidate:
    """A bundle while it is evaluated; ``errors`` say of ``left_out`` what is told of it.

    ``lacks`` are those of recordings without its sensor, where there are other bundles;
    ``not_live`` are those of live runs.
    """

    name: str
    path: Path
    engine: Engine
    bags: list[BagEvaluation] = field(default_factory=list)
    left_out: list[SkippedRecording] = field(default_factory=list)
    errors: list[BagError] = field(default_factory=list)
    lacks: list[BagError] = field(default_factory=list)
    not_live: list[XmodalError] = field(default_factory=list)

    def leave_out(self, bag: str, error: BagError) -> None:
        self.left_out.append(SkippedRecording(bag, str(error)))
        self.errors.append(error)


def run(settings: EvaluationSettings) -> Trial:
    """Evaluate, print a summary, write what was asked for.

    Exits with code 1 when a live run did not equal the offline one, or a requirement is not met.
    """
    console = Console(stderr=True)
    with reading_options():
        requirements = [read_requirement(text) for text in settings.require]
        check_names(requirements, live=settings.live)
        faults = choose(settings.robustness)
        mode = choose_mode(settings.selector)
    check_writable(settings.json, settings.html)
    for path in settings.bags:
        if not is_recording(path):
            # Says what is wrong with it now, not when its turn has come.
            BagReader(path).close()
    candidates = _load(settings)
    processes = min(settings.jobs, len(settings.bags) * len(candidates))
    with (
        ProgressBars(console, BAR_LINES) as bars,
        LocalExecutor(processes) if processes > 1 else nullcontext() as executor,
    ):
        ahead = {} if executor is None else _begin_all(candidates, settings, executor)
        _evaluate_recordings(candidates, settings, bars, ahead)
        evaluations = tuple(
            replace(
                evaluate(each.engine.bundle.info, each.bags, each.name),
                left_out=tuple(each.left_out),
            )
            for each in _with_recordings(candidates, console)
        )
        robustness = run_faults(
            {each.name: each.engine for each in candidates},
            evaluations,
            faults,
            bars,
            chosen=ALL not in settings.robustness,
            strict=_stops(settings),
        )
    several = len(evaluations) > 1
    accuracies = {each.name: validated_accuracy(each.path) for each in candidates}
    trial = Trial(
        evaluations=evaluations,
        selection=select(evaluations, accuracies, mode) if several else None,
        comparison=compare_bundles(evaluations) if several else None,
        robustness=robustness,
    )
    print_trial(trial, console)
    document = trial_as_json(trial)
    write_result(settings.json, document)
    if settings.html is not None:
        write_report(trial, settings.html, _title(trial))
        console.print(f'report: {escape(str(settings.html))}', soft_wrap=True)
    checks = check(requirements, document)
    print_checks(checks, console)
    differ = any(each.agreement and not each.agreement.equal for each in evaluations)
    if differ or not all(each.met for each in checks):
        raise typer.Exit(1)
    return trial


def _load(settings: EvaluationSettings) -> list[_Candidate]:
    candidates = []
    for name, path in zip(name_bundles(settings.bundles), settings.bundles, strict=True):
        engine = Engine(load_model(path, settings.device, runtime=settings.runtime))
        engine.warm_up()
        candidates.append(_Candidate(name, path, engine))
    return candidates


def _begin_all(
    candidates: Sequence[_Candidate], settings: EvaluationSettings, executor: Executor
) -> _Ahead:
    """Let other processes decide over all recordings that will be evaluated."""
    subjects: dict[Path, str] = {}
    for path in settings.bags:
        try:
            with BagReader(path) as reader:
                subjects[path] = reader.subject
        except BagError:
            # Which is told when its turn has come.
            continue
    known = _known(candidates)
    met = [path for path, subject in subjects.items() if subject not in known]
    paths = [*subjects] if settings.all_subjects or not met else met
    return {
        (path, each.path): executor.submit(_classify_elsewhere, each.path, path, settings)
        for path in paths
        for each in candidates
    }


def _classify_elsewhere(bundle: Path, path: Path, settings: EvaluationSettings) -> BagPredictions:
    """Decide over a recording as this process would, in another."""
    engine = _engine(bundle, settings.device, settings.runtime)
    with BagReader(path) as reader:
        return classify_bag(engine, reader, _sensor(engine, reader, settings))


@cache
def _engine(bundle: Path, device: str, runtime: str) -> Engine:
    # Processes side by side are what fills the cores.
    cv2.setNumThreads(1)
    engine = Engine(load_model(bundle, device, runtime=runtime))
    engine.warm_up()
    return engine


def _known(candidates: Sequence[_Candidate]) -> set[str]:
    return {
        subject for each in candidates for subject in each.engine.bundle.info.subjects_trained_on
    }


def _evaluate_recordings(
    candidates: Sequence[_Candidate],
    settings: EvaluationSettings,
    bars: ProgressBars,
    ahead: _Ahead,
) -> None:
    """Evaluate every recording of people whom no bundle was trained on, or of all."""
    known = _known(candidates)
    aside: dict[Path, str] = {}
    for path in settings.bags:
        with _opened(path, candidates, settings, bars) as reader:
            if reader is None:
                continue
            if reader.subject in known and not settings.all_subjects:
                aside[path] = reader.subject
            else:
                _evaluate_recording(candidates, reader, settings, bars, ahead)
    names = escape(', '.join(sorted(set(aside.values()))))
    whose = 'the model was' if len(candidates) == 1 else 'a model was'
    if aside and any(each.bags for each in candidates):
        bars.console.print(
            f'left out: recordings of subjects {whose} trained on ({names}); '
            'score them too with --all-subjects',
            soft_wrap=True,
        )
    elif aside:
        bars.console.print(
            f'[yellow]warning:[/] {whose} trained on every subject here ({names}): '
            'these scores say nothing about people it has not met',
            soft_wrap=True,
        )
        for path in aside:
            with _opened(path, candidates, settings, bars) as reader:
                if reader is not None:
                    _evaluate_recording(candidates, reader, settings, bars, ahead)


@contextmanager
def _opened(
    path: Path, candidates: Sequence[_Candidate], settings: EvaluationSettings, bars: ProgressBars
) -> Iterator[BagReader | None]:
    """Open a recording; None where it cannot be and is left out."""
    try:
        reader = BagReader(path)
    except BagError as error:
        if _stops(settings):
            raise
        for each in candidates:
            each.leave_out(settings.names[path], error)
        _note(bars, settings.names[path], error)
        yield None
    else:
        with reader:
            for note in reader.notes:
                _warn(bars, settings.names[path], note)
            yield reader


def _stops(settings: EvaluationSettings) -> bool:
    return settings.strict or len(settings.bags) == 1


def _warn(bars: ProgressBars, bag: str, note: str) -> None:
    bars.console.print(f'[yellow]warning:[/] {escape(bag)}: {escape(note)}', soft_wrap=True)


def _note(bars: ProgressBars, bag: str, error: BagError) -> None:
    bars.console.print(
        f'[yellow]warning:[/] {escape(bag)} is left out: {escape(str(error))}', soft_wrap=True
    )


def _evaluate_recording(
    candidates: Sequence[_Candidate],
    reader: BagReader,
    settings: EvaluationSettings,
    bars: ProgressBars,
    ahead: _Ahead,
) -> None:
    name = settings.names[reader.path]
    topics: set[str] = set()
    for each in candidates:
        info = each.engine.bundle.info
        try:
            sensor = _sensor(each.engine, reader, settings)
        except BagError as error:
            if len(candidates) == 1 and _stops(settings):
                raise
            each.leave_out(name, error)
            if len(candidates) > 1:
                each.lacks.append(error)
            else:
                _note(bars, name, error)
            continue
        for note in labelled_as_another(reader, {sensor.topic} - topics):
            _warn(bars, name, note)
        topics.add(sensor.topic)
        count = reader.topics[sensor.topic].count
        which = name if len(candidates) == 1 else f'{name}, {each.name}'
        bar = bars.add(f'{which} offline', count)
        try:
            begun = ahead.get((reader.path, each.path))
            if begun is None:
                offline = classify_bag(each.engine, reader, sensor, bar.update)
            else:
                offline = _result(begun)
            bag = evaluate_bag(
                info,
                reader,
                sensor.name,
                offline,
                name=name,
                sensor_topics=topics,
                merge_labels=settings.merge_labels,
            )
        except BagError as error:
            if _stops(settings):
                raise
            bar.remove()
            each.leave_out(name, error)
            _note(bars, which, error)
            continue
        bar.update(count)
        if settings.live:
            bag = _run_live(each, bag, sensor, settings, bars, which)
        each.bags.append(bag)


def _result(begun: Future[BagPredictions]) -> BagPredictions:
    try:
        return begun.result()
    except Exception as error:
        if is_lost_worker(error):
            raise XmodalError(
                f'a process that evaluated was killed ({error}), perhaps for lack of memory: try '
                'fewer --jobs'
            ) from None
        raise


def _run_live(
    candidate: _Candidate,
    bag: BagEvaluation,
    sensor: Sensor,
    settings: EvaluationSettings,
    bars: ProgressBars,
    which: str,
) -> BagEvaluation:
    """Add the live run, or why there is none."""
    try:
        live = run_live(
            candidate.path,
            bag,
            sensor,
            bars,
            rate=settings.rate,
            device=settings.device,
            runtime=settings.runtime,
            show_labels=settings.show_labels,
        )
    except XmodalError as error:
        if _stops(settings):
            raise
        candidate.not_live.append(error)
        bars.console.print(
            f'[yellow]warning:[/] {escape(which)} is left out of the live runs: '
            f'{escape(str(error))}',
            soft_wrap=True,
        )
        return replace(bag, not_live=str(error))
    return replace(bag, live=live)


def _sensor(engine: Engine, reader: BagReader, settings: EvaluationSettings) -> Sensor:
    name = settings.sensor
    if name is not None and len(settings.bundles) > 1:
        # Meant for the bundles that it fits; the others keep their own.
        fits = reader.sensor(name).modality == engine.bundle.info.modality
        name = name if fits else None
    return sensor_for(engine, reader, name)


def _with_recordings(candidates: Sequence[_Candidate], console: Console) -> list[_Candidate]:
    """Give the bundles that ran at all, and say which recordings the others lack.

    Raises :class:`XmodalError` when none did, or no live run could be ended.
    """
    running = [each for each in candidates if each.bags]
    if not running:
        raise next(error for each in candidates for error in each.errors)
    not_live = [error for each in candidates for error in each.not_live]
    if not_live and not any(bag.live for each in running for bag in each.bags):
        raise not_live[0]
    for each in candidates:
        if each.lacks:
            console.print(
                f'[yellow]warning:[/] {escape(each.name)} is not evaluated on '
                f'{len(each.lacks)} recordings: {escape(str(each.lacks[0]))}',
                soft_wrap=True,
            )
    return running


def _title(trial: Trial) -> str:
    bags = dict.fromkeys(bag.name for each in trial.evaluations for bag in each.bags)
    return f'{_named([each.name for each in trial.evaluations])} on {_named(list(bags))}'


def _named(names: Sequence[str]) -> str:
    shown = ', '.join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f'{shown} and {more} more' if more > 0 else shown
