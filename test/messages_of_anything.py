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

"""Messages that nobody meant to send: valid ones with bytes changed, and meaningless bytes."""

from collections.abc import Sequence
import struct

from hypothesis import strategies as st

# Lengths and counts as they are when a field is not what it seems.
_NUMBERS = (0, 1, 4, 255, 65_536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@st.composite
def mutated(draw: st.DrawFn, valid: Sequence[bytes]) -> bytes:
    """One of the valid messages, cut, lengthened, or with bytes or whole numbers overwritten."""
    data = bytearray(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(1, 3))):
        # The head holds what the rest is read by.
        end = draw(st.sampled_from([16, 64, max(1, len(data))]))
        at = draw(st.integers(0, max(0, min(end, len(data)) - 1)))
        kind = draw(st.sampled_from(['flip', 'number', 'bytes', 'cut', 'longer', 'text']))
        if kind == 'flip' and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == 'number':
            data[at // 4 * 4 : at // 4 * 4 + 4] = struct.pack('<I', draw(_numbers))
        elif kind == 'bytes':
            some = draw(st.binary(max_size=12))
            data[at : at + len(some)] = some
        elif kind == 'cut':
            del data[at:]
        elif kind == 'longer':
            data += draw(st.binary(max_size=12))
        else:
            data[at:at] = draw(st.text(max_size=4)).encode()
    return bytes(data)


_numbers = st.one_of(st.sampled_from(_NUMBERS), st.integers(0, 0xFFFFFFFF))


@st.composite
def headed(draw: st.DrawFn, valid: Sequence[bytes]) -> bytes:
    """The beginning of a valid message, and anything behind it."""
    head = draw(st.sampled_from(valid))[: draw(st.sampled_from([4, 12, 16, 24, 28]))]
    return head + draw(st.binary(max_size=200))


def anything_like(valid: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """What may come on a topic of such messages: some good, most not.

    In whole words of four bytes, as the middleware delivers them.
    """
    return st.one_of(
        st.sampled_from(valid),
        mutated(valid),
        mutated(valid),
        headed(valid),
        st.binary(max_size=200),
    ).map(lambda data: data.ljust(max(4, -(-len(data) // 4) * 4), b'\0'))
