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

"""Nets that are only compared take fewer steps where windows are many, and else as many."""

from dataclasses import replace

import numpy as np
import pytest

from test.messages import EPOCH, image_bytes
from test.training.small_trainer import RECIPES, TARGET
from xmodal_ros.configuration.fit_settings import FitSettings, QUICK_STEPS, RecipeChoices
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.modalities.audio.modality import Audio
from xmodal_ros.modalities.camera.modality import Camera
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE
from xmodal_ros.models.configuration_audio_bcresnet import AudioBcResNetConfig
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.training.shorter_fits import to_compare

_PICTURE = image_bytes(EPOCH, np.zeros((48, 64, 1), np.uint8), 'mono8')
_CAMERA = Camera().training_defaults(IMAGE_TYPE, _PICTURE, {})
_SOUND = Audio().training_defaults('', b'', {})
_IMU = replace(RECIPES[TARGET], fit=FitSettings())
USUAL: dict[str, Recipe] = {
    'imu': _IMU,
    'camera': replace(_IMU, encoder=CameraCnnConfig(), fit=FitSettings(**_CAMERA.fit)),
    'audio': replace(_IMU, encoder=AudioBcResNetConfig(), fit=FitSettings(**_SOUND.fit)),
}


@pytest.mark.parametrize('modality', USUAL)
def test_where_windows_are_few_nothing_is_shorter(modality: str) -> None:
    usual = USUAL[modality]
    shorter = to_compare(usual).fit
    # As long as a training is whose epochs have no more steps than the least.
    assert shorter.most_steps is not None
    assert usual.fit.most_steps is not None
    assert usual.fit.epochs * usual.fit.least_steps <= shorter.most_steps < usual.fit.most_steps
    assert replace(shorter, most_steps=usual.fit.most_steps) == usual.fit


def test_a_first_try_stays_one() -> None:
    quick = replace(_IMU, fit=RecipeChoices(quick=True).applied_to(_IMU.fit))
    assert to_compare(quick).fit.most_steps == QUICK_STEPS


def test_epochs_that_a_user_asks_for_make_nothing_longer() -> None:
    asked = replace(_IMU, fit=_IMU.fit.changed({'epochs': 90}))
    assert to_compare(asked).fit == replace(to_compare(_IMU).fit, epochs=90)
