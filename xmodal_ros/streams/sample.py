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

"""What every decoder gives, and the error by which it refuses a message."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import StreamError


@dataclass(frozen=True, eq=False)
class Sample:
    """One decoded message.

    ``stamp_ns`` is the source's time stamp, ``values`` an array in SI units whose shape is fixed
    by the stream (an IMU gives (6,) or (3,) float64, a camera (H, W, C) uint8 or float32), or that
    of a chunk of sound (n,), which is of ``rate_hz`` samples a second; 0 for all others.
    """

    stamp_ns: int
    frame_id: str
    values: NDArray[Any]
    rate_hz: int = 0


@dataclass(frozen=True, eq=False)
class SampleBlock(Sequence[Sample]):
    """Samples of one frame, in the order in which they came: stamps (N,) and values (N, ...).

    ``rate_hz`` is that of each, as of a :class:`Sample`, and ``decoder`` what decoded them, where
    that decodes each by itself and one that is equal would give the same.
    """

    stamps_ns: NDArray[np.int64]
    frame_id: str
    values: NDArray[Any]
    rate_hz: int = 0
    decoder: object = None

    def __len__(self) -> int:
        return len(self.stamps_ns)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> 'SampleBlock': ...

    def __getitem__(self, index: int | slice) -> 'Sample | SampleBlock':
        if isinstance(index, slice):
            return replace(self, stamps_ns=self.stamps_ns[index], values=self.values[index])
        stamp_ns = int(self.stamps_ns[index])
        return Sample(stamp_ns, self.frame_id, self.values[index], self.rate_hz)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples())

    def samples(self) -> list[Sample]:
        """Give them one by one."""
        stamps = self.stamps_ns.tolist()
        pairs = zip(stamps, self.values, strict=True)
        rate_hz = self.rate_hz
        return [Sample(stamp_ns, self.frame_id, values, rate_hz) for stamp_ns, values in pairs]


@dataclass(frozen=True, eq=False)
class Undecoded:
    """A message whose values are decoded only where they are asked for.

    It is of a kind that has been decoded before. ``decode`` raises :class:`DecodeError` where its
    values cannot be used all the same.
    """

    stamp_ns: int
    frame_id: str
    decode: Callable[[], Sample]


class DecodeError(StreamError):
    """One message cannot be used; ``reason`` is a short word to count it under."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def check_stamp(stamp_ns: int) -> None:
    """Raise :class:`DecodeError` for a stamp that no window can be placed by."""
    if stamp_ns == 0:
        raise DecodeError(
            'zero_stamp',
            'header.stamp is not set: windows are placed by it, so make the driver stamp its '
            'messages',
        )
    if stamp_ns < 0:
        raise DecodeError(
            'bad_stamp',
            'header.stamp is before 1970, as dates after 2038 are read, too: set the clock of '
            'the driver',
        )


@runtime_checkable
class BlockDecoder(Protocol):
    """A decoder of small messages, which decodes several at once in a fraction of the time."""

    def block(self, messages: Sequence[bytes]) -> SampleBlock | None:
        """Decode messages, at least one, to the same bits as one by one.

        Gives None where one of them is unlike the others or may have to be refused.
        """


class Decoder(Protocol):
    """Turns one sensor's serialized messages into samples."""

    def __call__(self, data: bytes, received_ns: int = 0) -> Sample:
        """Decode a message that came at ``received_ns``; raises :class:`DecodeError`."""
