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

"""Each check of data: a sensor that has just this wrong, and sensors in good order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from test.messages import EPOCH, image_bytes, imu_bytes, SECOND
from test.tools.doctor.robots import audio_bytes, SPEECH
from xmodal_ros.modalities.audio.decoder import AudioFormat, PLAIN_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.contents import ContentGauge, NewestContents
from xmodal_ros.modalities.imu.contents import ACCELERATION_RMS
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import rate_in_words, SensorIntake
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE
from xmodal_ros.modalities.skeleton.messages import pose_array_message
from xmodal_ros.modalities.timing import stamp_facts, StampFacts
from xmodal_ros.ros.classifier import _several
from xmodal_ros.runtime.selector_health import check_clock, Input
from xmodal_ros.windows.windowing import WindowingSpec

NOISE = np.random.default_rng(0)
STEP = SECOND // 100
COUNT = 800
STAMPS = EPOCH + STEP * np.arange(COUNT)
TIMES = np.arange(COUNT) / 100
# Somebody who waves: up to 3 g, and 300 °/s.
ACC = np.array([0, 3, 9.81]) + NOISE.normal(0, 3, (COUNT, 3))
GYRO = NOISE.normal(0, 2, (COUNT, 3))
AT_REST = np.array([0, 0, 9.81]) + NOISE.normal(0, 0.02, (COUNT, 3))
PICTURES: Any = NOISE.integers(0, 255, (10, 48, 64, 1), np.uint8)
# Now and then far beyond the range of a sensor of 2 g.
WAVING = np.outer(30 * np.sin(TIMES * 7.1) ** 5, [1, 0, 0])
BODY = NOISE.normal(0, 0.4, (20, 3))


def problems(
    name: str,
    msgtype: str,
    messages: Sequence[tuple[bytes, int]],
    audio_format: AudioFormat | None = None,
    expected: Mapping[str, float] | None = None,
) -> list[Problem]:
    modality = find_modality(name)
    contents = modality.describe_contents(msgtype, messages, audio_format)
    return list(modality.check_for_model(contents, '/topic', expected or {}))


def imu(
    acc: np.ndarray = ACC, gyro: np.ndarray = GYRO, *, expected: Any = None, **more: Any
) -> list[Problem]:
    messages = [
        (imu_bytes(t, a.tolist(), g.tolist(), **more), t)
        for t, a, g in zip(STAMPS.tolist(), acc, gyro, strict=False)
    ]
    return problems('imu', IMU_TYPE, messages, expected=expected)


def column(values: np.ndarray, axis: int, value: Any) -> np.ndarray:
    changed: np.ndarray = values.copy()
    changed[:, axis] = value
    return changed


def by_turns(values: np.ndarray, part: int) -> Any:
    turns: np.ndarray = np.arange(COUNT) % 2 == part
    return values * turns[:, None]


def frames() -> list[Problem]:
    messages = [
        (imu_bytes(t, a.tolist(), g.tolist(), frame_id=('left', 'right')[n % 2]), t)
        for n, (t, a, g) in enumerate(zip(STAMPS.tolist(), ACC, GYRO, strict=True))
    ]
    return problems('imu', IMU_TYPE, messages)


def refused() -> list[Problem]:
    good = [
        (imu_bytes(t, a.tolist(), g.tolist()), t)
        for t, a, g in zip(STAMPS.tolist(), ACC, GYRO, strict=True)
    ]
    return problems('imu', IMU_TYPE, [*good, (b'junk', EPOCH)])


def camera(pictures: Any, encoding: str = 'mono8') -> list[Problem]:
    """One each second."""
    messages = [
        (image_bytes(EPOCH + n * SECOND, picture, encoding), EPOCH + n * SECOND)
        for n, picture in enumerate(pictures)
    ]
    return problems('camera', IMAGE_TYPE, messages)


def microphone(
    sound: np.ndarray, *, rate: int = 16_000, pause_ns: int = 0, plain: AudioFormat | None = SPEECH
) -> list[Problem]:
    """Chunks of 20 ms, and every 50 of them a pause."""
    messages = []
    for number, chunk in enumerate(np.split(sound, len(sound) // 320)):
        t = EPOCH + number * 320 * SECOND // rate + number // 50 * pause_ns
        messages.append((audio_bytes(t, np.round(chunk * 32_767).astype('<i2').tobytes()), t))
    return problems('audio', STAMPED_TYPE, messages, plain)


def skeleton(bodies: Sequence[np.ndarray]) -> list[Problem]:
    messages = [
        (pose_array_message(EPOCH + n * SECOND // 10, 'map', body), EPOCH + n * SECOND // 10)
        for n, body in enumerate(bodies)
    ]
    return problems('skeleton', SKELETON_TYPE, messages)


def stamps(given: np.ndarray, received: np.ndarray | None = None, **more: Any) -> list[Problem]:
    came = given if received is None else received
    return list(StampFacts(**stamp_facts(given, came, SECOND / 4000, **more)).check())


def slow() -> list[Problem]:
    """Messages at 50 Hz, for windows of 100."""
    window = WindowingSpec(length_ns=2 * SECOND, hop_ns=SECOND, rate_hz=100)
    intake = SensorIntake(ImuStream(), window, IMU_TYPE, look_at='newest')
    for t, a, g in zip(STAMPS[::2].tolist(), ACC, GYRO, strict=False):
        intake.push(imu_bytes(t, a.tolist(), g.tolist()))
    return list(intake.check_rate(window.rate_hz))


@pytest.mark.parametrize(
    ('rate_hz', 'words'), [(8.0, '8 Hz'), (7.52, '7.5 Hz'), (1600.0, '1600 Hz')]
)
def test_rates_are_told_as_people_write_them(rate_hz: float, words: str) -> None:
    assert rate_in_words(rate_hz) == words


def labels_from(ahead_s: float) -> list[Problem]:
    found = check_clock(Input('/activity', ahead_ns=round(ahead_s * SECOND)))
    return [found] if found else []


def two_sensors(apart: Sequence[float]) -> list[Problem]:
    """Every other message of a sensor that feels gravity in another direction."""
    acc = np.repeat(AT_REST[::2], 2, axis=0) + NOISE.normal(0, 0.01, ACC.shape)
    acc[1::2] = np.array(apart) + NOISE.normal(0, 0.01, acc[1::2].shape)
    return imu(acc)


def moving(scale: float = 1.0) -> Iterator[np.ndarray]:
    for _ in range(100):
        yield scale * (BODY + NOISE.normal(0, 0.01, BODY.shape))


TIES = np.arange(400) % 5
TONE = np.sin(np.arange(32_000) / 5)

SCENES: Mapping[str, Sequence[Callable[[], list[Problem]]]] = {
    'backwards': [lambda: stamps(np.r_[STAMPS[:200], STAMPS[150], STAMPS[200:]])],
    'repeated': [lambda: stamps(np.sort(np.r_[STAMPS, STAMPS[:9]]))],
    'jump': [
        lambda: stamps(np.r_[STAMPS[:400], STAMPS[400:] + 3600 * SECOND], STAMPS),
        lambda: stamps(np.r_[STAMPS[:400], STAMPS[400:] + 2 * SECOND], STAMPS, pauses=True),
    ],
    'heaped-stamps': [lambda: stamps(EPOCH + np.arange(400) // 5 * SECOND // 20 + TIES)],
    'loss': [lambda: stamps(STAMPS[NOISE.random(COUNT) < 0.7])],
    'by-turns': [
        lambda: stamps(np.sort(np.r_[STAMPS, STAMPS + 2_000_000])),
        # Two whose clocks drift, and a gap.
        lambda: stamps(
            np.sort(
                np.r_[STAMPS[:300], STAMPS[305:], STAMPS + 2_000_000 + np.arange(COUNT) * 3000]
            )
        ),
    ],
    'several-publishers': [
        lambda: two_sensors((9.81, 0, 0)),
        lambda: two_sensors((0, 0, -9.81)),
        lambda: list(_several(2, '/imu/data')),
    ],
    'turning-at-rest': [lambda: imu(AT_REST, np.array([0.5, -0.3, 0.2]) + 0.01 * GYRO)],
    'low-rate': [slow],
    'label-clock': [lambda: labels_from(3600), lambda: labels_from(1.5), lambda: labels_from(-6)],
    'noise': [lambda: microphone(NOISE.uniform(-0.98, 0.98, 32_000))],
    'gap': [lambda: stamps(np.r_[STAMPS[:200], STAMPS[230:]])],
    'refused': [refused],
    'frames': [frames],
    'frozen': [
        lambda: imu(np.tile(ACC[:1], (COUNT, 1)), np.tile(GYRO[:1], (COUNT, 1))),
        lambda: camera([PICTURES[0]] * 8),
        lambda: skeleton([BODY] * 100),
    ],
    'no-gyro': [lambda: imu(has_gyro=False)],
    'gravity': [
        lambda: imu(ACC / 9.80665),
        lambda: imu(ACC / 9.80665 * 1000),
        lambda: imu(ACC * 1000),
        lambda: imu(ACC * 100),
        lambda: imu(ACC / 9.80665 * 16384),
        lambda: imu(ACC - ACC.mean(axis=0)),
        lambda: imu(AT_REST / 9.80665, 0 * GYRO),
    ],
    'gyro-units': [lambda: imu(gyro=np.rad2deg(GYRO)), lambda: imu(gyro=GYRO * 16384)],
    'units': [lambda: imu(ACC / 9.80665, expected={ACCELERATION_RMS: 10.0})],
    'zero-acceleration': [
        lambda: imu(by_turns(ACC, 0), by_turns(GYRO, 1)),
        lambda: imu(0 * ACC),
        lambda: imu(ACC * (np.arange(COUNT) % 10 > 0)[:, None]),
    ],
    'zero-rate': [lambda: imu(gyro=0 * GYRO)],
    'stuck-axis': [
        lambda: imu(column(ACC, 1, 3.0)),
        lambda: imu(gyro=column(GYRO, 2, 0.0)),
        # It has stopped two seconds and more ago.
        lambda: imu(column(ACC, 0, np.where(np.arange(COUNT) < 550, ACC[:, 0], ACC[550, 0]))),
    ],
    'saturation': [
        lambda: imu((AT_REST + WAVING).clip(-19.6133, 19.6133)),
        lambda: imu(gyro=(2 * GYRO).clip(-4.36, 4.36)),
    ],
    'black': [
        lambda: camera(PICTURES // 64),
        lambda: camera([*PICTURES[:4], *(PICTURES[:6] // 64)]),
    ],
    # A thermal camera in centikelvin: the upper byte of 16 bits hardly changes.
    'flat': [
        lambda: camera(100 + PICTURES // 20),
        lambda: camera((29_315 + PICTURES.astype(np.int32) * 8).astype('<u2'), 'mono16'),
    ],
    'no-depth': [lambda: camera(np.zeros((8, 48, 64, 1), np.uint16), '16UC1')],
    'mixed-pictures': [lambda: camera([*PICTURES, *PICTURES[:, :24]])],
    'no-format': [lambda: microphone(0.3 * TONE, plain=None)],
    'sample-rate': [lambda: microphone(0.3 * TONE, rate=8000)],
    'mute': [lambda: microphone(0 * TONE)],
    'faint': [lambda: microphone(3e-4 * TONE)],
    'clipped': [lambda: microphone((1.2 * TONE).clip(-1, 1))],
    'offset': [lambda: microphone(0.3 * TONE + 0.5)],
    'body-size': [lambda: skeleton([*moving(100)])],
    'no-body': [lambda: skeleton([np.zeros((20, 3))] * 100)],
}

EVERY = [(code, scene) for code, scenes in SCENES.items() for scene in scenes]


@pytest.mark.parametrize(('code', 'scene'), EVERY, ids=[code for code, _ in EVERY])
def test_what_is_wrong_is_found_alone_with_its_level_and_remedy(code, scene):
    found = scene()
    assert [each.code for each in found] == [code], found
    check = CHECKS[code]
    assert (found[0].level, found[0].remedy) == (check.level, check.remedy)
    assert found[0].problem


def test_every_check_of_the_table_is_shown_here():
    assert set(SCENES) == set(CHECKS)


@pytest.mark.parametrize(
    'scene',
    [
        imu,
        lambda: imu(AT_REST),
        # What turns about gravity, and an offset of 5 °/s.
        lambda: imu(AT_REST, np.array([0, 0, 1]) + 0.01 * GYRO),
        lambda: imu(AT_REST, np.array([0.09, 0, 0]) + 0.01 * GYRO),
        # A gyro with a dead band, and one axis of rotation.
        lambda: imu(AT_REST, 0 * GYRO),
        lambda: imu(AT_REST, GYRO * [0, 0, 1]),
        lambda: imu(ACC, GYRO * (np.abs(GYRO) > 1)),
        # Coarse, and at rest for a while.
        lambda: imu(np.round(AT_REST, 1), np.round(0.01 * GYRO, 2)),
        # A swing that reaches 3 g again and again.
        lambda: imu(column(AT_REST, 0, 30 * np.sin(TIMES * 7.1) ** 5)),
        # A model that learnt from a driver that takes gravity out.
        lambda: imu(ACC - ACC.mean(axis=0), expected={ACCELERATION_RMS: 5.0}),
        lambda: camera(PICTURES),
        lambda: camera([*PICTURES[:6], *(PICTURES[:4] // 64)]),
        lambda: camera(PICTURES.astype(np.float32), '32FC1'),
        lambda: camera(PICTURES.astype('<u2') << 4, 'mono16'),
        lambda: microphone(0.3 * TONE),
        lambda: microphone(TONE),
        lambda: microphone(0.3 * TONE, pause_ns=SECOND // 2),
        lambda: skeleton([*moving()]),
        lambda: stamps(STAMPS),
        # Pictures of a clock in milliseconds, a jitter of a third, a third of the messages lost.
        lambda: stamps(EPOCH + np.round(np.arange(200) * 100 / 3).astype(np.int64) * 1_000_000),
        lambda: stamps(STAMPS + NOISE.integers(0, STEP // 3, COUNT)),
        # What shakes at nearly half the rate of its messages, and a tone of a quarter of its own.
        lambda: imu(column(AT_REST, 0, 8 * np.sin(TIMES * 2 * np.pi * 48.3))),
        lambda: microphone(0.9 * np.sin(np.arange(32_000) * np.pi / 2 + 0.7)),
        lambda: microphone(NOISE.normal(0, 0.1, 32_000).clip(-0.99, 0.99)),
        lambda: labels_from(-4),
        lambda: labels_from(0.5),
        lambda: stamps(np.r_[STAMPS[:400], STAMPS[400:] + 5 * SECOND], pauses=True),
        # A network that stalls, and gives all at once afterwards.
        lambda: stamps(STAMPS, np.maximum(STAMPS, STAMPS[300])),
    ],
)
def test_sensors_in_good_order_raise_no_alarm(scene):
    assert scene() == []


def imu_message(number: int) -> bytes:
    acc, gyro = ACC[number % COUNT], GYRO[number % COUNT]
    zero = np.zeros(3)
    odd = number % 2 == 1
    return imu_bytes(EPOCH + number * STEP, (zero if odd else acc).tolist(), (gyro * odd).tolist())


def test_of_a_long_recording_a_few_blocks_are_looked_into_from_beginning_to_end():
    modality = find_modality('imu')
    reader = modality.make_content_reader(IMU_TYPE)
    read: list[int] = []

    class Counted(type(reader)):  # type: ignore[misc]
        def read(self, data: bytes, received_ns: int) -> Any:
            read.append(received_ns)
            return super().read(data, received_ns)

    gauge = ContentGauge(Counted(), modality.sampling)
    many = 200_000
    message = [imu_message(n) for n in range(2 * COUNT)]
    for number in range(many):
        gauge.note(message[number % len(message)], number)
    contents = gauge.contents()
    assert contents.looked_at == len(read) < many / 4
    assert read[-1] > 0.9 * many
    assert max(np.diff(read)) < many / 20
    # Neighbours are looked into: every other message would be half of the truth.
    assert [each.code for each in contents.check()] == ['zero-acceleration']


def test_of_a_live_stream_the_newest_messages_count_and_what_is_over_is_forgotten():
    modality = find_modality('imu')
    live = NewestContents(modality.make_content_reader(IMU_TYPE), modality.newest)
    for number in range(300):
        live.note(imu_message(number), number)
    assert [each.code for each in live.contents().check()] == ['zero-acceleration']
    for number in range(6):
        for n, (t, a, g) in enumerate(zip(STAMPS[:300].tolist(), ACC, GYRO, strict=False)):
            live.note(imu_bytes(t + number * 300 * STEP, a.tolist(), g.tolist()), n)
        live.contents()
    assert list(live.contents().check()) == []
    assert live.contents().looked_at == modality.newest.kept


def test_plain_audio_without_a_frame_has_one_frame():
    contents = find_modality('audio').describe_contents(
        PLAIN_TYPE,
        [(b'\0\1\0\0' + bytes([4, 0, 0, 0]) + bytes(4), EPOCH + n) for n in range(9)],
        SPEECH,
    )
    assert len(contents.frames) == 1
