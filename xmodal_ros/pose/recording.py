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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xmodal_ros.activities import LABEL_TOPIC
from xmodal_ros.bags.label_file import find_label_file
from xmodal_ros.bags.labels import read_segments, write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader, short_name
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE
from xmodal_ros.modalities.skeleton.modality import Skeleton
from xmodal_ros.pose.messages import Estimate, skeleton_message
from xmodal_ros.progress import ProgressReporter
from xmodal_ros.streams.sample import DecodeError


@dataclass(frozen=True)
class AddedSkeletons:
    """How many pictures there were, what came of them, and the topics that were left out.

    ``refused`` counts pictures that could not be used, by reason; ``refusal`` says of one why.
    """

    pictures: int
    skeletons: int
    nobody: int
    refused: Mapping[str, int]
    refusal: str
    left_out: tuple[str, ...]


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
    found = [each for each in reader.sensors if each.modality == Camera.name]
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
    Corrected clocks stay corrected, and labels of a file become messages. Topics of types that
    are not known here are left out. Raises :class:`BagError` where ``out`` exists or cannot be
    written, the recording has such a topic already, or nobody is seen in it.
    """
    name = short_name(topic)
    if topic in reader.topics or reader.claims(name):
        raise BagError(
            f'bag {str(reader.path)!r} has a topic {topic} or a sensor {name!r} already: choose '
            'another topic for the skeletons'
        )
    of_a_file = find_label_file(reader.path) is not None
    segments = read_segments(reader) if of_a_file else ()
    known = [each for each in reader.topics.values() if each.msgtype in TYPESTORE.fielddefs]
    copied = {
        each.name: each.latched
        for each in known
        if not (of_a_file and each.name.endswith(LABEL_TOPIC))
    }
    metadata = {
        key: text
        for key, text in reader.metadata.items()
        # An importer would take it for a bag of its own.
        if key not in ('sensors', 'subject', 'importer')
    }
    if reader.session:
        metadata['session'] = reader.session
    sensors = [*reader.sensors, Sensor(name, Skeleton.name, topic)]
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    refusal = ''
    progress.begin('looking at pictures', reader.topics[camera.topic].count)
    with BagWriter(out, sensors=sensors, subject=reader.subject, metadata=metadata) as writer:
        write_segments(writer, segments)
        for message in reader.messages(copied):
            at = message.topic, message.msgtype, message.received_ns
            writer.write(*at, message.data, latched=copied[message.topic])
            if message.topic != camera.topic:
                continue
            done['pictures'] += 1
            try:
                skeleton = skeleton_message(estimate, message.msgtype, message.data)
            except DecodeError as error:
                refused[error.reason] += 1
                refusal = str(error)
            else:
                done['nobody' if skeleton is None else 'skeletons'] += 1
                if skeleton is not None:
                    writer.write(topic, SKELETON_TYPE, message.received_ns, skeleton)
            progress.advance(done['pictures'])
        if not done['skeletons']:
            raise BagError(
                f'nobody is seen in any of {done["pictures"]} pictures on {camera.topic} of bag '
                f'{str(reader.path)!r}, which is not written anew'
                + (f'; {sum(refused.values())} cannot be used: {refusal}' if refused else '')
            )
    left_out = tuple(sorted({each.name for each in reader.topics.values()} - {*copied}))
    return AddedSkeletons(
        done['pictures'], done['skeletons'], done['nobody'], dict(refused), refusal, left_out
    )
