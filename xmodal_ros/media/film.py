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

"""A camera's recording: single pictures as JPEG, and sheets of thumbnails."""

from dataclasses import dataclass, replace
import math
from typing import Any, ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.lane import Kind, Lane, Strip
from xmodal_ros.media.picture import compress, compress_quickly, media_type
from xmodal_ros.media.span import Span
from xmodal_ros.modalities.camera.contents import read_details
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.stream import CameraPixels
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.web.numbers import data_url, encoded

_WIDEST, _HIGHEST = 640, 480
_JPEG_QUALITY: Final = 80
_LONGEST_SIDE: Final = 160
_MOST_A_SECOND: Final = 4
# Of one thumbnail, to plan how many there may be; each sheet is then held to its share.
_USUAL_BYTES: Final = 1900
_COLUMNS, _ROWS = 6, 6
_PER_SHEET: Final = _COLUMNS * _ROWS
_NEAR_PERCENTILE, _FAR_PERCENTILE = 2, 98


@dataclass(frozen=True, eq=False)
class Film(Strip):
    """When a camera's pictures were taken, and thumbnails of some.

    ``stamps_ns`` and ``received_ns`` (n,) int64 are of all pictures in order, ``times_s`` (N,) of
    the thumbnails, from the span's start. Thumbnail ``i`` is the ``i % per_sheet``-th of sheet
    ``i // per_sheet``, ``columns`` a row; ``width`` and ``height`` are one's, in pixels.
    """

    kind: ClassVar[Kind] = 'films'
    name: str
    stamps_ns: NDArray[np.int64]
    received_ns: NDArray[np.int64]
    times_s: NDArray[np.float64]
    sheets: tuple[bytes, ...]
    media_type: str
    width: int
    height: int
    columns: int = _COLUMNS
    per_sheet: int = _PER_SHEET

    def document(self, start_ns: int) -> str:
        """Give the times of all pictures, float64 nanoseconds."""
        return encoded((self.stamps_ns - start_ns).astype(np.float64))

    def rows(self, _budget: int) -> tuple['Film', ...]:
        """Give the film where it has thumbnails."""
        return (self,) if self.sheets else ()

    def row(self) -> dict[str, Any]:
        """Give the thumbnails."""
        return {
            'name': self.name,
            'times': encoded(np.round(1e3 * self.times_s).astype(np.uint32)),
            'sheets': [data_url(self.media_type, sheet) for sheet in self.sheets],
            'width': self.width,
            'height': self.height,
            'columns': self.columns,
            'perSheet': self.per_sheet,
        }


@dataclass(frozen=True)
class PictureMaker:
    """Turns the messages of one camera into pictures as large as its decoder says.

    Depth is shown from near to far as ``depth_range_m`` says, what is unknown black.
    """

    decoder: CameraDecoder
    depth_range_m: tuple[float, float] = (0.0, 1.0)
    tinted: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.decoder.width, self.decoder.height

    def __call__(self, data: bytes) -> bytes:
        """Give a message as JPEG; one that cannot be decoded becomes a picture of the reason."""
        try:
            picture = self.pixels(data)
        except DecodeError as error:
            picture = _notice(error.reason, *self.size)
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        return cv2.imencode('.jpg', picture, options)[1].tobytes()

    def pixels(self, data: bytes) -> NDArray[Any]:
        """Give a message as BGR (height, width, 3) uint8; raises :class:`DecodeError`."""
        frame = self.decoder(data).values
        if self.decoder.pixels != 'depth':
            return cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        near, far = self.depth_range_m
        # What is far must not look like what is unknown.
        shares = np.clip((frame - near) / (far - near), 0, 0.9)
        bright = np.where(frame > 0, 255 * (1 - shares), 0).astype(np.uint8)
        if not self.tinted:
            return cv2.cvtColor(bright, cv2.COLOR_GRAY2BGR)
        coloured = cv2.applyColorMap(bright, cv2.COLORMAP_TURBO)
        return coloured * (bright > 0)

    def no_wider_than(self, width: int) -> 'PictureMaker':
        """Give one whose pictures are at most so many pixels wide."""
        own, height = self.size
        if own <= width:
            return self
        smaller = replace(self.decoder, height=max(1, round(height * width / own)), width=width)
        return replace(self, decoder=smaller)

    def thumbnail_maker(self) -> 'PictureMaker':
        """Give one for small pictures; depth is brightness there, as it is seen best."""
        shrunk = min(1.0, _LONGEST_SIDE / max(self.size))
        width, height = (max(8, round(side * shrunk)) for side in self.size)
        small = replace(self.decoder, height=height, width=width)
        return replace(self, decoder=small, tinted=False)


class FilmLane(Lane):
    """Keeps when pictures were taken, and as many thumbnails as the budget allows.

    One that is ``hurried`` does not try how small they can be.
    """

    kind = 'films'
    share = 10
    hurried: bool = False

    def __init__(self, name: str, maker: PictureMaker) -> None:
        super().__init__(name)
        self.maker, self._thumbnails = maker, maker.thumbnail_maker()

    @classmethod
    def probe(cls, _reader: BagReader, sensor: Sensor, message: Message) -> 'FilmLane':
        """Choose size and kind of the pictures by one of them."""
        return cls(sensor.name, make_picture_maker(message.msgtype, message.data))

    def facts(self) -> dict[str, Any]:
        """Give the size of the pictures."""
        return dict(zip(('width', 'height'), self.maker.size, strict=True))

    def begin(self, span: Span, budget: int) -> None:
        """Forget what was taken; without a budget there will be no thumbnails."""
        self._span = span
        count = max(1, min(span.seconds * _MOST_A_SECOND, budget / _USUAL_BYTES))
        self._step_ns = max(1, math.ceil((span.end_ns - span.start_ns) / count))
        self._bytes_each = budget / (count + 1)
        self._next_ns = span.start_ns if budget else span.end_ns + 1
        self._taken: list[tuple[int, int]] = []
        self._times: list[float] = []
        self._tiles: list[NDArray[Any]] = []
        self._sheets: list[bytes] = []

    def take(self, message: Message) -> None:
        """Look at one message; raises :class:`DecodeError` when it holds no usable picture."""
        stamp_ns = read_stamp_ns(message.data)
        if stamp_ns not in self._span:
            return
        self._taken.append((stamp_ns, message.received_ns))
        if stamp_ns < self._next_ns:
            return
        self._tiles.append(self._thumbnails.pixels(message.data))
        self._times.append(self._span.offset_s(stamp_ns))
        # On the grid, so that the frames' own rhythm does not thin them further.
        steps = (stamp_ns - self._span.start_ns) // self._step_ns + 1
        self._next_ns = self._span.start_ns + steps * self._step_ns
        if len(self._tiles) == _PER_SHEET:
            self._close_sheet()

    def finish(self) -> Film:
        """Give the film."""
        if self._tiles:
            self._close_sheet()
        table = np.array(sorted(self._taken), np.int64).reshape(-1, 2)
        return Film(
            self.name,
            table[:, 0],
            table[:, 1],
            np.array(self._times),
            tuple(self._sheets),
            'image/jpeg' if self.hurried else media_type(),
            *self._thumbnails.size,
        )

    def _close_sheet(self) -> None:
        height, width = self._tiles[0].shape[:2]
        columns = min(len(self._tiles), _COLUMNS)
        rows = -(-len(self._tiles) // _COLUMNS)
        sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
        for index, tile in enumerate(self._tiles):
            top, left = index // _COLUMNS * height, index % _COLUMNS * width
            sheet[top : top + height, left : left + width] = tile
        budget = int(self._bytes_each * len(self._tiles))
        self._sheets.append(compress_quickly(sheet) if self.hurried else compress(sheet, budget))
        self._tiles.clear()


def make_picture_maker(msgtype: str, message: bytes) -> PictureMaker:
    """Choose size and kind of a camera's pictures by one of its messages.

    Raises :class:`DecodeError` when that message is no picture that can be shown.
    """
    details = read_details(msgtype, message)
    height, width = details.height, details.width
    pixels: CameraPixels = 'depth' if details.is_depth else 'rgb'
    if not height or not width:
        raise DecodeError('size', f'an image of {width}x{height} pixels cannot be shown')
    scale = min(1.0, _WIDEST / width, _HIGHEST / height)
    decoder = CameraDecoder(
        msgtype, pixels, max(1, round(height * scale)), max(1, round(width * scale))
    )
    frame = decoder(message).values
    known = frame[frame > 0]
    if pixels != 'depth' or not known.size:
        return PictureMaker(decoder)
    near, far = np.percentile(known, (_NEAR_PERCENTILE, _FAR_PERCENTILE)).tolist()
    # A person moves nearer and further than in the first picture.
    room = max(0.3, (far - near) / 2)
    return PictureMaker(decoder, (near - room, far + room))


def _notice(reason: str, width: int, height: int) -> NDArray[Any]:
    picture = np.full((height, width, 3), 60, np.uint8)
    place = (max(2, width // 20), height // 2)
    words = f'no picture: {reason}'
    cv2.putText(
        picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, width / 640, (220, 220, 220), 1,
        cv2.LINE_AA,
    )  # fmt: skip
    return picture
