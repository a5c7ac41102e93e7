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

"""Look through a recording: what it holds, how regular it is, and what will trouble a user."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, UTC
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.activities import in_words, spellings
from xmodal_ros.bags.audio_format import describe, read_audio_format
from xmodal_ros.bags.labels import LABEL_TOPIC, labelled_as_another, read_segments
from xmodal_ros.bags.message_types import has_stamp
from xmodal_ros.bags.reading import BagReader, Outline, Topic
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.storage import HEAD_BYTES
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.contents import ContentGauge, ContentReader, Sampling
from xmodal_ros.modalities.modality import Modality
from xmodal_ros.modalities.registry import find_modality, modality_of_type
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.timing import stamp_facts, StampFacts, steps_within
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError

_SECOND_NS: Final = 1_000_000_000
# Clocks that are further apart than any transport delay were not synchronised.
_CLOCK_DIFFERENCE_NS: Final = _SECOND_NS
# Clocks that say an earlier time, 1 January 2000, were not set.
_SET_NS: Final = 946_684_800 * _SECOND_NS
_DAY_NS: Final = 86_400 * _SECOND_NS
# Nothing at all for so long, and for most of a recording, is hardly what somebody meant to record.
_LONG_SILENCE_NS: Final = 3600 * _SECOND_NS
# Of an indexed recording, so many messages of each sensor are looked into.
_QUICK: Final = Sampling(block=32, blocks=12)
# And of compressed chunks so many unpacked, for stamps are inside.
_UNPACKED: Final = 24
# Those that are too short are looked into wherever they are, up to so many.
_MOST_SHORT: Final = 100


@dataclass(frozen=True)
class TopicInspection:
    """One topic; rate and gap are of the header stamps where messages have them and they are set,
    else of the times of recording, and None for fewer than two messages.

    ``rate_hz`` is one over the median step, ``largest_gap_s`` the longest step in seconds; where
    not all stamps were read it is of the times of recording.
    """

    name: str
    msgtype: str
    count: int
    latched: bool
    stamped: bool
    rate_hz: float | None
    largest_gap_s: float | None


@dataclass(frozen=True)
class ActivityInspection:
    """How often one activity was done, and for how long in total."""

    label: str
    segments: int
    seconds: float


@dataclass(frozen=True)
class Inspection:
    """What :func:`inspect_bag` found in one recording; warnings are sentences for a person.

    ``audio_formats`` says in words what the audio topics hold that can be used. ``sampled`` says
    of the topics whose messages were not all looked into how many were, ``stamps_sampled`` of
    those whose stamps were not all read how many were.
    """

    path: str
    name: str
    subject: str
    start_ns: int
    duration_s: float
    metadata: dict[str, str]
    sensors: tuple[Sensor, ...]
    topics: tuple[TopicInspection, ...]
    activities: tuple[ActivityInspection, ...]
    labelled_s: float
    warnings: tuple[str, ...]
    audio_formats: dict[str, str] = field(default_factory=dict)
    sampled: dict[str, int] = field(default_factory=dict)
    stamps_sampled: dict[str, int] = field(default_factory=dict)


@dataclass
class _TopicNotes:
    """What is noted of one topic: 16 bytes a message.

    ``stamps`` are those of messages that are large enough for one, ``read`` the numbers of the
    messages whose stamps were read where these are not all, ``looked_at`` counts those whose
    contents were looked into, and ``reader`` says of each of these whether it can be used, where
    messages are small.
    """

    stamped: bool
    modality: Modality | None = None
    reader: ContentReader | None = None
    gauge: ContentGauge | None = None
    audio_format: AudioFormat | None = None
    rate_hz: int = 0
    stamps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    received: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    read: NDArray[np.int64] | None = None
    troubles: Counter[str] = field(default_factory=Counter)
    looked_at: int = 0

    @property
    def count(self) -> int:
        """How many messages may have given their stamps."""
        return len(self.received) if self.read is None else len(self.read)

    @property
    def runs(self) -> NDArray[np.int64] | None:
        """To which run of neighbours each of them belongs; None where it is but one."""
        if self.read is None:
            return None
        return np.cumsum(np.diff(self.read, prepend=-1) > 1)


def inspect_bag(reader: BagReader, *, full: bool = False) -> Inspection:
    """Describe a recording.

    Where its files have an index, times of recording are those of all messages, and contents
    those of a sample from all over the recording; so are stamps where they lie in many compressed
    chunks. With ``full``, and elsewhere, everything is read.

    Raises :class:`BagError` when it is damaged where it was looked at; what is merely odd becomes
    a warning.
    """
    warnings: list[str] = [*reader.notes]
    outlines = (
        None
        if full
        else reader.outlines(
            keep=[name for name in reader.topics if name.endswith(LABEL_TOPIC)],
            most_packed=_UNPACKED,
        )
    )
    notes = {
        topic.name: _begin(reader, topic, warnings, sampled=outlines is not None)
        for topic in _topics(reader)
    }
    if outlines is None:
        silence_ns = _read_all(reader, notes)
    else:
        silence_ns = _look_at_some(reader, notes, outlines)
    read = [each.received for each in notes.values() if each.received.size]
    start_ns = min((int(times.min()) for times in read), default=reader.start_ns)
    end_ns = max((int(times.max()) for times in read), default=reader.end_ns)
    warnings += _differences(reader, notes, start_ns, end_ns)
    warnings += _date_warnings(start_ns, end_ns, imported='importer' in reader.metadata)
    if silence_ns > max(_LONG_SILENCE_NS, (end_ns - start_ns) // 2):
        warnings.append(
            f'mostly empty: nothing was recorded for {silence_ns / _SECOND_NS:.0f} s of '
            f"{(end_ns - start_ns) / _SECOND_NS:.0f} s; probably the recorder's "
            'clock jumped, as when the time is set late: wait for that before recording'
        )
    warnings += [
        warning
        for topic in _topics(reader)
        for warning in _topic_warnings(topic, notes[topic.name])
    ]
    warnings += [
        f'sensor {sensor.name!r} is declared on {sensor.topic}, which holds no messages'
        for sensor in reader.sensors
        if not reader.topics.get(sensor.topic, Topic('', '', 0)).count
    ]
    if not reader.sensors:
        warnings.append('no topic of a sensor type: there is nothing to classify')
    warnings += labelled_as_another(reader, [sensor.topic for sensor in reader.sensors])
    segments, complaint = _segments(reader)
    if complaint:
        warnings.append(complaint)
    warnings += [
        f'labels that are probably one activity: {in_words(each)}: correct them, or take them '
        'for one by --merge-labels of dataset, train, evaluate and study'
        for each in spellings(segment.label for segment in segments)
    ]
    return Inspection(
        path=str(reader.path),
        name=reader.name,
        subject=reader.subject,
        start_ns=start_ns,
        duration_s=(end_ns - start_ns) / _SECOND_NS,
        metadata=dict(reader.metadata),
        sensors=reader.sensors,
        topics=tuple(_inspect_topic(topic, notes[topic.name]) for topic in _topics(reader)),
        activities=_activities(segments),
        labelled_s=sum(_seconds(segment) for segment in segments),
        warnings=tuple(warnings),
        audio_formats={
            topic: describe(each.audio_format) if each.audio_format else f'{each.rate_hz} Hz'
            for topic, each in notes.items()
            if each.audio_format or each.rate_hz
        },
        sampled={
            topic: each.looked_at
            for topic, each in notes.items()
            if each.gauge is not None and each.looked_at < len(each.received)
        },
        stamps_sampled={
            topic: len(each.read)
            for topic, each in notes.items()
            if each.stamped and each.read is not None
        },
    )


def _read_all(reader: BagReader, notes: Mapping[str, _TopicNotes]) -> int:
    """Read and note every message; gives the longest silence between two, in nanoseconds."""
    times = {topic: (array('q'), array('q')) for topic in notes}
    silence_ns, last_ns = 0, reader.start_ns
    for message in reader.messages():
        each, (received, stamps) = notes[message.topic], times[message.topic]
        received.append(message.received_ns)
        stamp_ns = _look_into(each, message.data, message.received_ns)
        if stamp_ns is not None:
            stamps.append(stamp_ns)
        silence_ns = max(silence_ns, message.received_ns - last_ns)
        last_ns = message.received_ns
    for topic, (received, stamps) in times.items():
        notes[topic].received = np.array(received, np.int64)
        notes[topic].stamps = np.array(stamps, np.int64)
    return silence_ns


def _look_at_some(
    reader: BagReader, notes: Mapping[str, _TopicNotes], outlines: Mapping[str, Outline]
) -> int:
    """Note the times of all messages, and look into some; gives the longest silence."""
    looked_into: list[_TopicNotes] = []
    wanted: list[tuple[Outline, NDArray[np.int64]]] = []
    for topic, outline in outlines.items():
        each = notes[topic]
        _note_times(each, outline)
        short = np.flatnonzero((outline.sizes >= 0) & (outline.sizes < HEAD_BYTES))
        if each.modality is None:
            if each.stamped and short.size:
                each.troubles['truncated'] = len(short)
            continue
        chosen = _choose_of(each, _sampling_of(each.modality))
        looked_into.append(each)
        wanted.append((outline, np.union1d(chosen, short[:_MOST_SHORT])))
    times = [outline.received_ns[chosen].tolist() for outline, chosen in wanted]
    # All at once, for what lies in one chunk of a file is unpacked together.
    kept: list[list[tuple[bytes, int]]] = [[] for _ in wanted]
    for which, index, data in reader.read_at(wanted) if wanted else ():
        each, messages = looked_into[which], kept[which]
        if each.read is not None:
            _fill_in(*wanted[which], index, data)
        messages.append((data, times[which][index]))
        # Small ones go faster together; of large ones none is kept.
        if each.reader is None or len(messages) == _QUICK.block:
            _look_into_all(each, messages)
            messages.clear()
    for each, messages in zip(looked_into, kept, strict=True):
        if messages:
            _look_into_all(each, messages)
    for topic, outline in outlines.items():
        _note_times(notes[topic], outline)
    all_times = np.sort(np.concatenate([outline.received_ns for outline in outlines.values()]))
    return int(np.diff(all_times, prepend=reader.start_ns).max(initial=0))


def _note_times(notes: _TopicNotes, outline: Outline) -> None:
    unread = outline.sizes < 0
    notes.received = outline.received_ns
    notes.read = np.flatnonzero(~unread) if unread.any() else None
    if notes.stamped:
        notes.stamps = outline.stamps_ns[outline.sizes >= HEAD_BYTES]


def _fill_in(outline: Outline, chosen: NDArray[np.int64], index: int, data: bytes) -> None:
    """Note in an outline what a message tells that was passed over."""
    number = chosen[index]
    if outline.sizes[number] < 0:
        outline.sizes[number] = len(data)
        if len(data) >= HEAD_BYTES:
            outline.stamps_ns[number] = read_stamp_ns(data)


def _sampling_of(modality: Modality) -> Sampling:
    usual = modality.sampling
    return Sampling(min(usual.block, _QUICK.block), min(usual.blocks, _QUICK.blocks))


def _choose_of(notes: _TopicNotes, sampling: Sampling) -> NDArray[np.int64]:
    """Give the numbers of messages of a topic to look into, of those that were read if enough."""
    if notes.read is None or notes.count < sampling.block * sampling.blocks:
        # Of a sensor that was on for a while there may be none among those.
        return _choose(len(notes.received), sampling, None)
    return notes.read[_choose(notes.count, sampling, notes.runs)]


def _choose(count: int, sampling: Sampling, runs: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Give the numbers of messages in blocks of neighbours, as far apart as that goes.

    No block goes on from one of the ``runs`` (N,) to the next, if these are long enough.
    """
    if count <= sampling.block * sampling.blocks:
        return np.arange(count)
    starts = np.linspace(0, count - sampling.block, sampling.blocks).astype(np.int64)
    if runs is not None:
        ends = np.searchsorted(runs, runs[starts], side='right')
        starts = np.unique(np.maximum(np.minimum(starts, ends - sampling.block), 0))
    return (starts[:, None] + np.arange(sampling.block)).ravel()


def _differences(
    reader: BagReader, notes: Mapping[str, _TopicNotes], start_ns: int, end_ns: int
) -> Iterator[str]:
    """Say where the index inside the files is not what was read of them."""
    for topic in _topics(reader):
        if (count := len(notes[topic.name].received)) != topic.count:
            yield (
                f'{topic.name}: the index of the file says {topic.count} messages, {count} were '
                'read'
            )
    for what, stated_ns, found_ns in (
        ('starts', reader.start_ns, start_ns),
        ('ends', reader.end_ns, end_ns),
    ):
        if stated_ns != found_ns:
            yield (
                f'by the index of the file it {what} at {stated_ns / 1e9:.3f} s after 1970, by '
                f'its messages at {found_ns / 1e9:.3f} s'
            )


def _date_warnings(start_ns: int, end_ns: int, *, imported: bool) -> Iterator[str]:
    """Say when a recording bears dates at which nobody recorded it."""
    # What is imported begins when somebody says, or on 1 January 2000, and offsets lead before it.
    if start_ns < _SET_NS and not imported:
        yield (
            f'it was recorded in {_year(start_ns)} by the clock of the recorder, which was not '
            'set (wait for that before recording) or that of a simulation; label it by seconds '
            'from its start on'
        )
    if end_ns > time.time_ns() + _DAY_NS:
        year = _year(end_ns)
        yield (
            f'its times lie in the future, in {year}: import it with those of its recording'
            if imported
            else f'it was recorded in the future, in {year}, by the clock of the recorder: set '
            'that before recording'
        )


def _year(time_ns: int) -> int:
    return datetime.fromtimestamp(time_ns // _SECOND_NS, tz=UTC).year


def _topics(reader: BagReader) -> list[Topic]:
    return list(reader.topics.values())


def _begin(reader: BagReader, topic: Topic, warnings: list[str], *, sampled: bool) -> _TopicNotes:
    """Choose what to try the messages of a topic with; warns where their format is not known."""
    notes = _TopicNotes(has_stamp(topic.msgtype))
    name = modality_of_type(topic.msgtype)
    if name is None or not topic.count:
        return notes
    notes.modality = find_modality(name)
    try:
        notes.audio_format = read_audio_format(reader, topic.name)
    except BagError as error:
        warnings.append(str(error))
        return notes
    contents = notes.modality.make_content_reader(topic.msgtype, notes.audio_format)
    notes.gauge = ContentGauge(
        contents, _sampling_of(notes.modality) if sampled else notes.modality.sampling
    )
    if not notes.modality.intake.large:
        # Decoding every large message would take far longer than reading them.
        notes.reader = contents
    return notes


def _look_into(notes: _TopicNotes, data: bytes, received_ns: int) -> int | None:
    """Note what a message holds; gives its stamp, None where it has none."""
    stamp_ns = None
    notes.looked_at += 1
    if notes.gauge is not None:
        notes.gauge.note(data, received_ns)
    try:
        if notes.stamped:
            stamp_ns = read_stamp_ns(data)
            if stamp_ns <= 0:
                # It cannot be used whatever else it holds, and that is told of all of them.
                return stamp_ns
        if notes.reader is not None:
            notes.rate_hz = notes.reader.decode(data, received_ns).rate_hz
    except DecodeError as error:
        notes.troubles[error.reason] += 1
    return stamp_ns


def _look_into_all(notes: _TopicNotes, messages: Sequence[tuple[bytes, int]]) -> None:
    """Note what messages of a topic hold, at once where they can all be used."""
    samples = None
    if notes.reader is not None:
        samples = notes.reader.read_block([data for data, _ in messages])
    if samples is None or notes.gauge is None:
        for data, received_ns in messages:
            _look_into(notes, data, received_ns)
        return
    notes.looked_at += len(samples)
    notes.gauge.note_samples(samples)
    notes.rate_hz = samples[-1].rate_hz


def _topic_warnings(topic: Topic, notes: _TopicNotes) -> list[str]:
    refusals = notes.modality.refusals if notes.modality else {}
    looked_at, total = notes.looked_at or notes.count, len(notes.received)
    of_all = f'{total} messages' if looked_at == total else f'{looked_at} messages looked into'
    warnings = [
        f'{topic.name}: {count} of {of_all} '
        + refusals.get(reason, f'cannot be decoded ({reason}) and will be dropped')
        for reason, count in sorted(notes.troubles.items())
        if count
    ]
    warnings += [f'{topic.name}: {words}' for words in _doubts(topic, notes)]
    stamps = notes.stamps
    of_read = f'{notes.count} messages' + ('' if notes.read is None else ' looked at')
    unusable = [
        f'{topic.name}: {count} of {of_read} have {words}'
        for count, words in (
            (
                int(np.count_nonzero(stamps == 0)),
                'a zero header.stamp and will be dropped: make the driver stamp them',
            ),
            (
                int(np.count_nonzero(stamps < 0)),
                'a header.stamp before 1970 (or after 2038) and will be dropped: set its clock',
            ),
        )
        if count
    ]
    warnings += unusable
    if notes.troubles.keys() - {*refusals} or unusable or not stamps.size:
        return warnings
    received = notes.received if notes.read is None else notes.received[notes.read]
    shortest_ns = _SECOND_NS / (notes.modality.fastest_hz if notes.modality else 1.0)
    facts = StampFacts(**stamp_facts(stamps, received, shortest_ns, pauses=True, runs=notes.runs))
    of_some = '' if notes.read is None else f', by {notes.count} of its {total} stamps'
    problems = [
        problem
        for problem in facts.check()
        # What others send comes as it likes.
        if notes.modality is not None or problem.code == 'backwards'
    ]
    warnings += [f'{topic.name}{of_some}: {problem}' for problem in problems]
    if notes.read is not None and notes.modality is not None and facts.timing is not None:
        # As of stamps, those between the clips of a recording are none.
        silences = steps_within(notes.received, None)
        silence_s = int(silences[silences <= _SECOND_NS].max(initial=0)) / _SECOND_NS
        if facts.timing.is_gap(silence_s) and all(each.code != 'gap' for each in problems):
            warnings.append(
                f'{topic.name}: nothing was recorded for {silence_s:.2f} s at '
                f'{facts.timing.rate_hz:.1f} Hz; --full tells whether stamps have that gap, too'
            )
    apart = float(np.median(received - stamps))
    least = most = 0.0
    if facts.backwards:
        least, most = np.quantile(received - stamps, [0.05, 0.95])
    if most - least > _CLOCK_DIFFERENCE_NS:
        warnings.append(
            f'{topic.name}: stamps are {least / 1e9:.1f} to {most / 1e9:.1f} s behind the time of '
            'recording: their clock was set, or began anew, while it was recorded'
        )
    elif abs(apart) > _CLOCK_DIFFERENCE_NS:
        where = 'behind' if apart > 0 else 'ahead of'
        since_start = float(np.median(stamps)) < _SET_NS <= float(np.median(received))
        warnings.append(
            f'{topic.name}: stamps are {abs(apart) / 1e9:.3f} s {where} the time of recording: '
            + (
                "they count from when the driver's machine was started"
                if since_start
                else 'the clocks were not synchronised'
            )
        )
    return warnings


def _doubts(topic: Topic, notes: _TopicNotes) -> Iterator[str]:
    """Yield what is doubtful about what a sensor's messages hold."""
    if notes.gauge is None or notes.modality is None:
        return
    contents = notes.gauge.contents()
    refused = sum(contents.refused.values())
    if notes.reader is None and refused:
        yield (
            f'{refused} of {contents.looked_at} messages that were looked at cannot be used: '
            f'{contents.complaint}'
        )
    for problem in notes.modality.check_contents(contents, topic.name):
        # All refusals are counted one by one.
        if problem.level != 'note' and problem.code != 'refused':
            yield str(problem)


def _inspect_topic(topic: Topic, notes: _TopicNotes) -> TopicInspection:
    stamped = (
        bool(notes.stamps.size)
        and len(notes.stamps) == notes.count
        and bool(notes.stamps.min() > 0)
    )
    steps = steps_within(notes.stamps, notes.runs) if stamped else np.empty(0, np.int64)
    if notes.read is not None:
        # Where none is a neighbour of another, stamps tell no rate.
        stamped = bool(steps.size)
    if not stamped:
        steps = steps_within(notes.received, None)
    longest = steps if notes.read is None else steps_within(notes.received, None)
    median = float(np.median(steps)) if steps.size else 0.0
    return TopicInspection(
        name=topic.name,
        msgtype=topic.msgtype,
        count=len(notes.received),
        latched=topic.latched,
        stamped=stamped,
        rate_hz=_SECOND_NS / median if median > 0 else None,
        largest_gap_s=float(longest.max()) / _SECOND_NS if longest.size else None,
    )


def _segments(reader: BagReader) -> tuple[tuple[Segment, ...], str]:
    try:
        segments = read_segments(reader)
    except BagError as error:
        return (), f'labels cannot be used: {error}'
    if segments:
        return segments, ''
    return (), (
        f'unlabelled: it has neither {LABEL_TOPIC} (in whatever namespace) nor a labels.csv, so '
        'it can be replayed but not evaluate a model, and train one only beside others, with '
        '--unlabelled'
    )


def _activities(segments: tuple[Segment, ...]) -> tuple[ActivityInspection, ...]:
    counts: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    for segment in segments:
        counts[segment.label] += 1
        seconds[segment.label] = seconds.get(segment.label, 0.0) + _seconds(segment)
    return tuple(
        ActivityInspection(label, counts[label], seconds[label]) for label in sorted(counts)
    )


def _seconds(segment: Segment) -> float:
    return (segment.end_ns - segment.start_ns) / _SECOND_NS
