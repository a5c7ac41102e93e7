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

"""A recording with the skeletons in its pictures beside all that it holds."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
import re
from typing import Final

from xmodal_ros.activities import LABEL_TOPIC
from xmodal_ros.bags.label_file import find_label_file
from xmodal_ros.bags.labels import read_segments, write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.opening import storage_paths
from xmodal_ros.bags.reading import BagReader, Message, short_name, Topic
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE
from xmodal_ros.modalities.skeleton.modality import Skeleton
from xmodal_ros.pose.messages import Estimate, skeleton_message
from xmodal_ros.progress import ProgressReporter
from xmodal_ros.streams.sample import DecodeError

_TOPIC: Final = re.compile(r'(/[A-Za-z_][A-Za-z0-9_]*)+')


@dataclass(frozen=True)
class AddedSkeletons:
    """How many pictures there were, what came of them, and what was left out.

    ``refused`` counts pictures that could not be used, by reason; ``refusal`` says of one why.
    ``left_out`` says why by topic.
    """

    pictures: int
    skeletons: int
    nobody: int
    refused: Mapping[str, int]
    refusal: str
    left_out: Mapping[str, str]


def find_camera(reader: BagReader, name: str) -> Sensor:
    """Give the camera of this name or topic, or without a name the only one.

    Raises :class:`BagError` where there is none, or several and none is named.
    """
    if name:
        sensor = reader.sensor(name)
        if sensor.modality != Camera.name:
            raise BagError(
                f'sensor {name!r} of bag {str(reader.path)!r} is no camera but '
                f'{sensor.modality}: name one of the camera topics'
            )
        return sensor
    filled = {topic.name for topic in reader.topics.values() if topic.count}
    found = [
        each for each in reader.sensors if each.modality == Camera.name and each.topic in filled
    ]
    if len(found) != 1:
        named = ': name one of ' + ', '.join(each.name for each in found) if found else ''
        raise BagError(f'bag {str(reader.path)!r} has {len(found)} cameras{named}')
    return found[0]


def add_skeletons(
    reader: BagReader,
    out: Path,
    estimate: Estimate,
    camera: Sensor,
    topic: str,
    progress: ProgressReporter,
) -> AddedSkeletons:
    """Write a new bag with all of a recording, and the skeletons in a camera's pictures.

    A skeleton comes when its picture came, on ``topic``, and is declared among the sensors.
    Corrected clocks stay corrected, and labels of a file become messages, cut to the recording.
    Topics are left out whose types are not known here, or are defined otherwise, and of a topic
    messages of another type. Raises :class:`BagError` where ``out`` exists, lies in the recording
    or cannot be written, the recording has such a topic already, or nobody is seen in it, and
    :class:`ConfigurationError` where ``topic`` is no name for one.
    """
    _check_topic(reader, topic)
    _check_place(reader, out)
    of_a_file = find_label_file(reader.path) is not None
    segments = _within(reader, read_segments(reader)) if of_a_file else []
    topics = {
        each.name: each
        for each in reader.topics.values()
        if not (of_a_file and each.name.endswith(LABEL_TOPIC))
    }
    left_out = dict(_what_cannot_be_copied(reader, topics.values()))
    if camera.topic in left_out:
        raise BagError(
            f'the pictures on {camera.topic} of bag {str(reader.path)!r} cannot be copied: '
            f'{left_out[camera.topic]}'
        )
    copied = {name: each for name, each in topics.items() if name not in left_out}
    kept = [each for each in reader.sensors if each.topic not in left_out]
    with BagWriter(
        out,
        sensors=[*kept, Sensor(short_name(topic), Skeleton.name, topic)],
        subject=reader.subject,
        metadata=_metadata(reader),
    ) as writer:
        write_segments(writer, segments)
        pictures = _Pictures(writer, topic, estimate)
        progress.begin('looking at pictures', reader.topics[camera.topic].count)
        others: Counter[str] = Counter()
        for message in reader.messages(copied):
            source = copied[message.topic]
            if message.msgtype != source.msgtype:
                others[source.name] += 1
                continue
            at = message.topic, message.msgtype, message.received_ns
            writer.write(*at, message.data, latched=source.latched)
            if message.topic == camera.topic:
                pictures.look(message)
                progress.advance(pictures.count)
        pictures.check_somebody(reader, camera)
    for name, count in others.items():
        left_out[name] = f'{count} messages of other types than {copied[name].msgtype}'
    return AddedSkeletons(
        pictures.count,
        pictures.skeletons,
        pictures.nobody,
        dict(pictures.refused),
        pictures.refusal,
        dict(sorted(left_out.items())),
    )


class _Pictures:
    """Writes the skeletons in pictures, and counts what comes of them."""

    def __init__(self, writer: BagWriter, topic: str, estimate: Estimate) -> None:
        self._writer = writer
        self._topic = topic
        self._estimate = estimate
        self.count = self.skeletons = self.nobody = 0
        self.refused: Counter[str] = Counter()
        self.refusal = ''

    def look(self, message: Message) -> None:
        self.count += 1
        try:
            skeleton = skeleton_message(self._estimate, message.msgtype, message.data)
        except DecodeError as error:
            self.refused[error.reason] += 1
            self.refusal = str(error)
            return
        if skeleton is None:
            self.nobody += 1
            return
        self.skeletons += 1
        self._writer.write(self._topic, SKELETON_TYPE, message.received_ns, skeleton)

    def check_somebody(self, reader: BagReader, camera: Sensor) -> None:
        """Raise :class:`BagError` where there is no skeleton."""
        if not self.skeletons:
            refused = self.refused.total()
            raise BagError(
                f'nobody is seen in any of {self.count} pictures on {camera.topic} of bag '
                f'{str(reader.path)!r}, which is not written anew'
                + (f'; {refused} cannot be used: {self.refusal}' if refused else '')
            )


def _check_topic(reader: BagReader, topic: str) -> None:
    if not _TOPIC.fullmatch(topic) or topic.endswith(LABEL_TOPIC):
        raise ConfigurationError(
            f'skeletons cannot be written on {topic!r}: give --topic names of letters, digits and '
            f'_ as in /robot/skeleton, and none that ends with {LABEL_TOPIC}'
        )
    name = short_name(topic)
    if topic in reader.topics or reader.claims(name):
        raise BagError(
            f'bag {str(reader.path)!r} has a topic {topic} or a sensor {name!r} already: choose '
            'another topic for the skeletons'
        )


def _check_place(reader: BagReader, out: Path) -> None:
    # A file may be all of the folder it is in.
    homes = [reader.path, *storage_paths(reader.path)]
    if any(out.resolve().is_relative_to(home.resolve()) for home in homes):
        raise BagError(
            f'{str(out)!r} lies in bag {str(reader.path)!r}, which stays as it is: choose another '
            'place'
        )


def _metadata(reader: BagReader) -> dict[str, str]:
    metadata = {
        key: text
        for key, text in reader.metadata.items()
        # An importer would take it for a bag of its own.
        if key not in ('sensors', 'subject', 'importer')
    }
    if reader.session:
        metadata['session'] = reader.session
    return metadata


def _within(reader: BagReader, segments: Sequence[Segment]) -> list[Segment]:
    """Cut segments to a recording, which label files may overrun."""
    cut = [
        replace(
            each,
            start_ns=max(each.start_ns, reader.start_ns),
            end_ns=min(each.end_ns, reader.end_ns),
        )
        for each in segments
    ]
    return [each for each in cut if each.start_ns < each.end_ns]


def _what_cannot_be_copied(
    reader: BagReader, topics: Iterable[Topic]
) -> Iterator[tuple[str, str]]:
    """Give the topics that would not be in the copy what they are, and why."""
    for name, encoding in reader.unread.items():
        yield name, f'it is encoded as {encoding}'
    for topic in topics:
        if topic.msgtype not in TYPESTORE.fielddefs:
            yield topic.name, f'the type {topic.msgtype} is unknown here'
        elif topic.count and not reader.is_as_defined(topic.name):
            yield topic.name, f'{topic.msgtype} is defined otherwise there than in ROS 2 Jazzy'
