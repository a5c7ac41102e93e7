"""Gather what a plan needs: recordings read, subjects split, activities and examples chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xmodal_ros.configuration.recipe import make_recipe, Recipe
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.data.build import BrokenRecording, build_recordings
from xmodal_ros.data.dataset import (
    DatasetSplit,
    leave_out_unpaired,
    SegmentKey,
    split_windows,
)
from xmodal_ros.data.recording import first_message, RecordingFacts, RecordingWindows
from xmodal_ros.data.report import (
    DataReport,
    report_left_out,
    report_recording,
    report_test,
)
from xmodal_ros.data.scan import ExcludedRecording, NO_LABELS, scan, ScanResult
from xmodal_ros.data.split import (
    check_people,
    hold_out_segments,
    split_subjects,
    SubjectSplit,
)
from xmodal_ros.errors import BagError, TrainingError
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


def prepare_data(plan: TrainingConfiguration, reporter: ProgressReporter) -> DataModule:
    """Read the recordings of a plan.

    Raises :class:`TrainingError` and BagError for whatever makes training on them impossible.
    """
    scanned = _look(plan, reporter)
    facts = scanned.usable
    _check_named(plan, scanned)
    labelled = [fact.subject for fact in facts if fact.segments]
    split = split_subjects(
        labelled,
        plan.test_subjects,
        plan.validation_subjects,
        {fact.subject for fact in facts}.difference(labelled),
    )
    check_people([fact.subject for fact in facts], split)
    test = tuple(fact for fact in facts if fact.subject in split.test)
    learning = tuple(fact for fact in facts if fact.subject not in split.test)
    names = (plan.target, *plan.sources)
    recipes = {name: _recipe(learning, name, plan) for name in names}
    read = _load(learning, recipes, plan, reporter)
    recordings = tuple(each for each in read if isinstance(each, RecordingWindows))
    _check_sensors(recordings, names)
    held = _validation_segments(recordings, plan, split)
    labels, without_windows = _labels(recordings, plan.target, held)
    validating = [n for n, r in enumerate(recordings) if r.facts.subject in split.validation]
    found = {
        name: split_windows(
            recordings, name, recipes[name].window.length_ns, labels, held, validating
        )
        for name in names
    }
    sets = leave_out_unpaired(found, plan.target)
    _check_sets(sets, plan.target)
    untaught = {s.label for fact in test for s in fact.segments} - {*labels}
    return DataModule(
        split=split,
        labels=labels,
        recipes=recipes,
        sets=sets,
        learning=tuple(recording.facts for recording in recordings),
        test=test,
        unlabelled=tuple(
            left.path for left in scanned.left_out if left.facts and not left.facts.segments
        ),
        without_windows=without_windows,
        untaught=tuple(sorted(untaught)),
        clips=_count_clips(recordings, plan.target, held, labels),
        report=_report(read, test, scanned, recipes[plan.target].window.length_ns),
    )


def _look(plan: TrainingConfiguration, reporter: ProgressReporter) -> ScanResult:
    def sensors_of(subject: str) -> Sequence[str]:
        # Sources are only needed where something is learnt.
        return (plan.target,) if subject in plan.test_subjects else (plan.target, *plan.sources)

    def why_of_no_use(facts: RecordingFacts) -> str:
        if not plan.unlabelled or facts.subject in (
            *plan.test_subjects,
            *plan.validation_subjects,
        ):
            return NO_LABELS
        if plan.target in facts.sensors and len(facts.sensors) > 1:
            return ''
        return f"{NO_LABELS}, and not both '{plan.target}' and a source to compare"

    scanned = scan(plan.bags, sensors_of, plan.data_options, reporter, why_of_no_use=why_of_no_use)
    for name in (plan.target, *plan.sources):
        with_it = [facts for facts in scanned.usable if name in facts.sensors]
        without = [facts for facts in scanned.usable if name in facts.missing]
        if not with_it and without:
            raise BagError(without[0].missing[name])
        if modalities := {facts.sensors[name].modality for facts in with_it} - {
            with_it[0].sensors[name].modality
        }:
            raise TrainingError(
                f"sensor '{name}' is a {with_it[0].sensors[name].modality} in {with_it[0].path} "
                f'and a {modalities.pop()} in others: give them different names'
            )
        for facts in without:
            reporter.note(f"{facts.path} has no sensor '{name}'")
    return scanned


def _check_named(plan: TrainingConfiguration, scanned: ScanResult) -> None:
    """Say why of a subject that is named nothing can be used, rather than that he is not there."""
    used = {facts.subject for facts in scanned.usable}
    for left in scanned.left_out:
        subject = None if left.facts is None else left.facts.subject
        if subject not in used and subject in (*plan.test_subjects, *plan.validation_subjects):
            raise TrainingError(
                f'of subject {subject!r} nothing can be used; {left.path} is left out: '
                f'{left.reason}. Who tests or validates needs labels'
            )


def _recipe(learning: Sequence[RecordingFacts], name: str, plan: TrainingConfiguration) -> Recipe:
    first = next((facts for facts in learning if name in facts.sensors), None)
    if first is None:
        raise TrainingError(
            f"no recording of a training subject has the sensor '{name}': only test subjects do"
        )
    return make_recipe(first.sensors[name], first.msgtypes[name], first_message(first, name), plan)


def _load(
    learning: Sequence[RecordingFacts],
    recipes: Mapping[str, Recipe],
    plan: TrainingConfiguration,
    reporter: ProgressReporter,
) -> list[RecordingWindows | BrokenRecording]:
    cut_specs = {name: (r.stream, r.training_window) for name, r in recipes.items()}
    reporter.begin('cutting windows', len(learning))
    read = build_recordings(
        learning, cut_specs, plan.data_options, reporter.advance, unlabelled=plan.unlabelled
    )
    for each in read:
        if isinstance(each, BrokenRecording):
            if plan.strict or len(read) == 1:
                raise BagError(each.reason)
            reporter.note(f'{each.facts.path} is left out: {each.reason}')
        else:
            for problem in each.unusable.values():
                if plan.strict:
                    raise TrainingError(problem)
                reporter.note(problem)
    return read


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


def _report(
    read: Sequence[RecordingWindows | BrokenRecording],
    test: Sequence[RecordingFacts],
    scanned: ScanResult,
    length_ns: int,
) -> DataReport:
    told = [
        report_recording(each, length_ns)
        if isinstance(each, RecordingWindows)
        else report_left_out(ExcludedRecording(each.facts.path, each.reason, each.facts))
        for each in read
    ]
    told += [report_test(facts, length_ns) for facts in test]
    return DataReport((*told, *map(report_left_out, scanned.left_out)))


def _validation_segments(
    recordings: Sequence[RecordingWindows], plan: TrainingConfiguration, split: SubjectSplit
) -> frozenset[SegmentKey]:
    if split.validation:
        return frozenset(
            (number, segment)
            for number, recording in enumerate(recordings)
            if recording.facts.subject in split.validation
            for segment in range(len(recording.facts.segments))
        )
    held = hold_out_segments(_shown(recordings, plan.target), plan.seed)
    for name in plan.sources:
        shown = _shown(recordings, name)
        # A source that was not recorded together with the target validates on its own segments.
        if not held & shown.keys():
            held |= hold_out_segments(shown, plan.seed)
    return held


def _shown(recordings: Sequence[RecordingWindows], sensor: str) -> dict[SegmentKey, str]:
    """Give the segments that a sensor's windows show, with their activities."""
    return {
        (number, segment): recording.facts.segments[segment].label
        for number, recording in enumerate(recordings)
        if sensor in recording.windows
        for segment in recording.windows[sensor].segment_of.tolist()
        if segment >= 0
    }


def _labels(
    recordings: Sequence[RecordingWindows], target: str, held: frozenset[SegmentKey]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the activities that training windows show, and those that none shows."""
    named = {s.label for recording in recordings for s in recording.facts.segments}
    shown = {label for segment, label in _shown(recordings, target).items() if segment not in held}
    return tuple(sorted(shown)), tuple(sorted(named - shown))


def _check_sets(sets: Mapping[str, DatasetSplit], target: str) -> None:
    for name, examples in sets.items():
        training = examples.training
        classes = len(set(training.labels[training.labelled].tolist()))
        if not classes:
            raise TrainingError(
                f"no training window of sensor '{name}' shows an activity that '{target}' is "
                'taught: was it recorded while the labels say what is done, are its header stamps '
                'of the same clock, and are windows (--window) shorter than twice the labelled '
                f'segments? {why_left_out(examples)}'
            )
        if classes < 2:
            raise TrainingError(
                f"the training recordings hold {len(training.labelled)} windows of sensor '{name}'"
                f' that show {classes} activities, but two are needed: {why_left_out(examples)}'
            )
        if not len(examples.validation):
            raise TrainingError(
                f"no window of sensor '{name}' is left for validation: label more than one "
                f'segment of each activity, or name --val-subjects; {why_left_out(examples)}'
            )


def why_left_out(examples: DatasetSplit) -> str:
    """Say how many windows and messages are not used, by reason."""
    reasons = ', '.join(f'{count} {reason}' for reason, count in examples.left_out.items())
    return f'left out: {reasons or "nothing"}'


def _count_clips(
    recordings: Sequence[RecordingWindows],
    target: str,
    held: frozenset[SegmentKey],
    labels: Sequence[str],
) -> dict[str, int]:
    shown = {segment for segment, label in _shown(recordings, target).items() if label in labels}
    return {'training': len(shown - held), 'validation': len(shown & held)}
