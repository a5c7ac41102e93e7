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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

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


class Decoder(Protocol):
    """Turns one sensor's serialized messages into samples."""

    def __call__(self, data: bytes, received_ns: int = 0) -> Sample:
        """Decode a message that came at ``received_ns``; raises :class:`DecodeError`."""
