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

"""Pictures with labels drawn into them: right stamps and sizes, and no picture that stops it."""

import cv2
import numpy as np
import pytest

from test.messages import compressed_bytes, EPOCH, image_bytes
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.runtime.annotating import annotate, Caption, Image, read_image
from xmodal_ros.streams.sample import DecodeError

SURE = Caption((('walk', 0.9), ('sit', 0.1)), 'imu  0.3 s ago')


def picture(height: int = 120, width: int = 160) -> np.ndarray:
    return np.full((height, width, 3), (10, 100, 200), np.uint8)


def test_an_image_keeps_stamp_frame_size_and_colours() -> None:
    image = read_image(IMAGE_TYPE, image_bytes(EPOCH, picture()[..., ::-1].copy(), 'bgr8'))
    assert (image.stamp_ns, image.frame_id) == (EPOCH, 'camera_link')
    assert np.array_equal(image.picture, picture())


@pytest.mark.filterwarnings('error')
def test_depth_of_any_bytes_is_drawn() -> None:
    strange = [0, -1, np.nan, np.inf, -np.inf, 1e-45, 3e38, 2]
    depth = np.tile(np.array(strange, np.float32)[:, None], (4, 1, 1))
    for image in (depth, np.full((4, 8, 1), np.inf, np.float32)):
        grey = read_image(IMAGE_TYPE, image_bytes(EPOCH, image, '32FC1')).picture
        assert grey[0, :5].max() == 0


def test_compressed_images_and_depth_are_read_at_full_size() -> None:
    jpeg = cv2.imencode('.jpg', picture()[..., ::-1])[1].tobytes()
    image = read_image(COMPRESSED_TYPE, compressed_bytes(EPOCH, jpeg))
    assert image.picture.shape == (120, 160, 3)
    assert np.abs(image.picture.astype(int) - picture()).max() < 8
    depth = np.full((6, 8, 1), 4000, np.uint16)
    depth[:, :4] = 1000
    depth[0, 0] = 0
    grey = read_image(IMAGE_TYPE, image_bytes(EPOCH, depth, '16UC1')).picture
    # Near is bright, and unknown black.
    assert [int(grey[2, 1, 0]), int(grey[2, 6, 0]), int(grey[0, 0, 0])] == [255, 63, 0]
    unknown = np.zeros((6, 8, 1), np.uint16)
    assert not read_image(IMAGE_TYPE, image_bytes(EPOCH, unknown, '16UC1')).picture.any()


@pytest.mark.parametrize(
    'data',
    [
        b'',
        image_bytes(EPOCH, picture(), 'martian'),
        image_bytes(EPOCH, np.zeros((0, 8, 3), np.uint8), 'rgb8'),
        compressed_bytes(EPOCH, b'nothing'),
    ],
)
def test_what_is_no_image_is_refused(data: bytes) -> None:
    for msgtype in (IMAGE_TYPE, COMPRESSED_TYPE):
        with pytest.raises(DecodeError):
            read_image(msgtype, data)


def test_the_caption_covers_a_corner_and_leaves_the_rest_as_it_was() -> None:
    image = Image(EPOCH, 'camera_link', picture(240, 320))
    drawn = annotate(image, SURE, 5)
    assert drawn.shape == image.picture.shape
    assert not np.array_equal(drawn[:60, :130], image.picture[:60, :130])
    assert np.array_equal(drawn[150:], image.picture[150:])
    assert np.array_equal(image.picture, picture(240, 320))


def test_a_bar_is_as_long_as_its_score() -> None:
    image = Image(EPOCH, '', picture(480, 640))

    def painted(score: float) -> int:
        drawn = annotate(image, Caption((('a', score),)), 1)
        return int((drawn == 170).all(axis=2).sum())

    empty, half, full = painted(0.0), painted(0.5), painted(1.0)
    assert full - empty == pytest.approx(2 * (half - empty), rel=0.1)
    assert painted(float('nan')) == pytest.approx(empty, abs=100)


@pytest.mark.parametrize('size', [(1, 1), (8, 8), (3, 400), (400, 3), (1080, 1920)])
def test_no_size_and_no_name_stops_it(size: tuple[int, int]) -> None:
    image = Image(EPOCH, '', picture(*size))
    long = Caption(tuple((f'ein sehr länger Nåme 走る {i}', 0.1) for i in range(30)), 'x' * 200)
    for caption in (SURE, long, Caption(())):
        for classes in (0, 5, 20):
            assert annotate(image, caption, classes).shape == (*size, 3)
