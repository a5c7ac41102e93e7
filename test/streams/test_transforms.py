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

"""Transforms are read from serialized bytes, or refused."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from test.transforms import transforms_bytes, turned
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.streams.transforms import read_transforms, Transform

names = st.text(st.characters(codec='utf-8', exclude_characters='/\0'), max_size=12)
number = st.floats(allow_nan=False)


@given(
    transforms=st.lists(
        st.builds(Transform, names, names, st.tuples(number, number, number, number)), max_size=4
    ),
    little=st.booleans(),
)
def test_every_transform_survives_in_both_byte_orders(transforms, little):
    assert read_transforms(transforms_bytes(transforms, little_endian=little)) == transforms


def test_leading_slashes_are_dropped():
    (transform,) = read_transforms(transforms_bytes([turned('/base', '/imu')]))
    assert (transform.parent, transform.child) == ('base', 'imu')


def test_a_message_cut_short_is_refused():
    data = transforms_bytes([turned('base', 'imu'), turned('base', 'camera')])
    for end in range(len(data)):
        with pytest.raises(DecodeError):
            read_transforms(data[:end])


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_transforms_or_a_refusal(data):
    try:
        transforms = read_transforms(data)
    except DecodeError:
        return
    for transform in transforms:
        assert not transform.parent.startswith('/')
        assert not transform.child.startswith('/')
        assert len(transform.quaternion) == 4
