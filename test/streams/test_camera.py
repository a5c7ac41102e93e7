"""Images of every encoding become small frames in SI units, or a refusal that says why."""

import cv2
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from test.messages import compressed_bytes, EPOCH, image_bytes
from xmodal_ros.streams.camera import CameraDecoder, COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.streams.sample import DecodeError

RED_RGB = np.zeros((12, 16, 3), np.uint8)
RED_RGB[..., 0] = 200
ALPHA = np.full((12, 16, 1), 255, np.uint8)


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


def test_unknown_depth_is_zero():
    metres = np.full((12, 16), np.nan, np.float32)
    frame = CameraDecoder(IMAGE_TYPE, 'depth', 12, 16)(image_bytes(EPOCH, metres, '32FC1'))
    assert not frame.values.any()


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
        (COMPRESSED_TYPE, 'depth', compressed_bytes(EPOCH, b'x', 'png'), 'encoding'),
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
