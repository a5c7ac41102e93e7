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

"""Serialized messages to windows: whatever a message holds, it is used or counted."""

from collections.abc import Sequence

import pytest

from test.messages import EPOCH, imu_bytes, SECOND
from test.tools.doctor.robots import audio_bytes, SPEECH, tone
from xmodal_ros.errors import StreamError
from xmodal_ros.modalities.audio.decoder import STAMPED_TYPE
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.streams.placement import AS_IT_COMES, make_placement
from xmodal_ros.streams.sample import SampleBlock
from xmodal_ros.windows.assembler import Window
from xmodal_ros.windows.windowing import WindowingSpec

IMU = 'sensor_msgs/msg/Imu'
SPEC = WindowingSpec(rate_hz=50)


def test_bad_messages_are_counted_by_reason_and_the_rest_goes_on():
    intake = SensorIntake(ImuStream(), SPEC, IMU)
    good = [imu_bytes(EPOCH + i * SECOND // 100) for i in range(400)]
    nan = imu_bytes(EPOCH + 2 * SECOND, (float('nan'), 0, 0))
    messages = [*good[:200], nan, b'junk', imu_bytes(0), good[199], *good[200:]]
    windows = list(intake.windows(messages))
    assert intake.received == 404
    assert intake.drops == {
        'not_finite': 1,
        'encapsulation': 1,
        'zero_stamp': 1,
        'duplicate': 1,
    }
    assert len(windows) == 3
    assert all(w.coverage == 1 for w in windows)


def test_the_last_complaint_is_in_words_until_a_good_message_comes():
    intake = SensorIntake(ImuStream(), SPEC, IMU)
    intake.push(imu_bytes(EPOCH, has_gyro=False))
    assert '--channels acc' in intake.complaint
    intake.push(imu_bytes(EPOCH))
    assert intake.complaint == ''


@pytest.mark.parametrize(
    ('stream', 'msgtype'),
    [
        (ImuStream(), 'sensor_msgs/msg/Image'),
        (CameraStream(pixels='gray', height=30, width=40), IMU),
        (ImuStream(), 'std_msgs/msg/String'),
    ],
)
def test_a_topic_of_another_type_is_refused_with_the_remedy(stream, msgtype):
    with pytest.raises(StreamError, match='choose another topic or another model'):
        SensorIntake(stream, SPEC, msgtype)


def disturbed() -> list[bytes]:
    good = [imu_bytes(EPOCH + i * SECOND // 100) for i in range(1200)]
    bad = [imu_bytes(EPOCH, (float('nan'), 0, 0)), b'junk', imu_bytes(0), good[199]]
    later = [imu_bytes(EPOCH + (20 * 100 + i) * SECOND // 100) for i in range(400)]
    return [*good[:200], *bad, *good[200:], later[300], *later]


def in_blocks(
    intake: SensorIntake, messages: Sequence[bytes], size: int
) -> tuple[list[tuple[int, Window]], int]:
    """Push messages so many at once, where that can be; gives windows, and how often it could."""
    found, blocks = [], 0
    for at in range(0, len(messages), size):
        part = messages[at : at + size]
        due = intake.push_block(part, range(at, at + len(part)))
        blocks += due is not None
        if due is None:
            due = [(n, intake.push(each, at + n)) for n, each in enumerate(part)]
        found += [(at + number, window) for number, windows in due for window in windows]
    return found, blocks


@pytest.mark.parametrize('look_at', ['none', 'newest', 'all'])
def test_messages_in_blocks_are_treated_as_one_by_one(look_at):
    messages = disturbed()
    single, together = (SensorIntake(ImuStream(), SPEC, IMU, look_at=look_at) for _ in range(2))
    expected = [(n, window) for n, each in enumerate(messages) for window in single.push(each, n)]
    found, blocks = in_blocks(together, messages, 60)
    assert 15 < blocks < len(messages) / 60
    assert [n for n, _ in found] == [n for n, _ in expected]
    for (_, ours), (_, theirs) in zip(found, expected, strict=True):
        assert (ours.end_ns, ours.coverage) == (theirs.end_ns, theirs.coverage)
        assert ours.values.tobytes() == theirs.values.tobytes()
    assert (together.received, together.drops, together.resets, together.complaint) == (
        single.received, single.drops, single.resets, single.complaint,
    )  # fmt: skip
    assert together.contents() == single.contents()
    assert together.rate_hz == single.rate_hz


@pytest.mark.parametrize(
    ('stream', 'placement', 'times'),
    [
        (ImuStream(), AS_IT_COMES, 1),
        (ImuStream(channels='acc'), AS_IT_COMES, 2),
        (ImuStream(), make_placement(angles=(90.0, 0.0, 0.0)), 2),
    ],
)
def test_messages_are_looked_into_as_they_are_and_decoded_once_where_windows_are_of_the_same(
    stream, placement, times, monkeypatch
):
    messages = [imu_bytes(EPOCH + i * SECOND // 100, (i / 100, 2.0, 9.0)) for i in range(900)]
    decoded = 0
    block = ImuDecoder.block

    def counted(self: ImuDecoder, given: Sequence[bytes]) -> SampleBlock | None:
        nonlocal decoded
        decoded += len(given)
        return block(self, given)

    monkeypatch.setattr(ImuDecoder, 'block', counted)
    single = SensorIntake(ImuStream(), SPEC, IMU, look_at='all')
    for each in messages:
        single.push(each)
    intake = SensorIntake(stream, SPEC, IMU, placement, look_at='all')
    assert [*intake.push_all(messages, [0] * len(messages))]
    assert decoded == times * (len(messages) - 1)
    assert intake.contents() == single.contents()


def test_sound_in_blocks_is_treated_as_chunk_by_chunk():
    messages = [
        audio_bytes(EPOCH + n * SECOND // 50, tone(320, 0.1 + n / 1000)) for n in range(400)
    ]
    messages[130] = messages[129]
    messages[200] = b'junk'
    spec = WindowingSpec(rate_hz=16_000)
    single, together = (
        SensorIntake(AudioStream(), spec, STAMPED_TYPE, audio_format=SPEECH, look_at='all')
        for _ in range(2)
    )
    expected = [(n, window) for n, each in enumerate(messages) for window in single.push(each, n)]
    found, blocks = in_blocks(together, messages, 40)
    assert blocks == 9
    assert [(n, w.end_ns, w.values.tobytes()) for n, w in found] == [
        (n, w.end_ns, w.values.tobytes()) for n, w in expected
    ]
    assert found
    assert (together.received, together.drops) == (single.received, single.drops)
    assert together.contents() == single.contents()


def test_a_recording_is_pushed_in_blocks_where_messages_are_small():
    messages = disturbed()
    intake = SensorIntake(ImuStream(), SPEC, IMU)
    expected = list(SensorIntake(ImuStream(), SPEC, IMU).windows(messages))
    found = [w for _, windows in intake.push_all(messages, [0] * 1606) for w in windows]
    assert [w.values.tobytes() for w in found] == [w.values.tobytes() for w in expected]
    one_by_one: list[bytes] = []

    class Noted(SensorIntake):
        def push(self, data: bytes, received_ns: int = 0) -> list[Window]:
            one_by_one.append(data)
            return super().push(data, received_ns)

    begun = Noted(ImuStream(), SPEC, IMU)
    assert [*begun.push_all(messages[:200], range(200))] == []
    assert one_by_one == messages[:1]
    camera = SensorIntake(
        CameraStream(pixels='gray', height=30, width=40), SPEC, 'sensor_msgs/msg/Image'
    )
    assert (intake.block_size > 1, camera.block_size) == (True, 1)
