"""Gather what a plan needs: recordings read, subjects split, activities and examples chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xmodal_ros.bags.opening import find_recordings
from xmodal_ros.errors import TrainingError
from xmodal_ros.sensors import MODALITIES
from xmodal_ros.training.dataset import (
    first_message,
    load_recording,
    read_facts,
    Recording,
    RecordingFacts,
)
from xmodal_ros.training.examples import learning_set, LearningSet, SegmentKey
from xmodal_ros.training.plan import Reporter, TrainingPlan
from xmodal_ros.training.recipe import make_recipe, Recipe
from xmodal_ros.training.splits import hold_out_segments, split_subjects, SubjectSplit


@dataclass(frozen=True, eq=False)
class Material:
    """Everything to train and test with.

    ``recipes`` and ``sets`` are by sensor name. ``test`` are the recordings kept for the end.
    ``unlabelled`` are recordings that were left out, ``without_windows`` activities that none of
    the target's training windows shows, ``untaught`` those that only test subjects show.
    """

    split: SubjectSplit
    labels: tuple[str, ...]
    recipes: Mapping[str, Recipe]
    sets: Mapping[str, LearningSet]
    learning: tuple[RecordingFacts, ...]
    test: tuple[RecordingFacts, ...]
    unlabelled: tuple[Path, ...]
    without_windows: tuple[str, ...]
    untaught: tuple[str, ...]
    clips: Mapping[str, int]


def gather(plan: TrainingPlan, reporter: Reporter) -> Material:
    """Read the recordings of a plan.

    Raises :class:`TrainingError` and BagError for whatever makes training on them impossible.
    """
    facts, unlabelled = _read_all_facts(plan, reporter)
    split = split_subjects(
        [fact.subject for fact in facts], plan.test_subjects, plan.validation_subjects
    )
    test = tuple(fact for fact in facts if fact.subject in split.test)
    learning = tuple(fact for fact in facts if fact.subject not in split.test)
    names = (plan.target, *plan.sources)
    recipes = {name: _recipe(learning, name, plan) for name in names}
    recordings = _load(learning, recipes, reporter)
    held = _validation_segments(recordings, plan, split)
    labels, without_windows = _labels(recordings, plan.target, held)
    sets = {
        name: learning_set(recordings, name, recipes[name].window.length_ns, labels, held)
        for name in names
    }
    _check_sets(sets, plan.target)
    untaught = {s.label for fact in test for s in fact.segments} - {*labels}
    return Material(
        split=split,
        labels=labels,
        recipes=recipes,
        sets=sets,
        learning=learning,
        test=test,
        unlabelled=unlabelled,
        without_windows=without_windows,
        untaught=tuple(sorted(untaught)),
        clips=_count_clips(recordings, plan.target, held, labels),
    )


def _read_all_facts(
    plan: TrainingPlan, reporter: Reporter
) -> tuple[tuple[RecordingFacts, ...], tuple[Path, ...]]:
    paths = find_recordings(plan.bags)
    if not paths:
        raise TrainingError('no recording is given: name bags, or folders that hold bags')

    def sensors_of(subject: str) -> Sequence[str]:
        # Sources are only needed where something is learnt.
        return (plan.target,) if subject in plan.test_subjects else (plan.target, *plan.sources)

    reporter.begin('looking into recordings', len(paths))
    facts: list[RecordingFacts] = []
    unlabelled: list[Path] = []
    for done, path in enumerate(paths, start=1):
        fact = read_facts(path, sensors_of)
        if fact.segments:
            facts.append(fact)
        else:
            unlabelled.append(path)
            reporter.note(f'{path} has no labels: left out')
        reporter.advance(done, fact.name)
    if not facts:
        raise TrainingError(
            f'none of the {len(paths)} recordings is labelled: record /activity_label or put a '
            'labels.csv into each'
        )
    return tuple(facts), tuple(unlabelled)


def _recipe(learning: Sequence[RecordingFacts], name: str, plan: TrainingPlan) -> Recipe:
    first = learning[0]
    if name == plan.target and first.sensors[name].modality not in MODALITIES:
        raise TrainingError(
            f"'{name}' cannot be a target: it is a {first.sensors[name].modality}, which no "
            f"robot's sensor gives. Name it as a source ('--source {name}'), or compare it in a "
            'study'
        )
    return make_recipe(
        first.sensors[name], first.msgtypes[name], first_message(first, name), plan.choices
    )


def _load(
    learning: Sequence[RecordingFacts], recipes: Mapping[str, Recipe], reporter: Reporter
) -> tuple[Recording, ...]:
    streams = {name: (r.stream, r.training_window) for name, r in recipes.items()}
    reporter.begin('cutting windows', len(learning))
    recordings: list[Recording] = []
    for done, facts in enumerate(learning, start=1):
        recordings.append(load_recording(facts, streams))
        reporter.advance(done, facts.name)
    return tuple(recordings)


def _validation_segments(
    recordings: Sequence[Recording], plan: TrainingPlan, split: SubjectSplit
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


def _shown(recordings: Sequence[Recording], sensor: str) -> dict[SegmentKey, str]:
    """Give the segments that a sensor's windows show, with their activities."""
    return {
        (number, segment): recording.facts.segments[segment].label
        for number, recording in enumerate(recordings)
        for segment in recording.windows[sensor].segment_of.tolist()
    }


def _labels(
    recordings: Sequence[Recording], target: str, held: frozenset[SegmentKey]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the activities that training windows show, and those that none shows."""
    named = {s.label for recording in recordings for s in recording.facts.segments}
    shown = {
        recording.facts.segments[segment].label
        for number, recording in enumerate(recordings)
        for segment in recording.windows[target].segment_of.tolist()
        if (number, segment) not in held
    }
    return tuple(sorted(shown)), tuple(sorted(named - shown))


def _check_sets(sets: Mapping[str, LearningSet], target: str) -> None:
    for name, examples in sets.items():
        classes = len(set(examples.training.labels.tolist()))
        if not classes:
            raise TrainingError(
                f"no training window of sensor '{name}' shows an activity that '{target}' shows: "
                'was it recorded while the labels say what is done, and are its header stamps of '
                f'the same clock? {why_left_out(examples)}'
            )
        if classes < 2:
            raise TrainingError(
                f"the training recordings hold {len(examples.training)} windows of sensor '{name}'"
                f' that show {classes} activities, but two are needed: {why_left_out(examples)}'
            )
        if not len(examples.validation):
            raise TrainingError(
                f"no window of sensor '{name}' is left for validation: label more than one "
                f'segment of each activity, or name --val-subjects; {why_left_out(examples)}'
            )


def why_left_out(examples: LearningSet) -> str:
    """Say how many windows and messages are not used, by reason."""
    reasons = ', '.join(f'{count} {reason}' for reason, count in examples.left_out.items())
    return f'left out: {reasons or "nothing"}'


def _count_clips(
    recordings: Sequence[Recording],
    target: str,
    held: frozenset[SegmentKey],
    labels: Sequence[str],
) -> dict[str, int]:
    shown = {
        (number, segment)
        for number, recording in enumerate(recordings)
        for segment in recording.windows[target].segment_of.tolist()
        if recording.facts.segments[segment].label in labels
    }
    return {'training': len(shown - held), 'validation': len(shown & held)}
