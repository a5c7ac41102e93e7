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

"""Look into the recordings of a data set: which can be used, and why the others cannot."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
import hashlib
from itertools import islice
from pathlib import Path
from typing import Final

from xmodal_ros.activities import in_words, merged, spellings
from xmodal_ros.bags.opening import about_passed_over, find_recordings, is_recording
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import relabelled
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.data.file_identity import content
from xmodal_ros.data.recording import read_facts, RecordingFacts
from xmodal_ros.errors import BagError, TrainingError
from xmodal_ros.progress import ProgressReporter

NO_LABELS: Final = 'it has no labels'
# Messages of a sensor that are alike in two recordings only where they are of one.
_COMPARED: Final = 32
_BEHIND_STAMP: Final = 12


@dataclass(frozen=True, eq=False)
class ExcludedRecording:
    """A recording that is not used, and why; ``facts`` where it could be looked into."""

    path: Path
    reason: str
    facts: RecordingFacts | None = None


@dataclass(frozen=True, eq=False)
class ScanResult:
    """The recordings of a data set that can be used, and those that cannot.

    ``paths`` are all of them, in the order in which they were found.
    """

    usable: tuple[RecordingFacts, ...]
    left_out: tuple[ExcludedRecording, ...]
    paths: tuple[Path, ...]


def scan(
    paths: Sequence[Path],
    sensors_of: Callable[[str], Sequence[str]],
    options: DataOptions,
    reporter: ProgressReporter,
    *,
    need_labels: bool = True,
    why_of_no_use: Callable[[RecordingFacts], str] = lambda _facts: NO_LABELS,
) -> ScanResult:
    """Look into the recordings that ``paths`` name, for the sensors ``sensors_of`` a subject.

    A recording that is broken, has labels that cannot be read or none at all, has none of the
    sensors or one on a topic of a wrong type, or is a copy of another one is left out and told;
    where that leaves none with labels, the first of these reasons is raised as :class:`BagError`
    or :class:`TrainingError`. So is a path that holds no recording, which is a slip of the user,
    and where ``options`` are strict the first reason at all, except that a recording has no
    labels or is a copy: with these nothing is wrong.
    ``why_of_no_use`` is asked of recordings without labels, and gives '' for those that are of
    some use; where there is no ``need_labels`` all are.
    """
    found = find_recordings(paths)
    if not found:
        raise TrainingError('no recording is given: name bags, or folders that hold bags')
    reporter.begin('looking into recordings', len(found))
    usable: list[RecordingFacts] = []
    left_out: list[ExcludedRecording] = []
    for done, path in enumerate(found, start=1):
        try:
            facts = read_facts(path, sensors_of, need_all=False)
            reason = why_of_no_use(facts) if need_labels and not facts.segments else ''
            reason = reason or _lack(facts, options)
        except BagError as error:
            if options.strict or not is_recording(path) or len(found) == 1:
                raise
            left_out.append(ExcludedRecording(path, str(error)))
        else:
            if reason:
                left_out.append(ExcludedRecording(path, reason, facts))
            else:
                usable.append(facts)
        reporter.advance(done, path.name)
    _drop_copies(usable, left_out)
    usable = _one_spelling(usable, options, reporter)
    if not any(facts.segments or not need_labels for facts in usable):
        _refuse(
            [*left_out, *(ExcludedRecording(facts.path, NO_LABELS, facts) for facts in usable)]
        )
    for note in about_passed_over(paths):
        reporter.note(note)
    _tell(usable, left_out, reporter)
    _check_modalities(usable)
    return ScanResult(tuple(usable), tuple(left_out), tuple(found))


def _tell(
    usable: Sequence[RecordingFacts],
    left_out: Sequence[ExcludedRecording],
    reporter: ProgressReporter,
) -> None:
    for left in left_out:
        reporter.note(f'{left.path} is left out: {left.reason}')
    for facts in usable:
        for note in facts.notes:
            reporter.note(f'{facts.path}: {note}')


def _one_spelling(
    usable: Sequence[RecordingFacts], options: DataOptions, reporter: ProgressReporter
) -> list[RecordingFacts]:
    """Tell labels that are probably one activity's, or make them one."""
    counts = Counter(segment.label for facts in usable for segment in facts.segments)
    doubtful = [in_words(each) for each in spellings(counts)]
    if not doubtful:
        return list(usable)
    if not options.merge_labels:
        reporter.note(
            f'labels that are probably one activity: {"; ".join(doubtful)}: correct them, or take '
            'them for one by --merge-labels (merge_labels)'
        )
        return list(usable)
    names = merged(counts)
    for name, to in names.items():
        reporter.note(f'label {in_words([name])} is taken for {in_words([to])}')
    return [replace(facts, segments=relabelled(facts.segments, names)) for facts in usable]


def _check_modalities(usable: Sequence[RecordingFacts]) -> None:
    """Raise :class:`TrainingError` for one name that sensors of two modalities bear."""
    first: dict[str, tuple[str, Path]] = {}
    for facts in usable:
        for name, sensor in facts.sensors.items():
            modality, path = first.setdefault(name, (sensor.modality, facts.path))
            if sensor.modality != modality:
                raise TrainingError(
                    f"sensor '{name}' is a {modality} in {path} and a {sensor.modality} in "
                    f'{facts.path}: give them different names'
                )


def _drop_copies(usable: list[RecordingFacts], left_out: list[ExcludedRecording]) -> None:
    """Leave out what was recorded once and is there twice, under whatever name.

    Raises :class:`TrainingError` for a copy that says it shows another subject.
    """
    originals: dict[object, RecordingFacts] = {}
    spans = Counter((facts.start_ns, facts.end_ns) for facts in usable)
    # Of two the one with labels is worth more.
    for facts in sorted(usable, key=lambda each: not each.segments):
        original = originals.setdefault(tuple(map(content, facts.files)), facts)
        if original is facts and spans[facts.start_ns, facts.end_ns] > 1:
            # What was imported twice are files that differ, with the same messages.
            original = originals.setdefault(_beginning(facts), facts)
        if original is facts:
            continue
        if original.subject != facts.subject:
            raise TrainingError(
                f'{original.path} and {facts.path} hold the same recording, of subjects '
                f'{original.subject!r} and {facts.subject!r}: one of them would be scored on what '
                'the other taught. Remove one'
            )
        usable.remove(facts)
        left_out.append(
            ExcludedRecording(facts.path, f'it holds the same as {original.path}', facts)
        )


def _beginning(facts: RecordingFacts) -> object:
    """Give when a recording begins and ends, and how what its sensors said begins."""
    said: list[object] = [facts.start_ns, facts.end_ns]
    try:
        with BagReader(facts.path) as reader:
            for topic in sorted(sensor.topic for sensor in facts.sensors.values()):
                first = [each.data for each in islice(reader.messages([topic]), _COMPARED)]
                # A sensor that always says the same says it of everybody.
                if len({data[_BEHIND_STAMP:] for data in first}) > 1:
                    said += [topic, hashlib.sha256(b''.join(first)).hexdigest()]
    except BagError:
        # Of what is damaged nothing is known.
        return facts.path
    return tuple(said) if len(said) > 2 else facts.path


def _lack(facts: RecordingFacts, options: DataOptions) -> str:
    if facts.sensors:
        return ''
    reason = next(iter(facts.missing.values()), 'it has no sensors')
    if options.strict:
        raise BagError(reason)
    return reason


def _refuse(left_out: Sequence[ExcludedRecording]) -> None:
    """Raise why nothing is left to use."""
    if all(left.facts is not None and not left.facts.segments for left in left_out):
        raise TrainingError(
            f'none of the {len(left_out)} recordings is labelled: record /activity_label or put '
            'a labels.csv into each'
        )
    worst = next(left for left in left_out if left.facts is None or left.facts.segments)
    if len(left_out) == 1:
        raise BagError(worst.reason)
    raise BagError(
        f'none of the {len(left_out)} recordings can be used, this among them: {worst.reason}'
    )
