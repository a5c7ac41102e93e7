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

"""Decode ``sensor_msgs/Image`` and ``CompressedImage`` to small frames for a network.

Colour and grey frames are uint8 intensities, depth frames float32 metres (0 where unknown).
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.camera.compressed import (
    decode_depth,
    decompress,
    eight_bits,
    known_depth,
    PictureHeader,
    read_depth_header,
    read_intensity_header,
)
from xmodal_ros.modalities.camera.stream import (
    CameraPixels,
    CHANNEL_COUNT,
    COMPRESSED_TYPE,
    IMAGE_TYPE,
)
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import check_stamp, DecodeError, Sample, Undecoded

# OpenCV decompresses JPEG at a half, a quarter or an eighth of its size.
_MOST_REDUCED: Final = 8
# No camera sends more; a length field beyond it is a broken message, not a picture.
_LARGEST_SIDE: Final = 1 << 15

# Samples of a pixel of packed 4:2:2.
_PACKED: Final = 2
# OpenCV makes no picture of a smaller mosaic.
_SMALLEST_PART: Final = 4

Frame = NDArray[Any]
# Its kind, and what makes a frame of it.
_Picture = tuple[Hashable, Callable[[], Frame]]


@dataclass(frozen=True)
class _Encoding:
    """Samples of one pixel and OpenCV's conversions; of 16-bit intensities those used count.

    A ``mosaic`` becomes grey by way of its colours: straight from it older versions of OpenCV
    round down, and only some pixels of a row.
    """

    dtype: str
    channels: int
    to_gray: int | None = None
    to_rgb: int | None = None
    mosaic: bool = False


_COLOUR: Final[dict[str, _Encoding]] = {
    'mono8': _Encoding('u1', 1, None, cv2.COLOR_GRAY2RGB),
    '8UC1': _Encoding('u1', 1, None, cv2.COLOR_GRAY2RGB),
    'mono16': _Encoding('u2', 1, None, cv2.COLOR_GRAY2RGB),
    'rgb8': _Encoding('u1', 3, cv2.COLOR_RGB2GRAY, None),
    'rgb16': _Encoding('u2', 3, cv2.COLOR_RGB2GRAY, None),
    '8UC3': _Encoding('u1', 3, cv2.COLOR_BGR2GRAY, cv2.COLOR_BGR2RGB),
    'bgr8': _Encoding('u1', 3, cv2.COLOR_BGR2GRAY, cv2.COLOR_BGR2RGB),
    'bgr16': _Encoding('u2', 3, cv2.COLOR_BGR2GRAY, cv2.COLOR_BGR2RGB),
    'rgba8': _Encoding('u1', 4, cv2.COLOR_RGBA2GRAY, cv2.COLOR_RGBA2RGB),
    'bgra8': _Encoding('u1', 4, cv2.COLOR_BGRA2GRAY, cv2.COLOR_BGRA2RGB),
    # ROS names the two orders of packed 4:2:2 in two ways each.
    'yuv422': _Encoding('u1', 2, cv2.COLOR_YUV2GRAY_UYVY, cv2.COLOR_YUV2RGB_UYVY),
    'uyvy': _Encoding('u1', 2, cv2.COLOR_YUV2GRAY_UYVY, cv2.COLOR_YUV2RGB_UYVY),
    'yuv422_yuy2': _Encoding('u1', 2, cv2.COLOR_YUV2GRAY_YUY2, cv2.COLOR_YUV2RGB_YUY2),
    'yuyv': _Encoding('u1', 2, cv2.COLOR_YUV2GRAY_YUY2, cv2.COLOR_YUV2RGB_YUY2),
    # ROS names a mosaic by its first two pixels, OpenCV by the second row's second and third.
    'bayer_rggb8': _Encoding('u1', 1, None, cv2.COLOR_BayerBG2RGB, mosaic=True),
    'bayer_bggr8': _Encoding('u1', 1, None, cv2.COLOR_BayerRG2RGB, mosaic=True),
    'bayer_gbrg8': _Encoding('u1', 1, None, cv2.COLOR_BayerGR2RGB, mosaic=True),
    'bayer_grbg8': _Encoding('u1', 1, None, cv2.COLOR_BayerGB2RGB, mosaic=True),
    'bayer_rggb16': _Encoding('u2', 1, None, cv2.COLOR_BayerBG2RGB, mosaic=True),
    'bayer_bggr16': _Encoding('u2', 1, None, cv2.COLOR_BayerRG2RGB, mosaic=True),
    'bayer_gbrg16': _Encoding('u2', 1, None, cv2.COLOR_BayerGR2RGB, mosaic=True),
    'bayer_grbg16': _Encoding('u2', 1, None, cv2.COLOR_BayerGB2RGB, mosaic=True),
}
# Depth encodings, with the metres one unit stands for (REP 118).
_DEPTH: Final[dict[str, tuple[_Encoding, float]]] = {
    '16UC1': (_Encoding('u2', 1), 0.001),
    'mono16': (_Encoding('u2', 1), 0.001),
    '32FC1': (_Encoding('f4', 1), 1.0),
}
_USUAL: Final[dict[CameraPixels, str]] = {
    'gray': 'mono8, rgb8, bgr8 or yuv422_yuy2',
    'rgb': 'rgb8, bgr8 or yuv422_yuy2',
    'depth': '16UC1 or 32FC1',
}


@dataclass(frozen=True)
class CameraDecoder:
    """Turn serialized images into samples of (height, width, channels).

    ``gray`` and ``rgb`` give uint8 (1 or 3 channels), ``depth`` float32 metres (1 channel).
    Scaling is by area, depth by the nearest pixel so that no surface is invented between two.
    ``region`` is the part of the picture to look at: left, top, width, height, as shares of it.
    """

    msgtype: str
    pixels: CameraPixels
    height: int
    width: int
    region: tuple[float, float, float, float] | None = None

    def __call__(self, data: bytes, received_ns: int = 0) -> Sample:  # noqa: ARG002
        """Decode one message; raises :class:`DecodeError` when it cannot be used."""
        return self.look(data)[1].decode()

    def look(self, data: bytes) -> tuple[Hashable, Undecoded]:
        """Read all that a message says of its picture; raises :class:`DecodeError` as above.

        Of whole pictures of one kind, which is given first, all can be decoded, or none.
        """
        stamp_ns, frame_id, (kind, frame) = self._read(data)
        return kind, Undecoded(
            stamp_ns, frame_id, lambda: Sample(stamp_ns, frame_id, self._scale(frame()))
        )

    def _read(self, data: bytes) -> tuple[int, str, _Picture]:
        cursor = CdrCursor(data)
        stamp_ns, frame_id = cursor.header()
        check_stamp(stamp_ns)
        read = self._compressed if self.msgtype == COMPRESSED_TYPE else self._image
        return stamp_ns, frame_id, read(cursor)

    def _image(self, cursor: CdrCursor) -> _Picture:
        height, width = cursor.uint32(), cursor.uint32()
        encoding = cursor.string()
        big_endian = bool(cursor.uint8())
        step = cursor.uint32()
        pixels = cursor.octets()
        layout, metres = self._layout(encoding)
        dtype = np.dtype(('>' if big_endian else '<') + layout.dtype)
        row_bytes = width * layout.channels * dtype.itemsize
        if not 0 < height <= _LARGEST_SIDE or not 0 < width <= _LARGEST_SIDE:
            raise DecodeError('size', f'an image of {width}x{height} pixels cannot be used')
        if layout.channels == _PACKED and width % 2:
            raise DecodeError(
                'size',
                f'{width}x{height} pixels of {encoding} share colours two by two, so that the '
                'width has to be even: crop the picture, or let the driver publish mono8 or rgb8',
            )
        if step < row_bytes or len(pixels) < step * (height - 1) + row_bytes:
            raise DecodeError(
                'size',
                f'{len(pixels)} bytes in rows of {step} do not hold {width}x{height} {encoding}: '
                'look at height, width and step of what the driver sends',
            )
        rows = np.ndarray(
            (height, width, layout.channels),
            dtype,
            buffer=pixels,
            strides=(step, layout.channels * dtype.itemsize, dtype.itemsize),
        )
        kind = encoding, big_endian, height, width
        return kind, lambda: self._frame(rows, layout, metres)

    def _frame(self, rows: Frame, layout: _Encoding, metres: float | None) -> Frame:
        if metres is not None:
            return _metres(self._cut(rows), metres)
        if layout.dtype == 'u2':
            rows = eight_bits(rows)
        rows = self._cut(rows)
        return self._convert(np.ascontiguousarray(rows, dtype=np.uint8), layout)

    def _layout(self, encoding: str) -> tuple[_Encoding, float | None]:
        table, other = (_DEPTH, _COLOUR) if self.pixels == 'depth' else (_COLOUR, _DEPTH)
        # Some drivers write names in capitals.
        name = encoding if encoding in table else encoding.lower()
        if name in table:
            return _DEPTH[name] if self.pixels == 'depth' else (_COLOUR[name], None)
        if encoding in other:
            raise DecodeError(
                'encoding',
                f'images are encoded as {encoding!r}, the model wants {self.pixels} '
                f'({", ".join(sorted(table))}): choose another topic or model',
            )
        raise DecodeError(
            'encoding',
            f'images are encoded as {encoding!r}, which cannot be read: let the driver publish '
            f'{_USUAL[self.pixels]}, or use another topic',
        )

    def _convert(self, rows: Frame, layout: _Encoding) -> Frame:
        grey = self.pixels == 'gray'
        code = layout.to_gray if grey and not layout.mosaic else layout.to_rgb
        if code is None:
            return rows
        try:
            converted = cv2.cvtColor(rows, code)
            return (
                cv2.cvtColor(converted, cv2.COLOR_RGB2GRAY)
                if grey and layout.mosaic
                else converted
            )
        except cv2.error:
            height, width = rows.shape[:2]
            raise DecodeError(
                'size', f'{width}x{height} pixels cannot be converted from their encoding'
            ) from None

    def _compressed(self, cursor: CdrCursor) -> _Picture:
        encoding = cursor.string()
        data = bytes(cursor.octets())
        if self.pixels == 'depth':
            depth = read_depth_header(encoding, data)
            return (encoding, depth), lambda: self._cut(decode_depth(encoding, data, depth))
        header = read_intensity_header(encoding, data)
        if header is None:
            raise DecodeError(
                'encoding',
                f'{encoding!r} images are depth, the model wants {self.pixels}: choose another '
                'topic or model',
            )
        return (encoding, header), lambda: self._decompressed(data, header)

    def _decompressed(self, data: bytes, header: PictureHeader) -> Frame:
        frame = self._cut(decompress(data, self._reduction(header), header.bits))
        if frame.ndim == 3:
            code = cv2.COLOR_BGR2GRAY if self.pixels == 'gray' else cv2.COLOR_BGR2RGB
            return cv2.cvtColor(frame, code)
        return frame if self.pixels == 'gray' else cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB)

    def _reduction(self, header: PictureHeader) -> int:
        """Give the power of two by which a picture may shrink while it is decompressed."""
        height, width = header.height, header.width
        if self.region is not None:
            height, width = int(height * self.region[3]), int(width * self.region[2])
        largest = min(height // self.height, width // self.width, _MOST_REDUCED)
        return 1 << max(0, largest.bit_length() - 1)

    def _cut(self, frame: Frame) -> Frame:
        """Give the region's part of a picture, at least a few pixels of it.

        It begins and ends where a mosaic's pattern does, at even rows and columns.
        """
        if self.region is None:
            return frame
        left, top, wide, high = self.region
        height, width = frame.shape[:2]
        rows, columns = _part(top, high, height), _part(left, wide, width)
        return frame[rows, columns]

    def _scale(self, frame: Frame) -> Frame:
        interpolation = cv2.INTER_NEAREST if self.pixels == 'depth' else cv2.INTER_AREA
        scaled = cv2.resize(frame, (self.width, self.height), interpolation=interpolation)
        return scaled.reshape(self.height, self.width, CHANNEL_COUNT[self.pixels])


def decode_in_colour(msgtype: str, data: bytes) -> Sample:
    """Decode a picture as RGB in its own size; raises :class:`DecodeError`.

    That is the size it has once it is turned as its EXIF data say, where it has some.
    """
    # No picture is larger: none is reduced while it is decompressed.
    decoder = CameraDecoder(msgtype, 'rgb', _LARGEST_SIDE, _LARGEST_SIDE)
    stamp_ns, frame_id, (_, frame) = decoder._read(data)  # noqa: SLF001 - its own module
    return Sample(stamp_ns, frame_id, frame())


class NeededPictures:
    """Decodes pictures when they are asked for, as far as it is known that they can be.

    That is where the last one was of the same encoding and size; others are decoded at once.
    """

    def __init__(self, decoder: CameraDecoder) -> None:
        self._decoder = decoder
        self._known: Hashable = None
        self._layout: _RawLayout | None = None

    def __call__(self, data: bytes) -> Sample | Undecoded:
        """Look at a message; raises :class:`DecodeError` when it cannot be used."""
        if self._layout is not None and self._known is not None:
            cursor = CdrCursor(data)
            stamp_ns, frame_id = cursor.header()
            if self._layout.is_of(data, cursor.position):
                check_stamp(stamp_ns)
                return Undecoded(stamp_ns, frame_id, lambda: self._look_and_decode(data))
        kind, undecoded = self._decoder.look(data)
        if kind != self._known:
            return self._decode(kind, undecoded, data)
        return Undecoded(
            undecoded.stamp_ns,
            undecoded.frame_id,
            lambda: self._decode(kind, undecoded, data),
        )

    def _look_and_decode(self, data: bytes) -> Sample:
        return self._decode(*self._decoder.look(data), data)

    def _decode(self, kind: Hashable, undecoded: Undecoded, data: bytes) -> Sample:
        self._known = self._layout = None
        sample = undecoded.decode()
        self._known = kind
        if self._decoder.msgtype == IMAGE_TYPE:
            self._layout = _raw_layout(data)
        return sample


@dataclass(frozen=True, slots=True)
class _RawLayout:
    """What a raw picture's message says of its pixels, in bytes, and where.

    To compare it takes a fraction of the time that reading it does.
    """

    encapsulation: bytes
    begin: int
    said: bytes
    size: int

    def is_of(self, data: bytes, begin: int) -> bool:
        """Tell whether another message, whose header ends at ``begin``, says the same."""
        return (
            (begin, len(data)) == (self.begin, self.size)
            and data.startswith(self.encapsulation)
            and data.startswith(self.said, begin)
        )


def _raw_layout(data: bytes) -> _RawLayout:
    cursor = CdrCursor(data)
    encapsulation = data[: cursor.position]
    cursor.header()
    begin = cursor.position
    for read in (cursor.uint32, cursor.uint32, cursor.string, cursor.uint8, cursor.uint32):
        read()
    # And how many bytes of pixels there are.
    cursor.uint32()
    return _RawLayout(encapsulation, begin, data[begin : cursor.position], len(data))


def _part(first: float, share: float, size: int) -> slice:
    if size < _SMALLEST_PART:
        return slice(0, size)
    length = max(_SMALLEST_PART, round(share * size) // 2 * 2)
    start = min(round(first * size), size - length) // 2 * 2
    return slice(start, start + length)


def _metres(rows: Frame, unit: float) -> Frame:
    return known_depth(rows.astype(np.float32) * np.float32(unit))
