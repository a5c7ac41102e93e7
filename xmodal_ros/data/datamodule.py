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

"""Gather what a training run needs: recordings, subjects split, activities, windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.data.build import BrokenRecording, build_recordings
from xmodal_ros.data.cutting import CutSpec
from xmodal_ros.data.dataset import DatasetSplit
from xmodal_ros.data.recording import RecordingFacts, RecordingWindows
from xmodal_ros.data.report import DataReport, report_data
from xmodal_ros.data.scan import NO_LABELS, scan, ScanResult
from xmodal_ros.data.sensor_recipe import sensor_recipe
from xmodal_ros.data.split import check_people, DataSplit, split_subjects, SubjectSplit
from xmodal_ros.data.window_split import shown_segments, split_windows, WindowSplit
from xmodal_ros.errors import BagError, ConfigurationError, TrainingError
from xmodal_ros.executors import OpenExecutor
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.progress import ProgressReporter


@dataclass(frozen=True, eq=False)
class DataModule:
    """Everything to train and test with.

    ``recipes`` and ``sets`` are by sensor name. ``test`` are the recordings kept for the end.
    ``unlabelled`` are recordings left out for want of labels, ``without_windows`` activities that
    none of the target's training windows shows, ``untaught`` those that only test subjects show.
    ``report`` tells of all recordings what is used of them.
    """

    split: SubjectSplit
    labels: tuple[str, ...]
    recipes: Mapping[str, Recipe]
    sets: Mapping[str, DatasetSplit]
    learning: tuple[RecordingFacts, ...]
    test: tuple[RecordingFacts, ...]
    unlabelled: tuple[Path, ...]
    without_windows: tuple[str, ...]
    untaught: tuple[str, ...]
    clips: Mapping[str, int]
    report: DataReport = field(default_factory=lambda: DataReport(()))


def prepare_data(config: TrainingConfiguration, reporter: ProgressReporter) -> DataModule:
    """Read the recordings of a config.

    Raises :class:`TrainingError` and BagError for whatever makes training on them impossible.
    """
    scanned = _look(config, reporter)
    facts = scanned.usable
    _check_named(config, scanned)
    labelled = [fact.subject for fact in facts if fact.segments]
    split = split_subjects(
        labelled,
        config.test_subjects,
        config.validation_subjects,
        {fact.subject for fact in facts}.difference(labelled),
    )
    check_people([fact.subject for fact in facts], split)
    test = tuple(fact for fact in facts if fact.subject in split.test)
    learning = tuple(fact for fact in facts if fact.subject not in split.test)
    names = (config.target, *config.sources)
    recipes = {name: _recipe(learning, name, config) for name in names}
    for name, recipe in recipes.items():
        stream = recipe.stream
        given_up = isinstance(stream, ImuStream) and stream.channels == 'acc'
        if given_up and config.channels == 'auto':
            reporter.note(f"'{name}' has no gyro: it is learnt from accelerations alone")
    unused = {*config.encoders} - {recipe.stream.modality for recipe in recipes.values()}
    if unused:
        raise ConfigurationError(
            f'an encoder is chosen for {" and ".join(sorted(unused))}, and no sensor of this run '
            'is of that modality'
        )
    if config.weights and not any(recipe.encoder.takes_weights for recipe in recipes.values()):
        raise ConfigurationError(
            'no encoder of this run begins with pretrained weights: leave --weights out, or '
            'choose one that does (--encoder camera=camera_efficientnet)'
        )
    read = load_recordings(
        learning, recipes, config.data_options, reporter, unlabelled=config.unlabelled
    )
    recordings = tuple(each for each in read if isinstance(each, RecordingWindows))
    _check_sensors(recordings, names)
    lengths_ns = {name: recipe.window.length_ns for name, recipe in recipes.items()}
    divided = split_windows(
        recordings, config.target, config.sources, lengths_ns, DataSplit(split, seed=config.seed)
    )
    labels = divided.labels
    named = {s.label for recording in recordings for s in recording.facts.segments}
    untaught = {s.label for fact in test for s in fact.segments} - {*labels}
    return DataModule(
        split=split,
        labels=labels,
        recipes=recipes,
        sets=divided.sets,
        learning=tuple(recording.facts for recording in recordings),
        test=test,
        unlabelled=tuple(
            left.path for left in scanned.left_out if left.facts and not left.facts.segments
        ),
        without_windows=tuple(sorted(named.difference(labels))),
        untaught=tuple(sorted(untaught)),
        clips=_count_clips(recordings, config.target, divided),
        report=report_data(
            scanned, read, _cut_specs(recipes), test=test, unlabelled=config.unlabelled
        )[0],
    )


def _look(config: TrainingConfiguration, reporter: ProgressReporter) -> ScanResult:
    def sensors_of(subject: str) -> Sequence[str]:
        # Sources are only needed where something is learnt.
        return (
            (config.target,)
            if subject in config.test_subjects
            else (config.target, *config.sources)
        )

    def why_of_no_use(facts: RecordingFacts) -> str:
        if not config.unlabelled or facts.subject in (
            *config.test_subjects,
            *config.validation_subjects,
        ):
            return NO_LABELS
        if not config.sources:
            has_it = config.target in facts.sensors
            return '' if has_it else f"{NO_LABELS}, and no '{config.target}' to learn from"
        if config.target in facts.sensors and len(facts.sensors) > 1:
            return ''
        return f"{NO_LABELS}, and not both '{config.target}' and a source to compare"

    scanned = scan(
        config.bags, sensors_of, config.data_options, reporter, why_of_no_use=why_of_no_use
    )
    for name in (config.target, *config.sources):
        with_it = [facts for facts in scanned.usable if name in facts.sensors]
        without = [facts for facts in scanned.usable if name in facts.missing]
        if not with_it and without:
            raise BagError(without[0].missing[name])
        for facts in without:
            reporter.note(f"{facts.path} has no sensor '{name}'")
    return scanned


def _check_named(config: TrainingConfiguration, scanned: ScanResult) -> None:
    """Say why of a subject that is named nothing can be used, rather than that he is not there."""
    used = {facts.subject for facts in scanned.usable}
    for left in scanned.left_out:
        subject = None if left.facts is None else left.facts.subject
        if subject not in used and subject in (*config.test_subjects, *config.validation_subjects):
            raise TrainingError(
                f'of subject {subject!r} nothing can be used; {left.path} is left out: '
                f'{left.reason}. Who tests or validates needs labels'
            )


def _recipe(
    learning: Sequence[RecordingFacts], name: str, config: TrainingConfiguration
) -> Recipe:
    recipe = sensor_recipe(learning, name, config)
    if recipe is None:
        raise TrainingError(
            f"no recording of a training subject has the sensor '{name}': only test subjects do"
        )
    return recipe


def load_recordings(
    facts: Sequence[RecordingFacts],
    recipes: Mapping[str, Recipe],
    options: DataOptions,
    reporter: ProgressReporter,
    *,
    unlabelled: bool = False,
    open_executor: OpenExecutor | None = None,
) -> list[RecordingWindows | BrokenRecording]:
    """Give recordings with the windows, at the density of training, of the sensors of ``recipes``.

    ``unlabelled`` adds windows without a label. What cannot be used is told; it is raised, as
    BagError or :class:`TrainingError`, where ``options`` are strict or it is the only recording.
    The rest is as of :func:`~xmodal_ros.data.build.build_recordings`.
    """
    reporter.begin('cutting windows', len(facts))
    read = build_recordings(
        facts,
        _cut_specs(recipes),
        options,
        reporter.advance,
        unlabelled=unlabelled,
        open_executor=open_executor,
    )
    for each in read:
        if isinstance(each, BrokenRecording):
            if options.strict or len(read) == 1:
                raise BagError(each.reason)
            reporter.note(f'{each.facts.path} is left out: {each.reason}')
        else:
            for problem in each.unusable.values():
                if options.strict:
                    raise TrainingError(problem)
                reporter.note(problem)
    return read


def _cut_specs(recipes: Mapping[str, Recipe]) -> dict[str, CutSpec]:
    return {name: (recipe.stream, recipe.training_window) for name, recipe in recipes.items()}


def _check_sensors(recordings: Sequence[RecordingWindows], names: Sequence[str]) -> None:
    """Raise why a sensor is left with nothing to learn from."""
    for name in names:
        if not any(name in recording.windows for recording in recordings):
            problems = [r.unusable[name] for r in recordings if name in r.unusable]
            raise TrainingError(
                problems[0]
                if problems
                else f"no training recording that can be read has the sensor '{name}'"
            )


def _count_clips(
    recordings: Sequence[RecordingWindows], target: str, divided: WindowSplit
) -> dict[str, int]:
    """Count the segments that the target's windows show, of activities that are learnt."""
    shown = shown_segments(recordings, target)
    of_part = [divided.parts.get(key) for key, label in shown.items() if label in divided.labels]
    return {part: of_part.count(part) for part in ('training', 'validation')}
