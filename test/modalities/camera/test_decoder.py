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

"""Images of every encoding become small frames in SI units, or a refusal that says why."""

import struct
import zlib

import cv2
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from test.messages import compressed_bytes, EPOCH, image_bytes
from xmodal_ros.modalities.camera.compressed import read_header
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.streams.sample import DecodeError

TYPES = {False: IMAGE_TYPE, True: COMPRESSED_TYPE}
RED_RGB = np.zeros((12, 16, 3), np.uint8)
RED_RGB[..., 0] = 200
ALPHA = np.full((12, 16, 1), 255, np.uint8)


def depth_bytes(encoding: str, picture: bytes, quantum: float = 0.0, offset: float = 0.0) -> bytes:
    return compressed_bytes(EPOCH, struct.pack('<iff', 0, quantum, offset) + picture, encoding)


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode('.png', pixels)[1].tobytes()


def promise(height: int, width: int) -> bytes:
    """A PNG whose header promises a size that its data do not hold."""
    data = bytearray(png(RED_RGB))
    data[16:24] = struct.pack('>II', width, height)
    return bytes(data)


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize('little', [True, False])
@pytest.mark.parametrize(
    ('encoding', 'pixels'),
    [
        ('rgb8', RED_RGB),
        ('bgr8', RED_RGB[..., ::-1]),
        ('rgba8', np.concatenate([RED_RGB, ALPHA], axis=2)),
        ('bgra8', np.concatenate([RED_RGB[..., ::-1], ALPHA], axis=2)),
    ],
)
def test_red_is_red_in_every_encoding(encoding, pixels, padding, little):
    data = image_bytes(EPOCH, pixels, encoding, padding=padding, little_endian=little)
    sample = CameraDecoder(IMAGE_TYPE, 'rgb', 12, 16)(data)
    assert sample.stamp_ns == EPOCH
    assert sample.frame_id == 'camera_link'
    assert sample.values.dtype == np.uint8
    np.testing.assert_array_equal(sample.values, RED_RGB)


def test_grey_follows_luminance():
    gray = CameraDecoder(IMAGE_TYPE, 'gray', 12, 16)(image_bytes(EPOCH, RED_RGB, 'rgb8'))
    assert gray.values.shape == (12, 16, 1)
    assert set(np.unique(gray.values)) == {round(0.299 * 200)}


@pytest.mark.parametrize('big', [False, True])
def test_depth_is_metres_whatever_the_encoding_and_byte_order(big):
    order = '>' if big else '<'
    metres = np.linspace(0.5, 4, 12 * 16).reshape(12, 16)
    millimetres = np.round(metres * 1000).astype(order + 'u2')
    decode = CameraDecoder(IMAGE_TYPE, 'depth', 12, 16)
    from_int = decode(image_bytes(EPOCH, millimetres, '16UC1', big_endian_pixels=big)).values
    from_float = decode(
        image_bytes(EPOCH, metres.astype(order + 'f4'), '32FC1', big_endian_pixels=big)
    ).values
    np.testing.assert_allclose(from_int[..., 0], metres, atol=0.0006)
    np.testing.assert_allclose(from_float[..., 0], metres, rtol=1e-6)


YUV = cv2.cvtColor(RED_RGB, cv2.COLOR_RGB2YUV)


def packed(order: str) -> np.ndarray:
    """4:2:2 by hand: two pixels share one U and one V."""
    planes = {'y': YUV[..., 0], 'u': YUV[..., 1], 'v': YUV[..., 2]}
    even, odd = planes['y'][:, ::2], planes['y'][:, 1::2]
    u, v = planes['u'][:, ::2], planes['v'][:, ::2]
    parts = [u, even, v, odd] if order == 'uyvy' else [even, u, odd, v]
    return np.stack(parts, axis=-1).reshape(12, 16, 2)


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv')],
)
def test_red_is_red_in_packed_yuv(encoding, order):
    data = image_bytes(EPOCH, packed(order), encoding)
    frame = CameraDecoder(IMAGE_TYPE, 'rgb', 12, 16)(data).values.astype(int)
    # Studio against full range and shared chroma cost exactness, not the colour.
    assert np.abs(frame - RED_RGB).max() < 60
    assert (frame[..., 0] > 150).all()
    assert (frame[..., 1:] < 40).all()
    gray = CameraDecoder(IMAGE_TYPE, 'gray', 12, 16)(data).values
    assert np.abs(gray[..., 0].astype(int) - YUV[..., 0]).max() <= 1


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('order', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_red_is_red_in_every_mosaic(order, bits):
    tile = np.array([200 * (colour == 'r') for colour in order]).reshape(2, 2)
    mosaic = np.tile(tile, (6, 8)).astype(np.uint8)
    pixels = mosaic if bits == 8 else mosaic.astype('<u2') << 8
    data = image_bytes(EPOCH, pixels, f'bayer_{order}{bits}')
    frame = CameraDecoder(IMAGE_TYPE, 'rgb', 12, 16)(data).values
    np.testing.assert_array_equal(frame, RED_RGB)


@pytest.mark.parametrize('big', [False, True])
def test_sixteen_bit_intensities_keep_their_upper_byte(big):
    pixels = (RED_RGB.astype('u2') << 8).astype('>u2' if big else '<u2')
    data = image_bytes(EPOCH, pixels, 'rgb16', big_endian_pixels=big)
    frame = CameraDecoder(IMAGE_TYPE, 'rgb', 12, 16)(data).values
    np.testing.assert_array_equal(frame, RED_RGB)


@pytest.mark.parametrize('bits', [10, 12, 14, 16])
@pytest.mark.parametrize('compressed', [False, True])
def test_bits_that_are_not_used_do_not_make_a_picture_black(bits, compressed):
    levels = np.tile(np.linspace(0, 255, 16).astype(np.uint16), (12, 1))
    pixels = levels << (bits - 8)
    data = (
        compressed_bytes(EPOCH, png(pixels), 'mono16; png compressed')
        if compressed
        else image_bytes(EPOCH, pixels[..., None].astype('<u2'), 'mono16')
    )
    # Of the brightest pixel, wherever in the picture it is.
    region = (0.0, 0.0, 0.5, 1.0)
    half = CameraDecoder(TYPES[compressed], 'gray', 12, 8, region)(data).values
    np.testing.assert_array_equal(half[..., 0], levels[:, :8])


def test_names_of_encodings_may_be_in_capitals():
    data = image_bytes(EPOCH, RED_RGB, 'RGB8')
    frame = CameraDecoder(IMAGE_TYPE, 'rgb', 12, 16)(data).values
    np.testing.assert_array_equal(frame, RED_RGB)


def hollow(**changes):
    """Give the bytes of a small picture whose header claims something else."""
    small = np.full((64, 64), 128, np.uint8)
    if 'chunk' in changes:
        # Room was made for as much as a piece claims: 4 GB, and 20 s.
        data = bytearray(png(small))
        place = data.index(b'IDAT')
        data[place - 4 : place] = struct.pack('>I', changes['chunk'])
        return bytes(data)
    if 'png' in changes:
        data = bytearray(png(small))
        data[16:24] = struct.pack('>II', *changes['png'])
        data[24:26] = bytes(changes.get('kind', (8, 0)))
        data[29:33] = struct.pack('>I', zlib.crc32(data[12:29]))
        return bytes(data)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, int(changes.get('progressive', False))]
    data = bytearray(cv2.imencode('.jpg', small, options)[1].tobytes())
    frame = data.index(b'\xff\xc2' if changes.get('progressive') else b'\xff\xc0')
    if 'jpeg' in changes:
        data[frame + 5 : frame + 9] = struct.pack('>HH', *changes['jpeg'])
    data[frame + 1] = changes.get('marker', data[frame + 1])
    scan = data.index(b'\xff\xda')
    return bytes(data[:-2] + data[scan:-2] * changes.get('scans', 0) + data[-2:])


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (hollow(png=(8000, 4000)), 'size'),
        (hollow(png=(4000, 2000), kind=(16, 6)), 'size'),
        (hollow(png=(100_000, 100_000)), 'size'),
        (hollow(png=(64, 64), kind=(7, 0)), 'corrupt'),
        (hollow(png=(64, 64), kind=(8, 5)), 'corrupt'),
        (b'\x89PNG\r\n\x1a\n' + bytes(8), 'corrupt'),
        (hollow(chunk=2**31 - 1), 'corrupt'),
        (hollow(chunk=100_000), 'corrupt'),
        (png(np.zeros((64, 64), np.uint8))[:-20], 'corrupt'),
        (png(np.zeros((64, 64), np.uint8)).replace(b'IDAT', b'fdAT'), 'encoding'),
        (hollow(jpeg=(4000, 6000)), 'size'),
        (hollow(jpeg=(65_000, 65_000)), 'size'),
        (hollow(jpeg=(4000, 6000), progressive=True), 'size'),
        (hollow(progressive=True, scans=200), 'size'),
        (hollow(marker=0xC3), 'encoding'),
        (hollow(marker=0xC9), 'encoding'),
    ],
)
def test_what_claims_more_than_its_bytes_can_hold_is_refused_unread(monkeypatch, data, reason):
    def decode(*_arguments):
        raise AssertionError('it was decompressed')

    monkeypatch.setattr(cv2, 'imdecode', decode)
    for decoder in (
        CameraDecoder(COMPRESSED_TYPE, 'gray', 12, 16),
        CameraDecoder(COMPRESSED_TYPE, 'depth', 12, 16),
    ):
        with pytest.raises(DecodeError) as caught:
            decoder(compressed_bytes(EPOCH, data, 'jpeg'))
        assert caught.value.reason == reason


@pytest.mark.parametrize('ending', ['.png', '.jpg'])
def test_blank_pictures_are_not_taken_for_hollow_ones(ending):
    """Nothing compresses better than a picture of one value."""
    options = [cv2.IMWRITE_PNG_COMPRESSION, 9] if ending == '.png' else []
    for blank in (np.zeros((1080, 1920), np.uint8), np.zeros((720, 1280, 3), np.uint8)):
        data = cv2.imencode(ending, blank, options)[1].tobytes()
        frame = CameraDecoder(COMPRESSED_TYPE, 'gray', 12, 16)(compressed_bytes(EPOCH, data))
        assert not frame.values.any()


def test_a_blank_progressive_jpeg_is_read():
    blank = np.full((1080, 1920, 3), 90, np.uint8)
    data = cv2.imencode('.jpg', blank, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    frame = CameraDecoder(COMPRESSED_TYPE, 'gray', 12, 16)(compressed_bytes(EPOCH, data))
    assert abs(int(frame.values.mean()) - 90) <= 1


def test_large_jpegs_shrink_while_they_are_decompressed_and_look_the_same():
    ramp = np.add.outer(np.arange(480), np.arange(640)).astype(np.float64) / 1118 * 255
    jpeg = cv2.imencode('.jpg', ramp.astype(np.uint8))[1].tobytes()
    data = compressed_bytes(EPOCH, jpeg)
    decode = CameraDecoder(COMPRESSED_TYPE, 'gray', 48, 64)
    assert decode._reduction(read_header('jpeg', jpeg)) == 8
    small = decode(data).values[..., 0].astype(float)
    expected = ramp.reshape(48, 10, 64, 10).mean(axis=(1, 3))
    assert np.abs(small - expected).max() < 4


def test_compressed_depth_is_metres():
    millimetres = np.linspace(500, 4000, 12 * 16).reshape(12, 16).astype(np.uint16)
    millimetres[0, 0] = 0
    decode = CameraDecoder(COMPRESSED_TYPE, 'depth', 12, 16)
    for data in (
        depth_bytes('16UC1; compressedDepth png', png(millimetres)),
        compressed_bytes(EPOCH, png(millimetres), '16UC1; png compressed'),
    ):
        np.testing.assert_allclose(decode(data).values[..., 0], millimetres / 1000, rtol=1e-6)


def test_compressed_inverse_depth_is_metres():
    metres = np.linspace(0.5, 4, 12 * 16).reshape(12, 16)
    # What compressed_depth_image_transport computes from its depth_max and quantisation.
    quantum, offset = 100.0 * 101.0, 1 - 100.0 * 101.0 / 10
    inverse = np.round(quantum / metres + offset).astype(np.int64)
    assert inverse.min() > 0
    assert inverse.max() < 2**16
    data = depth_bytes('32FC1; compressedDepth', png(inverse.astype(np.uint16)), quantum, offset)
    frame = CameraDecoder(COMPRESSED_TYPE, 'depth', 12, 16)(data).values[..., 0]
    np.testing.assert_allclose(frame, metres, rtol=1e-3)


@pytest.mark.parametrize('unknown', [np.nan, np.inf, -1, 1e6, np.finfo(np.float32).max])
def test_unknown_depth_is_zero(unknown):
    metres = np.full((12, 16), unknown, np.float32)
    frame = CameraDecoder(IMAGE_TYPE, 'depth', 12, 16)(image_bytes(EPOCH, metres, '32FC1'))
    assert not frame.values.any()


@pytest.mark.parametrize(
    ('encoding', 'value', 'metres'),
    [('16UC1', 65_535, 65.535), ('32FC1', 65_504, 65_504), ('32FC1', 70_000, 0)],
)
def test_the_greatest_depth_is_a_number_in_windows_that_are_kept_too(encoding, value, metres):
    picture = np.full((12, 16), value, 'u2' if encoding == '16UC1' else 'f4')
    frame = CameraDecoder(IMAGE_TYPE, 'depth', 12, 16)(image_bytes(EPOCH, picture, encoding))
    assert frame.values == pytest.approx(metres)
    assert Camera().compact(frame.values) == pytest.approx(metres, rel=1e-3)


def test_frames_are_scaled_by_area():
    checks = np.kron(np.indices((6, 8)).sum(0) % 2, np.ones((2, 2))).astype(np.uint8) * 255
    half = CameraDecoder(IMAGE_TYPE, 'gray', 6, 8)(image_bytes(EPOCH, checks, 'mono8'))
    np.testing.assert_array_equal(half.values[..., 0], checks[::2, ::2])
    quarter = CameraDecoder(IMAGE_TYPE, 'gray', 3, 4)(image_bytes(EPOCH, checks, 'mono8'))
    assert np.abs(quarter.values.astype(int) - 127).max() <= 1


@pytest.mark.parametrize('extension', ['jpeg', 'png'])
def test_compressed_frames_show_the_picture(extension):
    _, encoded = cv2.imencode('.' + extension, RED_RGB[..., ::-1])
    data = compressed_bytes(EPOCH, encoded.tobytes(), f'rgb8; {extension} compressed bgr8')
    frame = CameraDecoder(COMPRESSED_TYPE, 'rgb', 12, 16)(data).values
    assert np.abs(frame.astype(int) - RED_RGB).max() <= 3


@pytest.mark.parametrize(
    ('msgtype', 'pixels', 'data', 'reason'),
    [
        (IMAGE_TYPE, 'rgb', image_bytes(EPOCH, RED_RGB, 'nv21_nonsense'), 'encoding'),
        (IMAGE_TYPE, 'rgb', image_bytes(EPOCH, RED_RGB, '32FC1'), 'encoding'),
        (IMAGE_TYPE, 'depth', image_bytes(EPOCH, RED_RGB, 'rgb8'), 'encoding'),
        (IMAGE_TYPE, 'rgb', image_bytes(EPOCH, RED_RGB[:0], 'rgb8'), 'size'),
        (IMAGE_TYPE, 'rgb', image_bytes(EPOCH, RED_RGB, 'rgba8'), 'size'),
        (IMAGE_TYPE, 'rgb', image_bytes(0, RED_RGB, 'rgb8'), 'zero_stamp'),
        (IMAGE_TYPE, 'rgb', image_bytes(EPOCH, RED_RGB, 'rgb8')[:-1], 'truncated'),
        (COMPRESSED_TYPE, 'rgb', compressed_bytes(EPOCH, b'no picture'), 'corrupt'),
        (COMPRESSED_TYPE, 'rgb', compressed_bytes(EPOCH, b''), 'corrupt'),
        (COMPRESSED_TYPE, 'depth', compressed_bytes(EPOCH, b'x', 'png'), 'corrupt'),
        (COMPRESSED_TYPE, 'depth', depth_bytes('16UC1; compressedDepth rvl', b'x'), 'encoding'),
        (COMPRESSED_TYPE, 'depth', depth_bytes('16UC1; compressedDepth', b''), 'corrupt'),
        (COMPRESSED_TYPE, 'gray', depth_bytes('16UC1; compressedDepth', b'x'), 'encoding'),
        (IMAGE_TYPE, 'rgb', image_bytes(EPOCH, RED_RGB[:, :15, :2], 'yuyv'), 'size'),
        (COMPRESSED_TYPE, 'gray', compressed_bytes(EPOCH, promise(60000, 60000), 'png'), 'size'),
    ],
)
def test_what_cannot_be_used_is_refused_under_its_reason(msgtype, pixels, data, reason):
    with pytest.raises(DecodeError) as refusal:
        CameraDecoder(msgtype, pixels, 12, 16)(data)
    assert refusal.value.reason == reason


@given(
    st.sampled_from([IMAGE_TYPE, COMPRESSED_TYPE]),
    st.sampled_from(['gray', 'rgb', 'depth']),
    st.integers(0, 700),
    st.binary(min_size=1, max_size=8),
)
def test_a_damaged_message_gives_a_frame_or_a_refusal(msgtype, pixels, position, damage):
    _, encoded = cv2.imencode('.png', RED_RGB)
    whole = (
        image_bytes(EPOCH, RED_RGB, 'rgb8')
        if msgtype == IMAGE_TYPE
        else compressed_bytes(EPOCH, encoded.tobytes(), 'png')
    )
    data = bytearray(whole)
    position %= len(data)
    data[position : position + len(damage)] = damage
    try:
        sample = CameraDecoder(msgtype, pixels, 12, 16)(bytes(data))
    except DecodeError:
        return
    assert sample.values.shape == (12, 16, 3 if pixels == 'rgb' else 1)


def quarters() -> np.ndarray:
    """A picture (64, 96) whose quarters are 10, 20 over 30, 40."""
    return np.kron(np.array([[10, 20], [30, 40]], np.uint8), np.ones((32, 48), np.uint8))


@pytest.mark.parametrize(
    ('region', 'grey'),
    [
        ((0.0, 0.0, 0.5, 0.5), 10),
        ((0.5, 0.0, 0.5, 0.5), 20),
        ((0.0, 0.5, 0.5, 0.5), 30),
        ((0.5, 0.5, 0.5, 0.5), 40),
        ((0.99, 0.99, 0.01, 0.01), 40),
    ],
)
def test_only_the_region_of_interest_is_seen(
    region: tuple[float, float, float, float], grey: int
) -> None:
    plain = CameraDecoder(IMAGE_TYPE, 'gray', 8, 12, region)
    mosaic = CameraDecoder(IMAGE_TYPE, 'gray', 8, 12, region)
    packed = CameraDecoder(COMPRESSED_TYPE, 'gray', 8, 12, region)

    assert (plain(image_bytes(EPOCH, quarters(), 'mono8')).values == grey).all()
    assert (mosaic(image_bytes(EPOCH, quarters(), 'bayer_rggb8')).values == grey).all()
    assert (packed(compressed_bytes(EPOCH, png(quarters()), 'png')).values == grey).all()


def test_a_region_may_be_as_small_as_the_picture() -> None:
    one_pixel = np.full((1, 1), 7, np.uint8)

    frame = CameraDecoder(IMAGE_TYPE, 'gray', 8, 12, (0.3, 0.3, 0.2, 0.2))(
        image_bytes(EPOCH, one_pixel, 'mono8')
    )

    assert (frame.values == 7).all()
