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

import struct

import cv2
import numpy as np
import pytest

from test.messages import compressed_bytes, EPOCH, image_bytes
from xmodal_ros.modalities.camera.contents import CameraDetails
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.modalities.camera.stream import CameraStream, COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.streams.sample import DecodeError

MILLIMETRES = np.linspace(500, 4000, 48 * 64).reshape(48, 64).astype(np.uint16)


def encoded(extension: str, picture: np.ndarray) -> bytes:
    done, data = cv2.imencode(extension, picture)
    assert done
    return bytes(data.tobytes())


GREY = np.full((48, 64), 100, np.uint8)
PNG16 = encoded('.png', MILLIMETRES)
DEPTH = struct.pack('<iff', 0, 0.0, 0.0) + PNG16


def test_a_camera_tells_encoding_and_size() -> None:
    data = image_bytes(EPOCH, np.zeros((48, 64, 3), np.uint8), 'rgb8')
    found = Camera().describe_contents(IMAGE_TYPE, [(data, EPOCH)])
    assert found.refused == {}
    assert isinstance(found.details, CameraDetails)
    assert (found.details.encoding, found.details.width, found.details.height) == ('rgb8', 64, 48)
    assert found.details.message_bytes == len(data)


def test_depth_is_as_good_as_colour() -> None:
    data = image_bytes(EPOCH, np.ones((48, 64, 1), np.float32), '32FC1')
    assert Camera().describe_contents(IMAGE_TYPE, [(data, EPOCH)]).refused == {}


def test_a_compressed_picture_tells_its_size() -> None:
    done, jpeg = cv2.imencode('.jpg', np.zeros((48, 64, 3), np.uint8))
    assert done
    found = Camera().describe_contents(
        COMPRESSED_TYPE, [(compressed_bytes(EPOCH, jpeg.tobytes()), EPOCH)]
    )
    assert isinstance(found.details, CameraDetails)
    assert (found.details.encoding, found.details.width, found.details.height) == ('jpeg', 64, 48)


def test_compressed_depth_has_its_size_behind_a_header() -> None:
    done, png = cv2.imencode('.png', np.ones((48, 64), np.uint16))
    assert done
    data = compressed_bytes(EPOCH, bytes(12) + png.tobytes(), '16UC1; compressedDepth png')
    found = Camera().describe_contents(COMPRESSED_TYPE, [(data, EPOCH)])
    assert found.refused == {}
    assert isinstance(found.details, CameraDetails)
    assert (found.details.width, found.details.height) == (64, 48)


def test_an_encoding_nobody_knows_is_refused_by_name() -> None:
    data = image_bytes(EPOCH, np.zeros((48, 64, 1), np.uint8), 'nv21')
    found = Camera().describe_contents(IMAGE_TYPE, [(data, EPOCH)])
    assert found.refused == {'encoding': 1}
    assert "'nv21'" in found.complaint


@pytest.mark.parametrize(
    ('stated', 'data', 'pixels'),
    [
        ('16UC1; compressedDepth png', DEPTH, 'depth'),
        ('16UC1; compressedDepth', DEPTH, 'depth'),
        # What is stated is empty, wrong or of the raw topic, and the bytes are what they are.
        ('', DEPTH, 'depth'),
        ('png', DEPTH, 'depth'),
        ('jpeg', DEPTH, 'depth'),
        ('16UC1; compressedDepth png', PNG16, 'depth'),
        ('16UC1; png compressed ', PNG16, 'depth'),
        ('png', PNG16, 'depth'),
        ('', PNG16, 'depth'),
        ('rgb8; jpeg compressed bgr8', encoded('.jpg', GREY), 'gray'),
        ('png', encoded('.png', GREY), 'gray'),
        ('png', encoded('.jpg', np.dstack([GREY] * 3)), 'gray'),
        ('16UC1; png compressed ', encoded('.png', GREY), 'gray'),
        ('', encoded('.png', np.dstack([MILLIMETRES] * 3)), 'gray'),
        ('bayer_rggb16; png compressed ', PNG16, 'gray'),
    ],
)
def test_a_compressed_picture_is_learnt_as_what_its_bytes_are(
    stated: str, data: bytes, pixels: str
) -> None:
    message = compressed_bytes(EPOCH, data, stated)
    stream = Camera().training_defaults(COMPRESSED_TYPE, message, {}).stream
    assert isinstance(stream, CameraStream)
    assert stream.pixels == pixels
    frame = CameraDecoder(COMPRESSED_TYPE, stream.pixels, 48, 64)(message).values[..., 0]
    if pixels == 'depth':
        np.testing.assert_allclose(frame, MILLIMETRES / 1000, rtol=1e-6)
        with pytest.raises(DecodeError, match='are depth'):
            CameraDecoder(COMPRESSED_TYPE, 'gray', 48, 64)(message)
    else:
        with pytest.raises(
            DecodeError, match=r'one channel of 16 bits, the picture .* is a (JPEG|PNG)'
        ):
            CameraDecoder(COMPRESSED_TYPE, 'depth', 48, 64)(message)
    details = Camera().describe_contents(COMPRESSED_TYPE, [(message, EPOCH)]).details
    assert isinstance(details, CameraDetails)
    assert details.is_depth == (pixels == 'depth')


def test_sixteen_bits_of_grey_may_be_either() -> None:
    message = compressed_bytes(EPOCH, PNG16, 'mono16; png compressed mono16')
    for pixels in ('gray', 'depth'):
        assert CameraDecoder(COMPRESSED_TYPE, pixels, 48, 64)(message).values.any()


@pytest.mark.parametrize(
    ('stated', 'data', 'reason', 'words'),
    [
        ('tiff', encoded('.tiff', GREY), 'encoding', 'a TIFF picture by its first bytes'),
        ('bgr8; tiff compressed ', b'MM\0*' + bytes(40), 'encoding', 'a TIFF picture'),
        ('jpeg', encoded('.webp', GREY), 'encoding', 'a WebP picture'),
        ('png', encoded('.bmp', GREY), 'encoding', 'a BMP picture'),
        ('jpeg', b'GIF89a' + bytes(40), 'encoding', 'a GIF picture'),
        ('jpeg', b'\0\0\0\x0cjP  ' + bytes(40), 'encoding', 'a JPEG 2000 picture'),
        ('jpeg', b'\xff\x0a' + bytes(40), 'encoding', 'a JPEG XL picture'),
        ('jpeg', b'\0\0\0\x20ftypavif' + bytes(40), 'encoding', 'an AVIF or HEIF'),
        ('h264', b'\0\0\0\1\x67\x42' + bytes(40), 'encoding', 'a piece of a video stream'),
        ('jpeg', b'\0\0\1\x40' + bytes(40), 'encoding', 'a piece of a video stream'),
        ('hevc', b'\x40\1' + bytes(40), 'encoding', 'is a video stream'),
        ('16UC1; compressedDepth rvl', bytes(60), 'encoding', 'compressed by RVL'),
        (
            '16UC1; compressedDepth',
            bytes(12) + struct.pack('<ii', 64, 48) + bytes(99),
            'encoding',
            'compressed by RVL',
        ),
        ('16UC1; compressedDepth', bytes(9), 'corrupt', 'of 9 bytes is empty'),
        ('nv12', bytes(range(1, 90)), 'corrupt', 'raw pixels, publish them as sensor_msgs/Image'),
        ('jpeg', b'', 'corrupt', 'empty (0 bytes)'),
        ('jpeg', b'\xff\xd8\xff\xc0\0\x0b\x0c\0\x30\0\x40\1' + bytes(9), 'encoding', '12 bits'),
        ('jpeg', b'\xff\xd8\xff\xe0\0\x10', 'corrupt', 'ends before it says its size'),
        # A small file that promises much would take all memory to find out.
        (
            'png',
            PNG16[:16] + struct.pack('>II', 4000, 4000) + PNG16[24:],
            'size',
            'is more than',
        ),
    ],
)
def test_a_compressed_picture_that_cannot_be_read_is_called_what_it_is(
    stated: str, data: bytes, reason: str, words: str
) -> None:
    found = Camera().describe_contents(
        COMPRESSED_TYPE, [(compressed_bytes(EPOCH, data, stated), EPOCH)]
    )
    assert found.refused == {reason: 1}
    assert words in found.complaint
