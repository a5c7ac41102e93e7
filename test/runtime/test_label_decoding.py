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

"""Labels from bytes."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st
import pytest

from test.messages import EPOCH, header, serialize
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.runtime.label import Label, refusal, Scores
from xmodal_ros.runtime.label_decoding import CLASSIFICATION_TYPE, decode_label
from xmodal_ros.streams.sample import DecodeError

SCORES: Scores = (('walk', 0.5), ('stand up', 0.25), ('', 0.125), ('größer', float('inf')))


def label_bytes(scores: Scores, *, little_endian: bool = True) -> bytes:
    hypothesis = TYPESTORE.types['vision_msgs/msg/ObjectHypothesis']
    message = TYPESTORE.types[CLASSIFICATION_TYPE](
        header=header(EPOCH + 7), results=[hypothesis(class_id=n, score=s) for n, s in scores]
    )
    return serialize(message, CLASSIFICATION_TYPE, little_endian=little_endian)


@pytest.mark.parametrize('little_endian', [True, False])
@pytest.mark.parametrize('count', range(5))
def test_what_was_said_is_read(count: int, little_endian: bool) -> None:
    data = label_bytes(SCORES[:count], little_endian=little_endian)
    assert decode_label(data) == Label(EPOCH + 7, 'imu_link', SCORES[:count])


def test_what_is_cut_off_is_refused() -> None:
    data = label_bytes(SCORES)
    for length in range(len(data)):
        with pytest.raises(DecodeError, match=r'header|past the end'):
            decode_label(data[:length])


def test_more_results_than_anybody_tells_apart_are_refused() -> None:
    many = tuple((str(k), 0.0) for k in range(5000))
    with pytest.raises(DecodeError) as error:
        decode_label(label_bytes(many))
    assert error.value.reason == 'too_many_results'


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda b: b'\x00\x01\x00\x00' + b))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DecodeError):
        label = decode_label(data)
        assert refusal(label) or (label.stamp_ns > 0 and label.decision)
