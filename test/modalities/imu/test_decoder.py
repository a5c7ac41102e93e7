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

"""IMU messages become samples in SI units, or a refusal that says why."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from test.messages import EPOCH, imu_bytes
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.placement import rotation_from_quaternion
from xmodal_ros.streams.sample import DecodeError

finite = st.floats(-1e6, 1e6)


@given(
    acc=st.tuples(finite, finite, finite),
    gyro=st.tuples(finite, finite, finite),
    frame=st.text(st.characters(codec='utf-8', exclude_characters='/\0'), max_size=20),
    stamp=st.integers(1, 2**31 * 10**9 - 1),
    little=st.booleans(),
)
def test_every_field_survives_in_both_byte_orders(acc, gyro, frame, stamp, little):
    data = imu_bytes(stamp, acc, gyro, frame_id=frame, little_endian=little)
    sample = ImuDecoder()(data)
    assert sample.stamp_ns == stamp == read_stamp_ns(data)
    assert sample.frame_id == frame
    assert sample.values.tolist() == [*acc, *gyro]


def test_a_leading_slash_of_a_frame_is_dropped():
    assert ImuDecoder()(imu_bytes(EPOCH, frame_id='/imu_link')).frame_id == 'imu_link'


def test_without_gyro_six_channels_are_refused_with_the_remedy_and_three_are_given():
    data = imu_bytes(EPOCH, (1, 2, 3), has_gyro=False)
    with pytest.raises(DecodeError, match='--channels acc') as refusal:
        ImuDecoder('acc_gyro')(data)
    assert refusal.value.reason == 'no_gyro'
    assert ImuDecoder('acc')(data).values.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (imu_bytes(EPOCH, has_acc=False), 'no_acceleration'),
        (imu_bytes(EPOCH, (np.nan, 0, 0)), 'not_finite'),
        (imu_bytes(EPOCH, gyro=(0, np.inf, 0)), 'not_finite'),
        (imu_bytes(EPOCH, (1e300, 0, 0)), 'out_of_range'),
        (imu_bytes(EPOCH)[:8] + b'\xff\xff\xff\xff' + imu_bytes(EPOCH)[12:], 'bad_stamp'),
        (imu_bytes(0), 'zero_stamp'),
        (imu_bytes(EPOCH)[:-1], 'truncated'),
        (b'', 'truncated'),
        (b'\0\7\0\0' + imu_bytes(EPOCH)[4:], 'encapsulation'),
    ],
)
def test_what_cannot_be_used_is_refused_under_its_reason(data, reason):
    with pytest.raises(DecodeError) as refusal:
        ImuDecoder()(data)
    assert refusal.value.reason == reason


def test_nan_in_channels_that_are_not_wanted_does_no_harm():
    data = imu_bytes(EPOCH, (1, 2, 3), (np.nan, 0, 0))
    assert ImuDecoder('acc')(data).values.tolist() == [1, 2, 3]


@given(st.binary(max_size=600))
def test_arbitrary_bytes_give_a_sample_or_a_refusal(data):
    try:
        sample = ImuDecoder()(data)
    except DecodeError:
        return
    assert sample.values.shape == (6,)
    assert np.isfinite(sample.values).all()


@given(st.integers(0, 1000), st.binary(min_size=1, max_size=8))
def test_a_damaged_message_gives_a_sample_or_a_refusal(position, damage):
    data = bytearray(imu_bytes(EPOCH))
    position %= len(data)
    data[position : position + len(damage)] = damage
    try:
        sample = ImuDecoder()(bytes(data))
    except DecodeError:
        return
    assert np.isfinite(sample.values).all()


def test_a_mounting_rotation_turns_acceleration_and_angular_rate_alike() -> None:
    half_turn_about_x = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))
    data = imu_bytes(EPOCH, (1, 2, 3), (4, 5, 6))

    assert ImuDecoder('acc_gyro', half_turn_about_x)(data).values.tolist() == [
        1,
        -2,
        -3,
        4,
        -5,
        -6,
    ]
    assert ImuDecoder('acc', half_turn_about_x)(data).values.tolist() == [1, -2, -3]


SOME_ROTATION = rotation_from_quaternion(0.2, -0.4, 0.4, 0.8)


@pytest.mark.parametrize('rotation', [None, SOME_ROTATION])
@pytest.mark.parametrize('channels', ['acc', 'acc_gyro'])
@pytest.mark.parametrize('frame', ['imu', 'an_imu_link', ''])
def test_a_block_is_decoded_to_the_bits_of_one_by_one(channels, rotation, frame):
    rng = np.random.default_rng(0)
    acc, gyro = rng.normal(0, 9, (50, 3)), rng.normal(0, 9, (50, 3))
    messages = [imu_bytes(EPOCH + n, acc[n], gyro[n], frame_id=frame) for n in range(50)]
    decode = ImuDecoder(channels, rotation)
    block = decode.block(messages)
    assert block is not None
    one_by_one = [decode(each) for each in messages]
    for sample, expected in zip(block.samples(), one_by_one, strict=True):
        assert (sample.stamp_ns, sample.frame_id) == (expected.stamp_ns, expected.frame_id)
        assert sample.values.tobytes() == expected.values.tobytes()


@given(
    st.integers(0, 9),
    st.integers(0, 1000),
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from([np.nan, -1.0, 1e7, np.inf, -0.0]).map(lambda x: np.float64(x).tobytes()),
    ),
)
def test_a_block_with_a_damaged_message_is_not_decoded_or_the_same(number, position, damage):
    messages = [imu_bytes(EPOCH + each) for each in range(10)]
    data = bytearray(messages[number])
    position %= len(data)
    data[position : position + len(damage)] = damage
    messages[number] = bytes(data)
    block = ImuDecoder().block(messages)
    if block is not None:
        found = [(s.stamp_ns, s.frame_id, s.values.tobytes()) for s in block.samples()]
        one_by_one = [ImuDecoder()(each) for each in messages]
        assert found == [(s.stamp_ns, s.frame_id, s.values.tobytes()) for s in one_by_one]


@pytest.mark.parametrize(
    'other',
    [
        imu_bytes(EPOCH, (np.nan, 0, 0)),
        *(imu_bytes(EPOCH, gyro=tuple(np.where(np.arange(3) == i, np.nan, 0))) for i in range(3)),
        imu_bytes(EPOCH, (2e6, 0, 0)),
        imu_bytes(EPOCH, has_gyro=False),
        imu_bytes(EPOCH, has_acc=False),
        imu_bytes(EPOCH, frame_id='imu_lin2'),
        imu_bytes(EPOCH, frame_id='imu'),
        imu_bytes(EPOCH, little_endian=False),
        imu_bytes(0),
        imu_bytes(EPOCH)[:-9],
        b'',
    ],
)
@pytest.mark.parametrize('number', [0, 5])
def test_what_is_to_be_refused_or_unlike_the_others_is_decoded_one_by_one(other, number):
    messages = [imu_bytes(EPOCH)] * 9
    messages.insert(number, other)
    assert ImuDecoder().block(messages) is None
    assert ImuDecoder().block([imu_bytes(EPOCH)] * 9) is not None
