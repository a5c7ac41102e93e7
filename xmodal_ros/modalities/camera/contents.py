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

"""What the messages of a camera hold."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
import zlib

import numpy as np

from xmodal_ros.modalities.camera.compressed import read_header
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.stream import CameraPixels, COMPRESSED_TYPE
from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.contents import ContentDetails, ContentReader
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError, Sample

_DEPTH_ENCODINGS: Final = ('16UC1', '32FC1')


# Of pictures that are looked at scaled down to so many pixels a side.
_SIDE: Final = 16
_BLACK, _LEVELS_OF_CONTRAST = 12, 16
# So much of what was looked at is a habit, so many pictures no accident.
_MOST, _ENOUGH = 0.5, 5
_FROZEN_NS: Final = 5_000_000_000
_MOST_KINDS: Final = 4
# The stamp, which is another each time, lies before.
_BYTES_BEFORE_FRAME: Final = 12


@dataclass(frozen=True)
class CameraDetails(ContentDetails):
    """The newest picture: size in pixels, bytes of its message, and whether it is depth.

    ``kinds`` are encoding and size of all ``pictures`` that were looked at, of which ``black``
    are dark throughout, ``flat`` of next to one brightness, and ``empty`` depth without any
    distance. For the last ``frozen_s`` seconds all were the same.
    """

    encoding: str
    width: int
    height: int
    message_bytes: int
    is_depth: bool = False
    kinds: tuple[str, ...] = ()
    pictures: int = 0
    black: int = 0
    flat: int = 0
    empty: int = 0
    frozen_s: float = 0.0

    @property
    def kind(self) -> str:
        """Encoding and size of the newest picture."""
        return f'{self.encoding} {self.width}x{self.height}'

    def in_words(self) -> Iterator[str]:
        """Say encoding and size."""
        yield self.kind

    def check(self) -> Iterator[Problem]:
        """Doubt pictures that show nothing, always the same, or several things by turns."""
        for code, count, words in (
            ('no-depth', self.empty, 'hold no distance at all'),
            ('black', self.black, 'are black'),
            ('flat', self.flat, f'use fewer than {_LEVELS_OF_CONTRAST} of 256 levels'),
        ):
            if self._are_most(count):
                yield CHECKS[code].found(f'{count} of {self.pictures} pictures {words}')
        # What shows nothing is the same of course.
        if self.frozen_s and not any(map(self._are_most, (self.empty, self.black, self.flat))):
            yield CHECKS['frozen'].found(
                f'all pictures are the same for {self.frozen_s:.0f} s, to the last bit'
            )
        if len(self.kinds) > 1:
            yield CHECKS['mixed-pictures'].found(f'pictures are of kinds {", ".join(self.kinds)}')

    def _are_most(self, count: int) -> bool:
        return count >= _ENOUGH and count > _MOST * self.pictures


@dataclass(frozen=True, eq=False)
class Thumbnail(Sample):
    """A picture scaled down, with its kind and a checksum of its message's bytes."""

    kind: str = ''
    checksum: int = 0


class PictureReader(ContentReader):
    """Reads pictures; one that cannot be decoded still tells its size."""

    def __init__(self, msgtype: str) -> None:
        super().__init__(self._look, lambda _samples: None)
        self._msgtype = msgtype
        self._newest: CameraDetails | None = None

    def _look(self, data: bytes, received_ns: int = 0) -> Sample:
        try:
            newest = self._newest = read_details(self._msgtype, data)
        except DecodeError:
            # Decoding says better why not.
            decode_picture(self._msgtype, data, received_ns)
            raise
        sample = decode_picture(self._msgtype, data, received_ns)
        # All but the header, whose stamp is another each time.
        checksum = zlib.adler32(memoryview(data)[_BYTES_BEFORE_FRAME:])
        return Thumbnail(sample.stamp_ns, sample.frame_id, sample.values, 0, newest.kind, checksum)

    def details(
        self,
        blocks: Sequence[Sequence[Sample]],
        refused: Mapping[str, int],  # noqa: ARG002 - pictures that are refused tell no more
    ) -> ContentDetails | None:
        """Put the pictures into figures."""
        samples = [s for block in blocks for s in block if isinstance(s, Thumbnail)]
        if self._newest is None or not samples:
            return self._newest
        depth = [s for s in samples if s.values.dtype != np.uint8]
        grey = [s for s in samples if s.values.dtype == np.uint8]
        kinds = Counter(s.kind for s in samples).most_common(_MOST_KINDS)
        black = [s for s in grey if s.values.max() < _BLACK]
        return replace(
            self._newest,
            kinds=tuple(kind for kind, count in kinds if count > 1),
            pictures=len(samples),
            black=len(black),
            flat=sum(np.ptp(s.values) < _LEVELS_OF_CONTRAST for s in grey) - len(black),
            empty=sum(not s.values.any() for s in depth),
            frozen_s=_frozen_s(samples),
        )


def _frozen_s(samples: Sequence[Thumbnail]) -> float:
    """Give for how long the last pictures were all the same, 0 where not for long."""
    same = [samples[-1]]
    for sample in reversed(samples[:-1]):
        if sample.checksum != same[0].checksum:
            break
        same.append(sample)
    lasted_ns = same[0].stamp_ns - same[-1].stamp_ns
    return lasted_ns / 1e9 if len(same) >= _ENOUGH and lasted_ns >= _FROZEN_NS else 0.0


def decode_picture(msgtype: str, data: bytes, received_ns: int = 0) -> Sample:
    """Decode as grey or as depth; raises what stands against the former.

    Where that is only that it is depth, what stands against depth says more.
    """
    kinds: tuple[CameraPixels, ...] = ('gray', 'depth')
    errors: list[DecodeError] = []
    for pixels in kinds:
        try:
            return CameraDecoder(msgtype, pixels, _SIDE, _SIDE)(data, received_ns)
        except DecodeError as error:
            errors.append(error)
    of_grey, of_depth = errors
    is_depth = _is_depth_by_name(msgtype, data)
    raise of_depth if is_depth else of_grey


def read_details(msgtype: str, data: bytes) -> CameraDetails:
    """Read what a message says of its picture, which is not decoded.

    Raises :class:`~xmodal_ros.streams.sample.DecodeError` where it does not say it.
    """
    cursor = CdrCursor(data)
    cursor.header()
    if msgtype != COMPRESSED_TYPE:
        height, width = cursor.uint32(), cursor.uint32()
        encoding = cursor.string()
        return CameraDetails(encoding, width, height, len(data), encoding in _DEPTH_ENCODINGS)
    encoding = cursor.string()
    header = read_header(encoding, bytes(cursor.octets()))
    is_depth = header.holds_depth(encoding) is not False
    return CameraDetails(encoding, header.width, header.height, len(data), is_depth)


def _is_depth_by_name(msgtype: str, data: bytes) -> bool:
    """Tell whether a message says that it holds depth; False where it cannot be read."""
    try:
        cursor = CdrCursor(data)
        cursor.header()
        if msgtype == COMPRESSED_TYPE:
            return 'compresseddepth' in cursor.string().lower()
        for _ in ('height', 'width'):
            cursor.uint32()
        return cursor.string() in _DEPTH_ENCODINGS
    except DecodeError:
        return False
