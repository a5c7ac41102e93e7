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

"""Of a camera's pictures those are decoded that windows are made of, and all are looked at."""

from collections.abc import Sequence
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from test.messages import compressed_bytes, EPOCH, image_bytes, SECOND
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.stream import CameraStream, COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.modality import SampleCutter
from xmodal_ros.streams.placement import AS_IT_COMES
from xmodal_ros.windows.assembler import Window, WindowAssembler
from xmodal_ros.windows.windowing import WindowingSpec

STREAM = CameraStream(pixels='gray', height=12, width=16)
SPEC = WindowingSpec(rate_hz=8, margin_ns=SECOND // 8)
# Points are every 3.75 pictures: that of 71 is the earlier one, that of 64 the later one of two.
COUNT, EARLIER, LATER, OF_NONE = 150, 71, 64, 70


def stamp(number: int) -> int:
    return EPOCH + number * SECOND // 30


def jpeg(number: int) -> bytes:
    picture = np.full((24, 32, 3), number, np.uint8)
    return compressed_bytes(stamp(number), cv2.imencode('.jpg', picture)[1].tobytes())


def broken_jpeg(number: int, shape: tuple[int, ...] = (24, 32, 3)) -> bytes:
    """One whose size can be read, and nothing of what it shows."""
    picture = cv2.imencode('.jpg', np.full(shape, 90, np.uint8))[1].tobytes()
    start = picture.index(b'\xff\xc4')
    return compressed_bytes(stamp(number), picture[:start] + bytes(len(picture) - start))


def raw(number: int) -> bytes:
    return image_bytes(stamp(number), np.full((24, 32, 3), number, np.uint8), 'bgr8')


def windows_of_all(messages: Sequence[bytes], msgtype: str) -> list[Window]:
    cutter = SampleCutter(
        lambda _: CameraDecoder(msgtype, STREAM.pixels, STREAM.height, STREAM.width),
        AS_IT_COMES,
        WindowAssembler(SPEC, 'nearest'),
    )
    return [window for data in messages for window in cutter.push(data, 0)]


def bits(windows: Sequence[Window]) -> list[tuple[int, float, bytes]]:
    return [(window.end_ns, window.coverage, window.values.tobytes()) for window in windows]


@pytest.mark.parametrize(('msgtype', 'make'), [(IMAGE_TYPE, raw), (COMPRESSED_TYPE, jpeg)])
def test_windows_are_those_of_all_pictures_and_most_are_not_decoded(monkeypatch, msgtype, make):
    messages = [make(number) for number in range(COUNT)]
    expected = windows_of_all(messages, msgtype)
    scale = Mock(wraps=cv2.resize)
    monkeypatch.setattr(cv2, 'resize', scale)
    intake = SensorIntake(STREAM, SPEC, msgtype)
    assert bits(list(intake.windows(messages))) == bits(expected)
    assert len(expected) == 5
    assert scale.call_count == COUNT * 8 // 30
    assert (intake.received, intake.drops) == (COUNT, {})


def test_what_a_message_says_of_its_picture_is_checked_of_all():
    messages = [raw(number) for number in range(COUNT)]
    picture = np.zeros((24, 32, 3), np.uint8)
    messages[EARLIER] = image_bytes(stamp(EARLIER), picture, 'xyz8')
    messages[OF_NONE] = raw(OF_NONE)[:-9]
    messages[OF_NONE - 1] = image_bytes(0, picture, 'bgr8')
    intake = SensorIntake(STREAM, SPEC, IMAGE_TYPE)
    windows = list(intake.windows(messages))
    assert intake.drops == {'encoding': 1, 'truncated': 1, 'zero_stamp': 1}
    kept = [m for n, m in enumerate(messages) if not OF_NONE - 1 <= n <= EARLIER]
    assert bits(windows) == bits(windows_of_all(kept, IMAGE_TYPE))


def test_what_a_raw_picture_says_is_not_read_again_while_it_is_the_same(monkeypatch):
    messages = [raw(number) for number in range(COUNT)]
    look = Mock(wraps=CameraDecoder.look)
    monkeypatch.setattr(CameraDecoder, 'look', lambda self, data: look(self, data))
    list(SensorIntake(STREAM, SPEC, IMAGE_TYPE).windows(messages))
    assert look.call_count == COUNT * 8 // 30


@pytest.mark.parametrize('little_endian', [True, False])
def test_a_raw_picture_that_says_something_else_in_as_many_bytes_is_read_so(little_endian):
    def message(number: int) -> bytes:
        picture = np.full((24, 32, 3), (number, 0, 200), np.uint8)
        # Both change, and neither by turns with what is needed.
        encoding = ('bgr8', 'rgb8')[number // 7 % 2]
        order = little_endian if number // 11 % 2 else not little_endian
        return image_bytes(stamp(number), picture, encoding, little_endian=order)

    messages = [message(number) for number in range(COUNT)]
    intake = SensorIntake(STREAM, SPEC, IMAGE_TYPE)
    assert bits(list(intake.windows(messages))) == bits(windows_of_all(messages, IMAGE_TYPE))
    assert intake.drops == {}


@pytest.mark.parametrize('number', [0, EARLIER, LATER])
def test_a_broken_picture_that_is_needed_is_counted_and_its_neighbour_taken(number):
    messages = [jpeg(each) for each in range(COUNT)]
    kept = [data for each, data in enumerate(messages) if each != number]
    messages[number] = broken_jpeg(number)
    intake = SensorIntake(STREAM, SPEC, COMPRESSED_TYPE)
    assert bits(list(intake.windows(messages))) == bits(windows_of_all(kept, COMPRESSED_TYPE))
    assert intake.drops == {'corrupt': 1}


def test_a_broken_picture_that_nothing_needs_is_not_found_out():
    messages = [jpeg(each) for each in range(COUNT)]
    whole = windows_of_all(messages, COMPRESSED_TYPE)
    messages[OF_NONE] = broken_jpeg(OF_NONE)
    intake = SensorIntake(STREAM, SPEC, COMPRESSED_TYPE)
    assert bits(list(intake.windows(messages))) == bits(whole)
    assert intake.drops == {}


def test_where_pictures_go_on_being_broken_there_is_a_complaint_and_no_window():
    messages = [jpeg(each) for each in range(COUNT)] + [
        broken_jpeg(each) for each in range(COUNT, 2 * COUNT)
    ]
    intake = SensorIntake(STREAM, SPEC, COMPRESSED_TYPE)
    windows = list(intake.windows(messages))
    assert len(windows) == 5
    assert intake.drops['corrupt'] > COUNT - 4
    assert 'decompressed' in intake.complaint


def test_a_picture_of_another_size_is_decoded_at_once_for_perhaps_it_cannot_be():
    messages = [jpeg(each) for each in range(COUNT)]
    messages[OF_NONE] = broken_jpeg(OF_NONE, (48, 64, 3))
    intake = SensorIntake(STREAM, SPEC, COMPRESSED_TYPE)
    assert len(list(intake.windows(messages))) == 5
    assert intake.drops == {'corrupt': 1}
