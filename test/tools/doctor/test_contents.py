import math

import cv2
import numpy as np
import pytest

from test.messages import compressed_bytes, EPOCH, image_bytes, imu_bytes, SECOND
from test.tools.doctor.robots import audio_bytes, grid, plain_audio_bytes, SPEECH, tone
from xmodal_ros.modalities.audio.decoder import PLAIN_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.tools.doctor.contents import Contents, describe


def imu(*messages: bytes) -> Contents:
    return describe(IMU_TYPE, [(data, EPOCH) for data in messages])


def test_an_imu_tells_its_frame_acceleration_and_angular_rate() -> None:
    found = imu(imu_bytes(EPOCH, (0, 0, 9), (0, 0, 1)), imu_bytes(EPOCH, (0, 11, 0), (0, 0, 3)))
    assert (found.looked_at, found.frame_id, found.refused) == (2, 'imu_link', {})
    assert found.imu is not None
    assert found.imu.acceleration
    assert found.imu.gyro
    assert found.imu.length == pytest.approx(10)
    assert found.imu.spread == pytest.approx(1)
    assert found.imu.rms == pytest.approx(math.sqrt(101))
    assert found.imu.turning == pytest.approx(3, rel=0.01)


def test_an_imu_without_gyro_still_tells_its_acceleration() -> None:
    found = imu(imu_bytes(EPOCH, has_gyro=False))
    assert found.refused == {}
    assert found.imu is not None
    assert (found.imu.acceleration, found.imu.gyro) == (True, False)
    assert found.imu.length == pytest.approx(9.81)


def test_an_imu_without_acceleration_is_refused() -> None:
    found = imu(imu_bytes(EPOCH, has_acc=False))
    assert found.refused == {'no_acceleration': 1}
    assert 'acceleration' in found.complaint
    assert found.imu is not None
    assert not found.imu.acceleration


def test_a_camera_tells_encoding_and_size() -> None:
    data = image_bytes(EPOCH, np.zeros((48, 64, 3), np.uint8), 'rgb8')
    found = describe(IMAGE_TYPE, [(data, EPOCH)])
    assert found.refused == {}
    assert found.camera is not None
    assert (found.camera.encoding, found.camera.width, found.camera.height) == ('rgb8', 64, 48)
    assert found.camera.message_bytes == len(data)


def test_depth_is_as_good_as_colour() -> None:
    data = image_bytes(EPOCH, np.ones((48, 64, 1), np.float32), '32FC1')
    assert describe(IMAGE_TYPE, [(data, EPOCH)]).refused == {}


def test_a_compressed_picture_tells_its_size() -> None:
    done, jpeg = cv2.imencode('.jpg', np.zeros((48, 64, 3), np.uint8))
    assert done
    found = describe(COMPRESSED_TYPE, [(compressed_bytes(EPOCH, jpeg.tobytes()), EPOCH)])
    assert found.camera is not None
    assert (found.camera.encoding, found.camera.width, found.camera.height) == ('jpeg', 64, 48)


def test_compressed_depth_has_its_size_behind_a_header() -> None:
    done, png = cv2.imencode('.png', np.ones((48, 64), np.uint16))
    assert done
    data = compressed_bytes(EPOCH, bytes(12) + png.tobytes(), '16UC1; compressedDepth png')
    found = describe(COMPRESSED_TYPE, [(data, EPOCH)])
    assert found.refused == {}
    assert found.camera is not None
    assert (found.camera.width, found.camera.height) == (64, 48)


def test_an_encoding_nobody_knows_is_refused_by_name() -> None:
    data = image_bytes(EPOCH, np.zeros((48, 64, 1), np.uint8), 'nv21')
    found = describe(IMAGE_TYPE, [(data, EPOCH)])
    assert found.refused == {'encoding': 1}
    assert "'nv21'" in found.complaint


def test_audio_tells_its_format_loudness_and_how_much_comes() -> None:
    messages = [(audio_bytes(t, tone(160)), t) for t in grid(50, 2)]
    found = describe(STAMPED_TYPE, messages, SPEECH)
    assert found.audio is not None
    assert found.audio.stated == SPEECH
    assert found.audio.rate_hz == 16_000
    assert found.audio.heard_rate_hz == pytest.approx(8_000)
    assert found.audio.peak == pytest.approx(0.5, abs=0.01)


def test_too_little_audio_has_no_rate_of_its_own() -> None:
    messages = [(audio_bytes(EPOCH + k * SECOND // 50, tone()), EPOCH) for k in range(2)]
    found = describe(STAMPED_TYPE, messages, SPEECH)
    assert found.audio is not None
    assert found.audio.heard_rate_hz is None


def test_audio_of_unknown_format_is_refused_with_what_to_do() -> None:
    found = describe(PLAIN_TYPE, [(plain_audio_bytes(tone()), EPOCH)])
    assert found.refused == {'no_format': 1}
    assert found.audio is None


@pytest.mark.parametrize('start', [b'ID3\x04', b'\xff\xfb\x90'])
def test_mp3_is_told_by_its_first_bytes(start: bytes) -> None:
    found = describe(PLAIN_TYPE, [(plain_audio_bytes(start + bytes(100)), EPOCH)])
    assert found.refused == {'compressed': 1}
    assert 'mp3' in found.complaint
    assert 'format:=wave' in found.complaint
