"""A camera's recording as sheets of thumbnails."""

from dataclasses import dataclass
import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.reading import Message
from xmodal_ros.media.picture import compress, media_type
from xmodal_ros.media.span import Span
from xmodal_ros.streams.camera import CameraDecoder, COMPRESSED_TYPE
from xmodal_ros.streams.cdr import CdrCursor, read_stamp_ns
from xmodal_ros.streams.compressed import picture_size
from xmodal_ros.streams.sample import DecodeError

_LONGEST_SIDE: Final = 160
_MOST_A_SECOND: Final = 4
# Of one thumbnail, to plan how many there may be; each sheet is then held to its share.
_USUAL_BYTES: Final = 1900
_COLUMNS, _ROWS = 6, 6
_PER_SHEET: Final = _COLUMNS * _ROWS
# Depth pictures have no brightness of their own: what is near is bright.
_NEAR_PERCENTILE, _FAR_PERCENTILE = 1, 99


@dataclass(frozen=True, eq=False)
class Film:
    """Thumbnails in order of time, side by side on sheets of ``columns`` a row.

    ``times_s`` (N,) are from the span's start; thumbnail ``i`` is the ``i % per_sheet``-th of
    sheet ``i // per_sheet``. ``width`` and ``height`` are one thumbnail's, in pixels.
    """

    name: str
    times_s: NDArray[np.float64]
    sheets: tuple[bytes, ...]
    media_type: str
    width: int
    height: int
    columns: int = _COLUMNS
    per_sheet: int = _PER_SHEET


class FilmMaker:
    """Takes a camera's messages and keeps as many pictures as the budget allows."""

    def __init__(self, name: str, msgtype: str, span: Span, budget: int) -> None:
        self._name, self._msgtype, self._span = name, msgtype, span
        count = max(1, min(span.seconds * _MOST_A_SECOND, budget / _USUAL_BYTES))
        self._step_ns = max(1, math.ceil((span.end_ns - span.start_ns) / count))
        self._bytes_each = budget / (count + 1)
        self._next_ns = span.start_ns
        self._decoder: CameraDecoder | None = None
        self._depth_range: tuple[float, float] | None = None
        self._times: list[float] = []
        self._tiles: list[NDArray[Any]] = []
        self._sheets: list[bytes] = []

    def take(self, message: Message) -> None:
        """Look at one message; raises :class:`DecodeError` when it holds no usable picture."""
        stamp_ns = read_stamp_ns(message.data)
        if stamp_ns not in self._span or stamp_ns < self._next_ns:
            return
        if self._decoder is None:
            self._decoder = self._choose_decoder(message.data)
        tile = self._picture(self._decoder(message.data).values)
        self._times.append(self._span.offset_s(stamp_ns))
        self._tiles.append(tile)
        # On the grid, so that the frames' own rhythm does not thin them further.
        steps = (stamp_ns - self._span.start_ns) // self._step_ns + 1
        self._next_ns = self._span.start_ns + steps * self._step_ns
        if len(self._tiles) == _PER_SHEET:
            self._close_sheet()

    def finish(self) -> Film | None:
        """Give the film, None where no picture could be used."""
        if self._tiles:
            self._close_sheet()
        if self._decoder is None or not self._times:
            return None
        return Film(
            self._name,
            np.array(self._times),
            tuple(self._sheets),
            media_type(),
            self._decoder.width,
            self._decoder.height,
        )

    def _choose_decoder(self, data: bytes) -> CameraDecoder:
        height, width = _size(data, self._msgtype)
        shrunk = min(1.0, _LONGEST_SIDE / max(height, width))
        small = (max(8, round(height * shrunk)), max(8, round(width * shrunk)))
        try:
            decoder = CameraDecoder(self._msgtype, 'rgb', *small)
            decoder(data)
        except DecodeError as error:
            if error.reason != 'encoding':
                raise
            decoder = CameraDecoder(self._msgtype, 'depth', *small)
            decoder(data)
        return decoder

    def _picture(self, values: NDArray[Any]) -> NDArray[Any]:
        if values.dtype == np.uint8:
            return cv2.cvtColor(values, cv2.COLOR_RGB2BGR)
        known = values > 0
        if self._depth_range is None and known.any():
            near, far = np.percentile(values[known], [_NEAR_PERCENTILE, _FAR_PERCENTILE])
            # A person moves nearer and further than in the first picture.
            room = max(0.3, float(far - near) / 2)
            self._depth_range = float(near) - room, float(far) + room
        near, far = self._depth_range or (0.0, 1.0)
        bright = 255 * (1 - np.clip((values - near) / (far - near), 0, 0.9))
        return np.repeat(np.where(known, bright, 0).astype(np.uint8), 3, axis=2)

    def _close_sheet(self) -> None:
        height, width = self._tiles[0].shape[:2]
        columns = min(len(self._tiles), _COLUMNS)
        rows = -(-len(self._tiles) // _COLUMNS)
        sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
        for index, tile in enumerate(self._tiles):
            top, left = index // _COLUMNS * height, index % _COLUMNS * width
            sheet[top : top + height, left : left + width] = tile
        self._sheets.append(compress(sheet, int(self._bytes_each * len(self._tiles))))
        self._tiles.clear()


def _size(data: bytes, msgtype: str) -> tuple[int, int]:
    """Give height and width of a picture without decoding it."""
    cursor = CdrCursor(data)
    cursor.header()
    if msgtype != COMPRESSED_TYPE:
        height, width = cursor.uint32(), cursor.uint32()
    else:
        encoding = cursor.string()
        picture = bytes(cursor.octets())
        # compressed_depth_image_transport puts twelve bytes before the picture.
        height, width = picture_size(
            picture[12:] if 'compresseddepth' in encoding.lower() else picture
        )
    if not height or not width:
        raise DecodeError('size', f'an image of {width}x{height} pixels cannot be used')
    return height, width
