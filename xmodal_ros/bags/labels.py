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

"""The ground truth of a recording: which activity was done when."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rosbags.serde import SerdeError

from xmodal_ros.activities import LABEL_TOPIC, UNKNOWN
from xmodal_ros.bags.label_file import find_label_file, read_label_file
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError
from xmodal_ros.windows.epochs import changes_in_one_time

__all__ = [
    'LABEL_TOPIC',
    'Segment',
    'join_changes',
    'label_topic',
    'labelled_as_another',
    'read_segments',
    'write_segments',
]

CLASSIFICATION_TYPE: Final = 'vision_msgs/msg/Classification'
STRING_TYPE: Final = 'std_msgs/msg/String'
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class _Change:
    """From ``stamp_ns`` on, ``label`` is what is done; empty for nothing."""

    stamp_ns: int
    received_ns: int
    label: str


def label_topic(reader: BagReader, sensor_topics: Collection[str] | None = None) -> str | None:
    """Give the topic that holds a recording's labels, None where it has none.

    That is ``LABEL_TOPIC``, else the one of that name in a robot's namespace. Of several of these
    it is the one whose namespace holds ``sensor_topics``, by default those of all its sensors.
    Raises :class:`BagError` where no namespace, or that of another, holds some of them.
    """
    found = _label_topics(reader)
    if LABEL_TOPIC in found:
        return LABEL_TOPIC
    if len(found) < 2:
        return found[0] if found else None
    if sensor_topics is None:
        sensor_topics = [sensor.topic for sensor in reader.sensors]
    around = {_nearest(found, topic) for topic in sensor_topics}
    if len(around) != 1 or None in around:
        raise BagError(
            f'bag {str(reader.path)!r} has labels of several robots, on {" and ".join(found)}: '
            'record a bag for each robot, put the labels that count into a labels.csv, or name '
            'sensors of one robot alone, which go by the labels in its namespace'
        )
    return around.pop()


def labelled_as_another(reader: BagReader, sensor_topics: Iterable[str]) -> Iterator[str]:
    """Say of sensors that they go by another robot's labels, there being none of their own.

    Robots are namespaces that hold topics of one name.
    """
    found = _label_topics(reader)
    if len(found) != 1 or found == [LABEL_TOPIC] or find_label_file(reader.path) is not None:
        return
    robot = _namespace(found[0])
    names = _names_in(reader, robot)
    for topic in sensor_topics:
        other = '/'.join(topic.split('/')[: robot.count('/') + 1])
        if other != robot and names & _names_in(reader, other):
            yield (
                f'{topic} goes by the labels of another namespace, on {found[0]}: where they are '
                f'not of what it shows, record labels on {other}{LABEL_TOPIC} too, or leave it out'
            )


def _label_topics(reader: BagReader) -> list[str]:
    return [
        topic.name
        for topic in reader.topics.values()
        if topic.count and topic.name.endswith(LABEL_TOPIC)
    ]


def _namespace(label_topic: str) -> str:
    return label_topic.removesuffix(LABEL_TOPIC)


def _nearest(label_topics: Iterable[str], topic: str) -> str | None:
    """Give the label topic in the innermost namespace around another topic."""
    around = [each for each in label_topics if topic.startswith(f'{_namespace(each)}/')]
    return max(around, key=len, default=None)


def _names_in(reader: BagReader, namespace: str) -> set[str]:
    start = f'{namespace}/'
    return {topic.removeprefix(start) for topic in reader.topics if topic.startswith(start)}


def read_segments(
    reader: BagReader, sensor_topics: Collection[str] | None = None
) -> tuple[Segment, ...]:
    """Give the labelled segments of a recording in order of time; empty when it has none.

    A label file wins (see :mod:`xmodal_ros.bags.label_file`), else the messages on the
    :func:`label_topic` of ``sensor_topics`` count: ``vision_msgs/Classification`` by their header
    stamp, or by the time of recording where it is zero, and ``std_msgs/String`` by the time of
    recording. A message starts a segment that lasts until the next; one without results or with an
    empty name ends it. The same label again continues its segment, as from a publisher that
    repeats itself. Where stamps begin anew within the recording, they go on in its one time
    (:mod:`xmodal_ros.windows.epochs`). The last segment ends with the recording.

    Raises :class:`BagError` for malformed rows or messages, with file and line or topic and time.
    """
    if (file := find_label_file(reader.path)) is not None:
        return read_label_file(file, reader.start_ns, reader.end_ns)
    topic = label_topic(reader, sensor_topics)
    if topic is None:
        return ()
    changes = [_read_change(reader, message) for message in reader.messages([topic])]
    placed = changes_in_one_time(
        [each.stamp_ns for each in changes], [each.received_ns for each in changes]
    )
    changes = [
        replace(each, stamp_ns=stamp_ns)
        for each, stamp_ns in zip(changes, placed.tolist(), strict=True)
    ]
    changes.sort(key=lambda change: change.stamp_ns)
    for change in changes:
        if change.label == UNKNOWN:
            raise BagError(
                f'bag {str(reader.path)!r}: the label at {change.stamp_ns} ns on {topic} is '
                f'{UNKNOWN!r}, which stands for no activity: end the segment with an empty label'
            )
    last = changes[-1]
    # Stamps may come from another clock than the time of recording: carry the rest over as a
    # duration.
    end_ns = last.stamp_ns + max(0, reader.end_ns - last.received_ns)
    return join_changes([(change.stamp_ns, change.label) for change in changes], end_ns)


def join_changes(changes: Sequence[tuple[int, str]], end_ns: int) -> tuple[Segment, ...]:
    """Make segments of what begins when, in order of time; '' is nothing.

    The last one ends at ``end_ns``. The same label again continues its segment.
    """
    segments: list[Segment] = []
    ends = [*(start_ns for start_ns, _ in changes), end_ns][1:]
    for (start_ns, label), next_ns in zip(changes, ends, strict=True):
        if not label or next_ns <= start_ns:
            continue
        if segments and segments[-1].end_ns == start_ns and segments[-1].label == label:
            segments[-1] = Segment(segments[-1].start_ns, next_ns, label)
        else:
            segments.append(Segment(start_ns, next_ns, label))
    return tuple(segments)


def write_segments(writer: BagWriter, segments: Sequence[Segment]) -> None:
    """Write segments on ``LABEL_TOPIC`` as ``vision_msgs/Classification``, latched.

    Where no segment follows at once, an empty message ends the one before. So it does, a
    nanosecond early, where one of the same label follows at once, for the label alone would
    continue it. Raises :class:`BagError` for segments that are empty, overlap or have no label.
    """
    ordered = sorted(segments, key=lambda segment: segment.start_ns)
    for segment in ordered:
        if segment.end_ns <= segment.start_ns or not segment.label:
            raise BagError(f'{segment} cannot be written: it needs a label and a duration')
    for index, segment in enumerate(ordered):
        following = ordered[index + 1] if index + 1 < len(ordered) else None
        if following is not None and following.start_ns < segment.end_ns:
            raise BagError(f'{segment} and {following} overlap')
        _write_change(writer, segment.start_ns, segment.label)
        if following is None or following.start_ns > segment.end_ns:
            _write_change(writer, segment.end_ns, '')
        elif following.label == segment.label:
            _write_change(writer, max(segment.start_ns + 1, segment.end_ns - 1), '')


def _write_change(writer: BagWriter, stamp_ns: int, label: str) -> None:
    types: dict[str, Any] = TYPESTORE.types
    seconds, nanoseconds = divmod(stamp_ns, _SECOND_NS)
    hypothesis = types['vision_msgs/msg/ObjectHypothesis'](class_id=label, score=1.0)
    message = types[CLASSIFICATION_TYPE](
        header=types['std_msgs/msg/Header'](
            stamp=types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds),
            frame_id='',
        ),
        results=[hypothesis] if label else [],
    )
    writer.write_message(LABEL_TOPIC, message, stamp_ns, latched=True)


def _read_change(reader: BagReader, message: Message) -> _Change:
    if message.msgtype not in (CLASSIFICATION_TYPE, STRING_TYPE):
        raise BagError(
            f'bag {str(reader.path)!r}: labels on {message.topic} are {message.msgtype}; '
            f'{CLASSIFICATION_TYPE} or {STRING_TYPE} can be read'
        )
    try:
        # Any: rosbags makes the classes of its messages at run time.
        content: Any = TYPESTORE.deserialize_cdr(message.data, message.msgtype)
    except (SerdeError, AssertionError, IndexError) as error:
        raise BagError(
            f'bag {str(reader.path)!r}: the label at {message.received_ns} ns on '
            f'{message.topic} is broken: {error}'
        ) from None
    if message.msgtype == STRING_TYPE:
        return _Change(message.received_ns, message.received_ns, content.data.strip())
    stamp = content.header.stamp
    stamp_ns = stamp.sec * _SECOND_NS + stamp.nanosec
    label = content.results[0].class_id.strip() if content.results else ''
    return _Change(stamp_ns or message.received_ns, message.received_ns, label)
