"""Decompress JPEG and PNG pictures, and the depth that ``compressed_depth_image_transport`` sends.

A picture's size is read from its first bytes before anything is decompressed: broken or hostile
bytes that promise more pixels than a camera has must not take the robot's memory.
"""

import struct
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.sample import DecodeError

Frame = NDArray[Any]

_MOST_PIXELS: Final = 1 << 26
_PNG_START: Final = b'\x89PNG\r\n\x1a\n'
_JPEG_START: Final = b'\xff\xd8'
# Start of frame, in all its kinds; C4, C8 and CC among them mean something else.
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})

_REDUCED: Final = {
    1: cv2.IMREAD_ANYCOLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# compressed_depth_image_transport puts a format number and two parameters before the picture.
_DEPTH_HEADER: Final = struct.Struct('<iff')


def picture_size(data: bytes) -> tuple[int, int]:
    """Give height and width of a JPEG or PNG picture from its header.

    Raises :class:`DecodeError` (``corrupt``) for other or broken bytes, and (``size``) for more
    pixels than a camera has.
    """
    if data[:8] == _PNG_START and len(data) >= 24:
        width, height = struct.unpack_from('>II', data, 16)
    elif data[:2] == _JPEG_START:
        height, width = _jpeg_size(data)
    else:
        raise DecodeError(
            'corrupt', 'the compressed image is neither JPEG nor PNG, by its first bytes'
        )
    if not 0 < height * width <= _MOST_PIXELS:
        raise DecodeError('size', f'a compressed image of {width}x{height} pixels cannot be used')
    return height, width


def _jpeg_size(data: bytes) -> tuple[int, int]:
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from('>HH', data, position + 5)
            return height, width
        if marker == 0xFF:
            position += 1
        elif marker in _JPEG_BARE:
            position += 2
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], 'big')
    raise DecodeError('corrupt', 'the JPEG image ends before it says its size')


def decompress(data: bytes, reduction: int) -> Frame:
    """Decompress a picture to (H, W) grey or (H, W, 3) BGR uint8, shrunk by 1, 2, 4 or 8."""
    return _decode(data, _REDUCED[reduction])


def _decode(data: bytes, flag: int) -> Frame:
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise DecodeError('corrupt', f'the compressed image is broken: {error}') from None
    if frame is None:
        raise DecodeError('corrupt', 'the compressed image cannot be decompressed')
    return frame


def decode_depth(encoding: str, data: bytes) -> Frame:
    """Decompress depth to (H, W) float32 metres, 0 where unknown.

    ``encoding`` is the message's format: ``16UC1; compressedDepth png``, ``32FC1;
    compressedDepth`` (inverse depth in 16 bits), or a plain 16-bit PNG in millimetres. Raises
    :class:`DecodeError`.
    """
    kind = encoding.split(';')[0].strip()
    if 'compresseddepth' not in encoding.lower():
        return _sixteen_bits(data).astype(np.float32) * np.float32(0.001)
    if 'rvl' in encoding.lower():
        raise DecodeError(
            'encoding',
            f"{encoding!r} images cannot be read: set the camera driver's compressedDepth format "
            'to png, or use the raw depth topic',
        )
    if len(data) <= _DEPTH_HEADER.size:
        raise DecodeError('corrupt', f'a compressedDepth image of {len(data)} bytes is empty')
    _, quantum, offset = _DEPTH_HEADER.unpack_from(data)
    picture = _sixteen_bits(data[_DEPTH_HEADER.size :])
    if kind == '32FC1':
        known = picture > 0
        inverse = np.where(known, picture, 1).astype(np.float32) - np.float32(offset)
        with np.errstate(all='ignore'):
            depth = np.where(known, np.float32(quantum) / inverse, np.float32(0))
        usable = np.isfinite(depth) & (depth > 0)
        return np.where(usable, depth, np.float32(0)).astype(np.float32)
    return picture.astype(np.float32) * np.float32(0.001)


def _sixteen_bits(data: bytes) -> Frame:
    picture_size(data)
    picture = _decode(data, cv2.IMREAD_UNCHANGED)
    if picture.dtype != np.uint16 or picture.ndim != 2:
        raise DecodeError(
            'encoding',
            f'depth must be one channel of 16 bits, the picture is {picture.dtype} of shape '
            f'{picture.shape}: use the raw depth topic',
        )
    return picture
