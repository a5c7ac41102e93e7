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

"""A good machine, and topics as the doctor would have heard them, made of real messages."""

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from test.messages import (
    compressed_bytes,
    EPOCH,
    header,
    image_bytes,
    imu_bytes,
    SECOND,
    serialize,
)
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.modalities.audio.decoder import AudioFormat, PLAIN_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.registry import modality_of_type
from xmodal_ros.tools.doctor.environment import (
    CameraDevice,
    Environment,
    Gpu,
    Profile,
    RosFacts,
    TorchFacts,
)
from xmodal_ros.tools.doctor.facts import Endpoint, TopicFacts
from xmodal_ros.tools.doctor.finding import Finding
from xmodal_ros.tools.doctor.measurement import Measurement, TopicRecorder

DELAY = SECOND // 1000
SPEECH = AudioFormat(16_000, 1, 'S16LE')
MEGABYTE = 1 << 20
FAST = RosFacts('rmw_fastrtps_cpp')
OURS = Profile('/config/fastdds.xml', readable=True, ours=True)
GOOD = Environment(
    python='3.12.3',
    distribution='jazzy',
    ros=FAST,
    shared_memory_free=1000 * MEGABYTE,
    torch=TorchFacts('2.13.0', cuda='12.8', gpus=(Gpu('H200', 4000 * MEGABYTE, 3000 * MEGABYTE),)),
    gpu_file='/dev/nvidia0',
    cameras=(CameraDevice('/dev/video0', 'Camera', permitted=True),),
)


def grid(rate: float, seconds: float = 4.0) -> list[int]:
    return [EPOCH + round(k * SECOND / rate) for k in range(round(rate * seconds))]


def heard(
    msgtype: str,
    messages: Iterable[tuple[bytes, int]],
    *,
    clock_offset_ns: int | None = None,
    audio_format: AudioFormat | None = None,
) -> Measurement:
    """Messages with their times of receipt, as the recorder measures them."""
    recorder = TopicRecorder(msgtype)
    for data, received in messages:
        recorder.note(
            data, received, None if clock_offset_ns is None else received + clock_offset_ns
        )
    return recorder.measure(audio_format)


def topic(
    name: str,
    msgtype: str,
    measurement: Measurement | None,
    publishers: Sequence[Endpoint] | None = None,
    **facts: Any,
) -> TopicFacts:
    publishers = [Endpoint('/driver', msgtype)] if publishers is None else publishers
    return TopicFacts(
        name,
        msgtype,
        modality_of_type(msgtype),
        tuple(publishers),
        measurement=measurement,
        **facts,
    )


def imu(
    stamps: Sequence[int] | None = None,
    *,
    name: str = '/imu',
    delay_ns: int = DELAY,
    clock_offset_ns: int | None = None,
    publishers: Sequence[Endpoint] | None = None,
    facts: dict[str, Any] | None = None,
    **values: Any,
) -> TopicFacts:
    """An IMU at 100 Hz at rest, unless other stamps or values are given."""
    stamps = grid(100) if stamps is None else stamps
    arrivals = grid(100, len(stamps) / 100) if 0 in stamps else stamps
    messages = [
        (imu_bytes(stamp, **values), arrival + delay_ns)
        for stamp, arrival in zip(stamps, arrivals, strict=True)
    ]
    found = heard(IMU_TYPE, messages, clock_offset_ns=clock_offset_ns)
    return topic(name, IMU_TYPE, found, publishers, **(facts or {}))


def camera(
    rate: float = 10,
    encoding: str = 'bgr8',
    *,
    name: str = '/camera/image',
    publishers: Sequence[Endpoint] | None = None,
) -> TopicFacts:
    dtype, channels = {'32FC1': (np.float32, 1), 'bgr8': (np.uint8, 3)}.get(
        encoding, (np.uint8, 1)
    )
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, channels)).astype(dtype)
    messages = [(image_bytes(t, pixels, encoding), t + DELAY) for t in grid(rate)]
    return topic(name, IMAGE_TYPE, heard(IMAGE_TYPE, messages), publishers)


def jpeg(rate: float = 10, *, name: str = '/camera/image/compressed') -> TopicFacts:
    done, data = cv2.imencode(
        '.jpg', np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    )
    assert done
    messages = [(compressed_bytes(t, data.tobytes()), t + DELAY) for t in grid(rate)]
    return topic(name, COMPRESSED_TYPE, heard(COMPRESSED_TYPE, messages))


def audio_bytes(stamp_ns: int, pcm: bytes) -> bytes:
    types = TYPESTORE.types
    data = types['audio_common_msgs/msg/AudioData'](data=np.frombuffer(pcm, np.uint8))
    return serialize(
        types[STAMPED_TYPE](header=header(stamp_ns, 'microphone_link'), audio=data), STAMPED_TYPE
    )


def plain_audio_bytes(pcm: bytes) -> bytes:
    return serialize(TYPESTORE.types[PLAIN_TYPE](data=np.frombuffer(pcm, np.uint8)), PLAIN_TYPE)


def tone(samples: int = 320, peak: float = 0.5) -> bytes:
    return (np.sin(np.arange(samples)) * peak * 32_767).astype('<i2').tobytes()


def audio(
    pcm: bytes | None = None,
    audio_format: AudioFormat | None = SPEECH,
    *,
    rate: float = 50,
    name: str = '/audio',
) -> TopicFacts:
    """Chunks of 20 ms of a tone, unless told otherwise."""
    pcm = tone() if pcm is None else pcm
    messages = [(audio_bytes(t, pcm), t + DELAY) for t in grid(rate)]
    return topic(name, STAMPED_TYPE, heard(STAMPED_TYPE, messages, audio_format=audio_format))


def codes(findings: Iterable[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def levels(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.level, finding.code) for finding in findings]
