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

"""A sensor is learnt as what most of its messages hold, not as what the first one does."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from test.messages import compressed_bytes, EPOCH, image_bytes
from xmodal_ros.configuration.fit_settings import FitSettings, RecipeChoices
from xmodal_ros.configuration.recipe import make_recipe
from xmodal_ros.errors import ConfigurationError, StreamError
from xmodal_ros.modalities.augmentation import NoAugmentation
from xmodal_ros.modalities.camera.stream import (
    CameraPixels,
    CameraStream,
    COMPRESSED_TYPE,
    IMAGE_TYPE,
)
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models import pretrained

CAMERA = Sensor('camera', 'camera', '/camera')
GREY = image_bytes(EPOCH, np.zeros((48, 64, 1), np.uint8), 'mono8')
DEPTH = image_bytes(EPOCH, np.ones((48, 64, 1), np.float32), '32FC1')
PNG16 = cv2.imencode('.png', np.ones((48, 64), np.uint16))[1].tobytes()
PACKED = compressed_bytes(EPOCH, PNG16, '16UC1; png compressed ')
BROKEN = compressed_bytes(EPOCH, b'', 'png')


@pytest.mark.parametrize(
    ('msgtype', 'messages', 'pixels'),
    [
        (IMAGE_TYPE, [GREY], 'gray'),
        (IMAGE_TYPE, [GREY, DEPTH, DEPTH], 'depth'),
        (IMAGE_TYPE, [DEPTH, GREY, b'', GREY], 'gray'),
        (COMPRESSED_TYPE, [BROKEN, BROKEN, PACKED], 'depth'),
    ],
)
def test_most_messages_decide(msgtype: str, messages: list[bytes], pixels: str) -> None:
    stream = make_recipe(CAMERA, msgtype, messages, RecipeChoices()).stream
    assert isinstance(stream, CameraStream)
    assert stream.pixels == pixels


def test_without_a_message_that_can_be_read_the_first_reason_is_told() -> None:
    with pytest.raises(StreamError, match=r'none of 2 messages .* /camera can be read: .*0 bytes'):
        make_recipe(CAMERA, COMPRESSED_TYPE, [BROKEN, BROKEN], RecipeChoices())


@pytest.mark.parametrize(('message', 'pixels'), [(GREY, 'rgb'), (DEPTH, 'depth')])
def test_an_encoder_may_ask_for_another_stream(
    tmp_path: Path, message: bytes, pixels: CameraPixels
) -> None:
    weights = tmp_path / 'weights.pth'
    weights.touch()
    choices = RecipeChoices(encoders={'camera': 'camera_efficientnet'}, weights=weights)
    recipe = make_recipe(CAMERA, IMAGE_TYPE, [message], choices)
    assert recipe.stream == CameraStream(pixels=pixels, height=72, width=96)
    assert (recipe.window.rate_hz, recipe.derived) == (4, ())
    # Features of frames are computed once: pictures cannot be changed each time.
    assert recipe.augmentation == NoAugmentation()


def test_an_encoder_without_the_weights_it_begins_with_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pretrained, '_PACKAGE', 'a_package_that_nobody_has')
    choices = RecipeChoices(encoders={'camera': 'camera_efficientnet'})
    with pytest.raises(ConfigurationError, match=r'xmodal_ros\[pretrained\]'):
        make_recipe(CAMERA, IMAGE_TYPE, [GREY], choices)


def test_a_first_try_is_short_however_many_windows_or_epochs_there_may_be() -> None:
    usual = FitSettings(epochs=9, most_steps=1000)
    assert RecipeChoices().applied_to(usual) == usual
    assert RecipeChoices(quick=True).applied_to(usual) == replace(usual, epochs=2, most_steps=50)
    named = RecipeChoices(quick=True, epochs=5).applied_to(usual)
    # A method with a schedule of its own takes as many epochs as there may be, each of 50 steps.
    assert (named.epochs, named.most_steps) == (2, 50)
    assert make_recipe(CAMERA, IMAGE_TYPE, [GREY], RecipeChoices(quick=True)).quick
