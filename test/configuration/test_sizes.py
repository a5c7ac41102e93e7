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

"""Encoders come in three sizes, each with the tokens that the others have."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch

from test.messages import EPOCH, image_bytes
from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.configuration.recipe import make_recipe, Recipe
from xmodal_ros.configuration.training import make_choices, make_configuration
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.registry import modality_names
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.classifier import Classifier, parameter_count
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.models.configuration_encoder import Size
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.windows.windowing import SHORTEST_S

IMAGE = image_bytes(EPOCH, np.zeros((30, 40), np.uint8), 'mono8')


def recipe(modality: str, choices: RecipeChoices) -> Recipe:
    sensor = Sensor('sensor', modality, '/sensor', 'sensor_link')
    return make_recipe(sensor, 'sensor_msgs/msg/Image', [IMAGE], choices)


@pytest.mark.parametrize('modality', modality_names())
def test_a_larger_size_has_more_parameters_and_the_same_tokens(modality: str) -> None:
    counts, shapes = [], []
    for size in get_args(Size):
        chosen = recipe(modality, RecipeChoices(size=size))
        classifier = Classifier(
            Preprocessing(chosen.derived), chosen.encoder, chosen.stream.channel_count, 5
        ).eval()
        counts.append(parameter_count(classifier))
        window = torch.zeros((1, chosen.window.steps, *chosen.stream.sample_shape))
        with torch.no_grad():
            shapes.append(classifier.outputs(window).tokens.shape)
    assert all(larger > 1.3 * smaller for smaller, larger in pairwise(counts))
    assert len(set(shapes)) == 1


@pytest.mark.parametrize('modality', modality_names())
def test_every_encoder_makes_something_of_the_shortest_window(modality: str) -> None:
    # An IMU's grid has no window of a quarter of a second.
    length_s = SHORTEST_S + 0.01 if modality == 'imu' else SHORTEST_S
    chosen = recipe(modality, RecipeChoices(length_s=length_s))
    classifier = Classifier(
        Preprocessing(chosen.derived), chosen.encoder, chosen.stream.channel_count, 5
    ).eval()
    window = torch.zeros((1, chosen.window.steps, *chosen.stream.sample_shape))
    with torch.no_grad():
        assert classifier(window).shape == (1, 5)


def test_an_encoder_is_chosen_by_modality_and_has_to_fit_it() -> None:
    choices = make_choices({'encoder': ['imu=imu_cnn', 'camera=camera_cnn']})
    assert recipe('imu', choices).encoder == ImuCnnConfig()
    assert recipe('camera', choices).encoder == CameraCnnConfig()
    with pytest.raises(ConfigurationError, match='camera_cnn takes pictures, and sensors of imu'):
        recipe('imu', make_choices({'encoder': {'imu': 'camera_cnn'}}))


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        (['imu=imu_cn'], "--encoder .*there is no encoder 'imu_cn'.*did you mean 'imu_cnn'"),
        (['inu=imu_cnn'], "--encoder .*there is no modality 'inu'.*did you mean 'imu'"),
        (['imu_cnn'], "--encoder .*'imu_cnn' is not of the form NAME=VALUE"),
    ],
)
def test_an_encoder_that_is_none_is_refused(given: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make_choices({'encoder': given})


def test_the_default_size_is_that_of_the_encoders_themselves() -> None:
    assert recipe('imu', RecipeChoices()).encoder == ImuCnnConfig()
    assert recipe('camera', RecipeChoices()).encoder == CameraCnnConfig()


def test_a_size_that_is_none_is_refused() -> None:
    given = {'bags': 'bags', 'target': 'imu', 'test_subjects': '1', 'out': 'out', 'size': 'huge'}
    with pytest.raises(ConfigurationError, match='none of small, default, large'):
        make_configuration(given)
