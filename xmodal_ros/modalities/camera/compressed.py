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

"""Decompress JPEG and PNG pictures, and the depth that ``compressed_depth_image_transport`` sends.

What a picture is, is read from its own first bytes: the format that a message states is often
empty, short or wrong. So is its size, before anything is decompressed, and held against the bytes
there are: broken or hostile ones that promise more must take neither the robot's memory nor its
time.
"""

from dataclasses import dataclass
import math
import struct
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.sample import DecodeError

Frame = NDArray[Any]

# As many as 8K video has.
_MOST_PIXELS: Final = 1 << 25
_PNG_START: Final = b'\x89PNG\r\n\x1a\n'
_JPEG_START: Final = b'\xff\xd8'
# Baseline, extended and progressive; others (lossless, arithmetic) no camera sends. The start of a
# frame is any of C0 to CF; C4, C8 and CC among them mean something else.
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_SCAN: Final = b'\xff\xda'
# A byte of baseline JPEG tells of no more than four blocks of 8 x 8 pixels, by two bits each; one
# of progressive JPEG of no more than eight, in the first of its scans.
_MOST_PIXELS_A_BYTE: Final = {_BASELINE: 256, _EXTENDED: 256, _PROGRESSIVE: 512}
# A scan goes over the whole picture once more; encoders make ten.
_MOST_SCANS, _MOST_SCANNED = 100, 1 << 28
# Sensors of fewer bits send 8; a darker picture is of such a one in the dark.
_LEAST_BITS: Final = 10

_REDUCED: Final = {
    1: cv2.IMREAD_ANYCOLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# compressed_depth_image_transport puts a format number and two parameters before the picture.
_DEPTH_HEADER: Final = struct.Struct('<iff')
_RVL_SIZE: Final = struct.Struct('<ii')
# Of float16, in which windows are kept for training; drivers put more where nothing returned.
_MOST_METRES: Final = 65_504
_DEPTH_KINDS: Final = ('16UC1', '32FC1')
# Deflate makes no more than 1032 bytes of one.
_MOST_INFLATED: Final = 1032
_PNG_CHUNK: Final = struct.Struct('>I4s')
_PNG_ANIMATED: Final = (b'acTL', b'fcTL', b'fdAT')
_MOST_CHUNKS: Final = 20_000
_CHANNELS_OF_PNG: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

# What else is sent as CompressedImage, by its first bytes, and from which of them on.
_OTHER_FORMATS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b'II*\0', 'a TIFF picture'),
    (0, b'MM\0*', 'a TIFF picture'),
    (8, b'WEBP', 'a WebP picture'),
    (0, b'BM', 'a BMP picture'),
    (0, b'GIF8', 'a GIF picture'),
    (4, b'jP  ', 'a JPEG 2000 picture'),
    (0, b'\xff\x0a', 'a JPEG XL picture'),
    (4, b'JXL ', 'a JPEG XL picture'),
    (4, b'ftyp', 'an AVIF or HEIF picture, or a piece of an MP4'),
    (0, b'\0\0\0\1', 'a piece of a video stream (H.264 or H.265)'),
    (0, b'\0\0\1', 'a piece of a video stream (H.264 or H.265)'),
)
_STREAMED: Final = (
    'h264',
    'h.264',
    'hevc',
    'h265',
    'h.265',
    'av1',
    'vp8',
    'vp9',
    'mpeg',
    'theora',
)


@dataclass(frozen=True)
class PictureHeader:
    """What the first bytes of a compressed picture say.

    It begins ``at`` bytes into the message, behind the header of compressedDepth where it has one.
    """

    name: str
    height: int
    width: int
    channels: int
    bits: int
    at: int = 0

    def holds_depth(self, encoding: str) -> bool | None:
        """Say whether it is distances; None where it may be these as well as grey.

        ``encoding`` is the format that the message states.
        """
        if self.channels != 1 or self.bits != 16:
            return False
        kind = encoding.split(';')[0].strip()
        if kind.lower().startswith('bayer'):
            return False
        if self.at or kind in _DEPTH_KINDS or 'compresseddepth' in encoding.lower():
            return True
        return None if kind.lower().startswith('mono16') else True


def read_header(encoding: str, data: bytes) -> PictureHeader:
    """Read what a compressed picture is from its bytes, whatever ``encoding`` says.

    Raises :class:`DecodeError`: ``encoding`` for what is known but not read, ``corrupt`` for
    other or broken bytes, ``size`` for more pixels than a camera has.
    """
    for at in (0, _DEPTH_HEADER.size):
        if data[at : at + 8] == _PNG_START and len(data) >= at + 26:
            header = _checked_png(_png_header(data, at), len(data))
            _check_chunks(data, at + len(_PNG_START))
            return header
    if data[:2] == _JPEG_START:
        return _jpeg_header(data)
    raise _refusal(encoding, data)


def read_intensity_header(encoding: str, data: bytes) -> PictureHeader | None:
    """Read a compressed picture's header; None where it is distances and nothing else.

    One that cannot be read is what its format states; raises :class:`DecodeError` where that
    says nothing.
    """
    try:
        header = read_header(encoding, data)
    except DecodeError:
        if 'compresseddepth' in encoding.lower():
            return None
        raise
    return None if header.holds_depth(encoding) else header


def _png_header(data: bytes, at: int) -> PictureHeader:
    width, height, bits, kind = struct.unpack_from('>IIBB', data, at + 16)
    channels = _CHANNELS_OF_PNG.get(kind)
    if data[at + 12 : at + 16] != b'IHDR' or channels is None or bits not in (1, 2, 4, 8, 16):
        raise DecodeError('corrupt', 'the PNG image does not begin with a header')
    return PictureHeader('PNG', height, width, channels, bits, at)


def _jpeg_header(data: bytes) -> PictureHeader:
    position = 2
    while position + 10 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker in _JPEG_FRAMES:
            bits, height, width, channels = struct.unpack_from('>BHHB', data, position + 4)
            header = PictureHeader('JPEG', height, width, channels, bits)
            return _checked_jpeg(header, marker, data)
        if marker == 0xFF:
            position += 1
        elif marker in _JPEG_BARE:
            position += 2
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], 'big')
    raise DecodeError('corrupt', 'the JPEG image ends before it says its size')


def _checked_png(header: PictureHeader, size: int) -> PictureHeader:
    row_bytes = (header.width * header.channels * header.bits + 7) // 8 + 1
    _check_size(header, size, possible=header.height * row_bytes <= _MOST_INFLATED * size)
    return header


def _check_chunks(data: bytes, position: int) -> None:
    """Raise for pieces of a PNG that claim more bytes than there are, for which room is made."""
    for _ in range(_MOST_CHUNKS):
        if position + _PNG_CHUNK.size > len(data):
            break
        length, name = _PNG_CHUNK.unpack_from(data, position)
        if name in _PNG_ANIMATED:
            raise DecodeError(
                'encoding', 'animated PNG cannot be read: set the camera driver to png or jpeg'
            )
        # Behind its bytes comes a checksum of four.
        position += _PNG_CHUNK.size + length + 4
        if name == b'IEND' and position <= len(data):
            return
    raise DecodeError('corrupt', 'the PNG image is cut off, or claims more bytes than there are')


def _checked_jpeg(header: PictureHeader, marker: int, data: bytes) -> PictureHeader:
    if marker not in _MOST_PIXELS_A_BYTE:
        raise DecodeError(
            'encoding',
            'lossless and arithmetic JPEG cannot be read: set the camera driver to baseline JPEG',
        )
    if header.bits != 8:
        raise DecodeError(
            'encoding',
            f'a JPEG image of {header.bits} bits cannot be read: set the camera driver to 8 bits',
        )
    pixels, scans = header.height * header.width, data.count(_JPEG_SCAN)
    _check_size(header, len(data), possible=pixels <= _MOST_PIXELS_A_BYTE[marker] * len(data))
    if scans > _MOST_SCANS or scans * pixels > _MOST_SCANNED:
        raise DecodeError(
            'size',
            f'a JPEG image of {header.width}x{header.height} pixels in {scans} scans would take '
            'too long',
        )
    return header


def _check_size(header: PictureHeader, size: int, *, possible: bool) -> None:
    width, height = header.width, header.height
    if not 0 < height * width <= _MOST_PIXELS:
        raise DecodeError('size', f'a compressed image of {width}x{height} pixels cannot be used')
    if not possible:
        raise DecodeError(
            'size', f'a {header.name} image of {width}x{height} pixels is more than {size} bytes'
        )


def _refusal(encoding: str, data: bytes) -> DecodeError:
    """Say what a picture is that cannot be read, as far as its bytes and format tell."""
    stated = encoding.lower()
    if not data:
        return DecodeError('corrupt', 'the compressed image is empty (0 bytes)')
    if 'rvl' in stated or ('compresseddepth' in stated and _looks_like_rvl(data)):
        return DecodeError(
            'encoding',
            f'{encoding!r} images hold depth compressed by RVL, which cannot be read: set the '
            "camera driver's compressedDepth format to png, or use the raw depth topic",
        )
    remedy = 'set the camera driver to jpeg or png, or use the raw topic'
    for at, start, name in _OTHER_FORMATS:
        if data[at : at + len(start)] == start:
            return DecodeError(
                'encoding',
                f'the compressed image ({encoding!r}) is {name} by its first bytes, and only JPEG '
                f'and PNG are read: {remedy}',
            )
    if any(name in stated for name in _STREAMED):
        return DecodeError(
            'encoding',
            f'{encoding!r} is a video stream, of which single messages are no pictures: {remedy}',
        )
    if 'compresseddepth' in stated and len(data) <= _DEPTH_HEADER.size:
        return DecodeError('corrupt', f'a compressedDepth image of {len(data)} bytes is empty')
    return DecodeError(
        'corrupt',
        f'the compressed image ({encoding!r}) is neither JPEG nor PNG, by its first bytes '
        f'{data[:8]!r}: if it holds raw pixels, publish them as sensor_msgs/Image',
    )


def _looks_like_rvl(data: bytes) -> bool:
    """Say whether a size follows the header, where PNG has its name."""
    if len(data) < _DEPTH_HEADER.size + _RVL_SIZE.size:
        return False
    width, height = _RVL_SIZE.unpack_from(data, _DEPTH_HEADER.size)
    return bool(0 < width < 1 << 15 and 0 < height < 1 << 15)


def decompress(data: bytes, reduction: int, bits: int = 8) -> Frame:
    """Decompress a picture to (H, W) grey or (H, W, 3) BGR uint8, shrunk by 1, 2, 4 or 8.

    One of 16 ``bits`` is brought to 8 by :func:`eight_bits`, and not shrunk.
    """
    if bits == 16:
        return eight_bits(_decode(data, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH))
    return _decode(data, _REDUCED[reduction])


def eight_bits(rows: Frame) -> Frame:
    """Bring intensities of 16 bits to 8, by the bits that are used.

    Sensors of 10, 12 and 14 bits send these in 16, and most of them at the lower end: the upper
    byte of all would be black. Of how many they are nobody says, so the brightest pixel does.
    """
    brightest = int(rows.max(initial=0)).bit_length()
    used = max(_LEAST_BITS, brightest + brightest % 2)
    return (rows >> (used - 8)).astype(np.uint8)


def _decode(data: bytes, flag: int) -> Frame:
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise DecodeError('corrupt', f'the compressed image is broken: {error}') from None
    if frame is None:
        raise DecodeError('corrupt', 'the compressed image cannot be decompressed')
    return frame


def read_depth_header(encoding: str, data: bytes) -> PictureHeader:
    """Read a compressed picture's header; raises :class:`DecodeError` where it is no distances."""
    header = read_header(encoding, data)
    if header.holds_depth(encoding) is False:
        raise DecodeError(
            'encoding',
            f'depth must be one channel of 16 bits, the picture ({encoding!r}) is a {header.name} '
            f'of {header.channels} channels of {header.bits} bits: use the raw depth topic',
        )
    return header


def decode_depth(encoding: str, data: bytes, header: PictureHeader) -> Frame:
    """Decompress depth to (H, W) float32 metres, 0 where unknown.

    ``encoding`` is the message's format: ``16UC1; compressedDepth png``, ``32FC1;
    compressedDepth`` (inverse depth in 16 bits), or a plain 16-bit PNG in millimetres; where it
    does not say which, the bytes do. ``header`` is what :func:`read_depth_header` gave. Raises
    :class:`DecodeError`.
    """
    picture = _decode(data[header.at :], cv2.IMREAD_UNCHANGED)
    if picture.dtype != np.uint16 or picture.ndim != 2:
        raise DecodeError('corrupt', 'the PNG is not what its first bytes say')
    if header.at:
        _, quantum, offset = _DEPTH_HEADER.unpack_from(data)
        if _is_inverse(encoding, quantum):
            return _from_inverse(picture, quantum, offset)
    return picture.astype(np.float32) * np.float32(0.001)


def _is_inverse(encoding: str, quantum: float) -> bool:
    kind = encoding.split(';')[0].strip()
    # Of depth in millimetres the header's parameters may be anything.
    return bool(kind == '32FC1' or (kind not in _DEPTH_KINDS and 1 < quantum < math.inf))


def _from_inverse(picture: Frame, quantum: float, offset: float) -> Frame:
    known = picture > 0
    inverse = np.where(known, picture, 1).astype(np.float32) - np.float32(offset)
    with np.errstate(all='ignore'):
        depth = np.where(known, np.float32(quantum) / inverse, np.float32(0))
    return known_depth(depth)


def known_depth(depth: Frame) -> Frame:
    """Give depth in float32 metres with 0 where it is no distance that a sensor measures."""
    return np.where((depth > 0) & (depth <= _MOST_METRES), depth, np.float32(0))
