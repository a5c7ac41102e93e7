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

"""Encoders: windows to tokens, the same for a window alone as among others."""

import pytest
import torch

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.classifier import Classifier, parameter_count
from xmodal_ros.models.configuration_audio_bcresnet import AudioBcResNetConfig
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.models.configuration_camera_efficientnet import CameraEfficientNetConfig
from xmodal_ros.models.configuration_encoder import EncoderSpec
from xmodal_ros.models.configuration_fixed import RocketConfig, StatisticsConfig
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.configuration_skeleton_cooccurrence import SkeletonCooccurrenceConfig
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.models.modeling_skeleton_cooccurrence import SkeletonCooccurrenceEncoder

IMU_WINDOW = (150, 6)
CAMERA_WINDOW = (24, 30, 40, 2)
AUDIO_WINDOW = (297, 64)
# Twenty joints, their positions and their speeds.
SKELETON_WINDOW = (60, 120)
EFFICIENTNET = CameraEfficientNetConfig(side=32, stages=3, backbone_width=0.25)
ALL = pytest.mark.parametrize(
    ('spec', 'window'),
    [
        (ImuCnnConfig(), IMU_WINDOW),
        (CameraCnnConfig(), CAMERA_WINDOW),
        (EFFICIENTNET, CAMERA_WINDOW),
        (AudioBcResNetConfig(), AUDIO_WINDOW),
        (RocketConfig(), IMU_WINDOW),
        (StatisticsConfig(), IMU_WINDOW),
        (SkeletonCooccurrenceConfig(), SKELETON_WINDOW),
    ],
)


def encoder(spec: EncoderSpec, window: tuple[int, ...]) -> torch.nn.Module:
    torch.manual_seed(0)
    return spec.build(window[-1]).eval()


@pytest.mark.parametrize(
    ('spec', 'window', 'tokens'),
    [
        (ImuCnnConfig(), IMU_WINDOW, (19, 64)),
        (ImuCnnConfig(width=16, dim=32), (100, 3), (13, 32)),
        (ImuCnnConfig(), (1, 6), (1, 64)),
        (CameraCnnConfig(), CAMERA_WINDOW, (12, 64)),
        (CameraCnnConfig(frames_per_token=4, dim=32), (10, 12, 16, 1), (2, 32)),
        (CameraCnnConfig(), (5, 112, 112, 3), (2, 64)),
        (EFFICIENTNET, CAMERA_WINDOW, (3, 64)),
        (EFFICIENTNET, (1, 90, 80, 3), (3, 64)),
        (AudioBcResNetConfig(), AUDIO_WINDOW, (38, 64)),
        (RocketConfig(), IMU_WINDOW, (4, 64)),
        (RocketConfig(width=16, dim=32, segments=3), (9, 3), (2, 32)),
        (StatisticsConfig(dim=32), (100, 3), (1, 32)),
        (AudioBcResNetConfig(width=8, dim=32), (97, 40), (13, 32)),
        (AudioBcResNetConfig(width=16), (1, 13), (1, 64)),
        (SkeletonCooccurrenceConfig(), SKELETON_WINDOW, (8, 64)),
        (SkeletonCooccurrenceConfig(width=8, dim=32), (40, 30), (5, 32)),
        (SkeletonCooccurrenceConfig(width=24), (1, 6), (1, 64)),
    ],
)
def test_windows_become_tokens_of_the_dim_asked_for(spec, window, tokens):
    given = encoder(spec, window)(torch.randn(2, *window))
    assert given.shape == (2, *tokens)


@ALL
def test_a_window_gives_the_same_alone_as_among_others(spec, window):
    net = encoder(spec, window)
    windows = torch.randn(5, *window)
    with torch.no_grad():
        torch.testing.assert_close(net(windows)[3:4], net(windows[3:4]), atol=1e-5, rtol=1e-4)


@ALL
def test_the_order_in_time_is_seen(spec, window):
    net = encoder(spec, window)
    windows = torch.randn(1, *window)
    with torch.no_grad():
        forward, backward = net(windows).mean(dim=1), net(windows.flip(1)).mean(dim=1)
    assert (forward - backward).abs().max() > 1e-3


@ALL
def test_dropout_is_for_training_only(spec, window):
    net = encoder(spec, window)
    windows = torch.randn(2, *window)
    with torch.no_grad():
        assert torch.equal(net(windows), net(windows))
        net.train()
        assert not torch.equal(net(windows), net(windows))


@pytest.mark.parametrize(
    ('spec', 'channels'),
    [(ImuCnnConfig(), 6), (CameraCnnConfig(), 2), (AudioBcResNetConfig(), 64)],
)
def test_classifiers_stay_within_what_an_onboard_cpu_can_run(spec, channels):
    classifier = Classifier(Preprocessing([]), spec, channels, 27)
    assert 60_000 <= parameter_count(classifier) <= 110_000


def test_what_tells_sounds_apart_is_not_drowned_before_anything_is_learnt():
    spreads = []
    for seed in range(3):
        torch.manual_seed(seed)
        often = torch.rand(16, 297, 1) < torch.rand(16, 1, 1)
        windows = torch.randn(16, *AUDIO_WINDOW) + often * torch.randn(16, 1, 64)
        classifier = Classifier(Preprocessing([]), AudioBcResNetConfig(), 64, 10).eval()
        with torch.no_grad():
            spreads.append(classifier.outputs(windows).feature.std(dim=0).mean())
    # About 0.13. With the paper's ReLU after the sum and with biases it was 0.03, and nothing
    # was learnt for hundreds of steps.
    assert sum(spreads) / 3 > 0.07


def test_joints_are_told_apart_by_what_they_do_together():
    net = encoder(SkeletonCooccurrenceConfig(), SKELETON_WINDOW)
    assert isinstance(net, SkeletonCooccurrenceEncoder)
    windows = torch.randn(4, *SKELETON_WINDOW)
    # The joints' places in the list, changed alike for positions and speeds.
    order = torch.randperm(20)
    changed = windows.unflatten(-1, (2, 20, 3))[:, :, :, order].flatten(2)
    with torch.no_grad():
        assert (net(windows) - net(changed)).abs().max() > 1e-3
        # What a joint does is seen before it is mixed with others: no coordinate of another tells.
        alone = net.positions.of_a_joint
        seen = windows.unflatten(-1, (2, 20, 3))[:, :, 0].permute(0, 3, 1, 2)
        other = seen.clone()
        other[..., 7] += 1.0
        differs = (alone(seen) - alone(other)).abs().amax(dim=(0, 1, 2)) > 0
    assert differs.nonzero().flatten().tolist() == [7]


def test_windows_that_are_none_of_a_skeleton_are_refused():
    with pytest.raises(ConfigurationError, match='six channels a joint; 8 are none'):
        SkeletonCooccurrenceConfig().build(8)
