import cv2
import numpy as np

from test.messages import compressed_bytes, EPOCH, image_bytes
from xmodal_ros.modalities.camera.contents import CameraDetails
from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE


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
