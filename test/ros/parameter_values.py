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

"""Values of parameters for tests that set them to anything."""

from array import array
from typing import Any, Final

from hypothesis import strategies as st

from xmodal_ros.parameter import Parameter

# Neither crosses the middleware: half a character, and the end of a C string.
_CHARACTERS: Final = st.characters(codec='utf-8', exclude_characters='\0')
# What people and programs might really give, for whatever it is meant.
_LIKELY: Final = (
    *('', ' ', '~', '/', '//', '.', '..', '~/x', '~nobody/model', 300 * 'a', '/' + 5000 * 'b'),
    *('/dev/null', '/dev/full/x', '/proc/self/mem', '/tmp', 'imu', '/imu', 'imu/', '1imu', 'a//b'),
    *('{node}', '/{x}/y', 'a b', 'ä', '\u202e', '\n', "'; drop", '%s%n', '_', '__x', 'x__', '/~'),
    *('auto', 'cpu', 'cpu:0', 'cpu:7', 'CPU', 'cuda', 'cuda:0', 'cuda:-1', 'cuda:99', 'cuda:1e9'),
    *('cuda:99999999999999999999', 'meta', 'mps', 'xla', 'vulkan', 'privateuseone', 'hpu', ':'),
    *('fp32', 'fp16', 'bf16', 'FP32', 'int8', 'select', 'fuse', 'mean', 'majority', 'camera'),
    *('S16LE', 's16le', 'S24BE', 'F32LE', 'U8', 'S16', 'mp3', 'nan', '0', '-1', 'true', 'null'),
)  # fmt: skip

texts: Final = st.one_of(st.sampled_from(_LIKELY), st.text(_CHARACTERS, max_size=40))
wholes: Final = st.one_of(st.integers(-3, 70_000), st.integers(-(2**63), 2**63 - 1))
numbers: Final = st.one_of(st.floats(-2, 400), st.floats())
_octets: Final = st.integers(0, 255).map(lambda value: bytes([value]))

anything: Final[st.SearchStrategy[Any]] = st.one_of(
    texts,
    wholes,
    numbers,
    st.booleans(),
    st.lists(numbers, max_size=6),
    # As they come out of a service's request.
    st.lists(numbers, max_size=6).map(lambda values: array('d', values)),
    st.lists(wholes, max_size=6),
    st.lists(wholes, max_size=6).map(lambda values: array('q', values)),
    st.lists(texts, max_size=4),
    st.lists(st.booleans(), max_size=4),
    st.lists(_octets, max_size=4),
)
"""Values of every type that a parameter may have."""


def held(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Values that a declared parameter may hold: ROS sees to the type and the range."""
    default = parameter.default
    low, high = parameter.bounds or (None, None)
    if parameter.or_number:
        return st.one_of(st.just(default), anything)
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, int):
        return st.integers(*((-(2**63), 2**63 - 1) if low is None else (int(low), int(high or 0))))
    if isinstance(default, float):
        return st.floats(low, high)
    if isinstance(default, str):
        return st.one_of(st.just(default), texts)
    return st.one_of(st.just(default), st.lists(texts, max_size=4))
