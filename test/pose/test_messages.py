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

"""A picture's message becomes a skeleton's, with its stamp and frame."""

from typing import Any

import cv2
import numpy as np
import pytest

from test.messages import compressed_bytes, EPOCH, image_bytes
from test.pose.stand_ins import make_estimator, picture_of
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.modalities.skeleton.decoder import SkeletonDecoder
from xmodal_ros.pose.messages import skeleton_message
from xmodal_ros.streams.sample import DecodeError

SOMEBODY = picture_of(240, 320, (160, 120), (160, 60))


def jpeg(picture):
    _, data = cv2.imencode('.jpg', picture[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 95))
    return data.tobytes()


@pytest.mark.parametrize(
    ('msgtype', 'data'),
    [
        (IMAGE_TYPE, image_bytes(EPOCH + 7, SOMEBODY, 'rgb8')),
        (IMAGE_TYPE, image_bytes(EPOCH + 7, SOMEBODY[..., ::-1].copy(), 'bgr8')),
        (COMPRESSED_TYPE, compressed_bytes(EPOCH + 7, jpeg(SOMEBODY))),
    ],
)
def test_stamp_and_frame_are_those_of_the_picture(msgtype: str, data: bytes) -> None:
    estimator, _, _ = make_estimator()
    message = skeleton_message(estimator, msgtype, data)
    assert message is not None
    sample = SkeletonDecoder(33)(message)
    assert (sample.stamp_ns, sample.frame_id) == (EPOCH + 7, 'camera_link')
    poses = np.frombuffer(message[-33 * 56 :], '<f8').reshape(33, 7)
    assert poses[:, :3] == pytest.approx(np.tile([0.1, -0.2, 0.3], (33, 1)), abs=0.02)
    assert (poses[:, 3:] == [0, 0, 0, 1]).all()


def test_a_picture_that_is_to_be_turned_is_seen_in_its_own_proportions() -> None:
    # A quarter turn clockwise is still to be done.
    exif = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0'
    lying = jpeg(np.ascontiguousarray(np.rot90(SOMEBODY)))
    data = lying[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + lying[2:]
    seen: list[Any] = []
    skeleton_message(seen.append, COMPRESSED_TYPE, compressed_bytes(EPOCH, data))
    (picture,) = seen
    assert picture.shape == SOMEBODY.shape
    assert np.abs(picture.astype(int) - SOMEBODY).mean() < 3


def test_grey_is_seen_as_colour() -> None:
    grey = SOMEBODY[..., 0].copy()
    _, data = cv2.imencode('.png', grey)
    seen: list[Any] = []
    skeleton_message(seen.append, COMPRESSED_TYPE, compressed_bytes(EPOCH, data.tobytes()))
    skeleton_message(seen.append, IMAGE_TYPE, image_bytes(EPOCH, grey, 'mono8'))
    for picture in seen:
        assert (picture == grey[..., None]).all()
        assert picture.shape == (*grey.shape, 3)
    assert len(seen) == 2


def test_of_a_picture_of_nobody_nothing_is_made() -> None:
    estimator, _, _ = make_estimator()
    empty = np.full((240, 320, 3), 90, np.uint8)
    assert skeleton_message(estimator, IMAGE_TYPE, image_bytes(EPOCH, empty, 'rgb8')) is None


@pytest.mark.parametrize(
    ('data', 'reason'),
    [
        (image_bytes(EPOCH, np.ones((48, 64), np.uint16), '16UC1'), 'encoding'),
        (image_bytes(0, SOMEBODY, 'rgb8'), 'zero_stamp'),
        (image_bytes(EPOCH, SOMEBODY, 'rgb8')[:900], 'truncated'),
    ],
)
def test_what_is_no_picture_in_colour_or_grey_is_refused(data: bytes, reason: str) -> None:
    estimator, _, _ = make_estimator()
    with pytest.raises(DecodeError) as refused:
        skeleton_message(estimator, IMAGE_TYPE, data)
    assert refused.value.reason == reason
