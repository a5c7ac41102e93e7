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

"""Small recordings of a microphone that hears a buzz of its own for every activity."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from test.messages import EPOCH, header, imu_bytes, SECOND, serialize
from test.recordings import clips, IMU
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.modalities.audio.decoder import FOXGLOVE_TYPE, INFO_TYPE, PLAIN_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.sensor import Sensor

MICROPHONE = Sensor('microphone', 'audio', '/audio', 'microphone_link')
LABELS = ('sit', 'walk', 'wave')
CHUNK = 320


def audio_bytes(stamp_ns: int, pcm: np.ndarray, *, stamped: bool = True) -> bytes:
    """16-bit samples as a message of either ros-drivers type."""
    types = TYPESTORE.types
    data = types[PLAIN_TYPE](data=np.frombuffer(pcm.astype('<i2').tobytes(), np.uint8))
    if not stamped:
        return serialize(data, PLAIN_TYPE)
    message = types[STAMPED_TYPE](header=header(stamp_ns, 'microphone_link'), audio=data)
    return serialize(message, STAMPED_TYPE)


def info_bytes(
    rate: int = 16_000, channels: int = 1, sample_format: str = 'S16LE', coding: str = 'wave'
) -> bytes:
    message = TYPESTORE.types[INFO_TYPE](
        channels=channels,
        sample_rate=rate,
        sample_format=sample_format,
        bitrate=0,
        coding_format=coding,
    )
    return serialize(message, INFO_TYPE)


def write_sound_bag(
    path: Path,
    subject: str = '1',
    *,
    labels: Sequence[str] = 4 * LABELS,
    stamped: bool = True,
    infos: Sequence[tuple[str, int, bytes]] = (('/audio_info', 0, info_bytes()),),
    rate: int = 16_000,
    imu: bool = False,
    jitter_ns: int = 0,
) -> Path:
    """Write clips of 3 s with 1 s between; ``infos`` are AudioInfo messages: topic, ns, bytes.

    With ``imu`` one lies still beside the microphone.
    """
    segments = clips(labels, seconds=3)
    rng = np.random.default_rng(sum(map(ord, subject)))
    count = (segments[-1].end_ns + SECOND - EPOCH) * rate // SECOND // CHUNK * CHUNK
    times = np.arange(count) / rate
    # A square wave has overtones: filtering out its pitch in training leaves it recognisable.
    wave = np.sign(np.sin(2 * np.pi * _pitch(segments, times) * times))
    sound = rng.normal(0, 0.01, count) + 0.1 * wave
    msgtype = STAMPED_TYPE if stamped else PLAIN_TYPE
    sensors = [MICROPHONE, IMU] if imu else [MICROPHONE]
    with BagWriter(path, sensors=sensors, subject=subject) as writer:
        write_segments(writer, segments)
        for topic, after_ns, data in infos:
            writer.write(topic, INFO_TYPE, EPOCH + after_ns, data, latched=True)
        for first in range(0, count, CHUNK):
            stamp_ns = EPOCH + first * SECOND // rate + int(jitter_ns * rng.uniform(-1, 1))
            pcm = np.round(sound[first : first + CHUNK] * 2**15)
            data = audio_bytes(stamp_ns, pcm, stamped=stamped)
            # A chunk is there when its last sample is; one without a stamp goes by that.
            late_ns = CHUNK * SECOND // rate if stamped else 0
            writer.write(MICROPHONE.topic, msgtype, stamp_ns + late_ns, data)
        for stamp_ns in range(EPOCH, segments[-1].end_ns + SECOND if imu else EPOCH, SECOND // 50):
            acc = (*rng.normal(0, 0.1, 2), 9.81)
            writer.write(IMU.topic, 'sensor_msgs/msg/Imu', stamp_ns, imu_bytes(stamp_ns, acc))
    return path


def write_foxglove_bag(path: Path, seconds: int = 4, rate: int = 22_050) -> Path:
    """A tone as foxglove_msgs/RawAudio, which says its format itself, by another writer."""
    store = get_typestore(Stores.ROS2_JAZZY)
    definition = (
        'builtin_interfaces/Time timestamp\nuint8[] data\nstring format\n'
        'uint32 sample_rate\nuint32 number_of_channels\n'
    )
    store.register(get_types_from_msg(definition, FOXGLOVE_TYPE))
    chunk = rate // 50
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection('/sound', FOXGLOVE_TYPE, typestore=store)
        for first in range(0, seconds * rate, chunk):
            stamp_ns = EPOCH + first * SECOND // rate
            times = (first + np.arange(chunk)) / rate
            pcm = np.round(3000 * np.sin(2 * np.pi * 440 * times)).astype('<i2')
            message = store.types[FOXGLOVE_TYPE](
                timestamp=header(stamp_ns).stamp,
                data=np.frombuffer(pcm.tobytes(), np.uint8),
                format='pcm-s16',
                sample_rate=rate,
                number_of_channels=1,
            )
            writer.write(connection, stamp_ns, bytes(store.serialize_cdr(message, FOXGLOVE_TYPE)))
    return path


def write_heard_subjects(folder: Path, subjects: Sequence[str] = ('1', '2', '3')) -> Path:
    """One bag a subject, with a microphone and an IMU."""
    for subject in subjects:
        write_sound_bag(folder / f'bag_{subject}', subject, imu=True)
    return folder


def _pitch(segments: Sequence[Segment], times: np.ndarray) -> np.ndarray:
    pitch = np.zeros(len(times))
    for segment in segments:
        first, last = ((ns - EPOCH) / SECOND for ns in (segment.start_ns, segment.end_ns))
        inside = (times >= first) & (times < last)
        pitch[inside] = 100.0 * 3 ** LABELS.index(segment.label)
    return pitch
