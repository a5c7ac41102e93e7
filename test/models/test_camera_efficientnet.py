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

"""A camera's encoder that begins with a pretrained net, which stays as it is."""

import json
from pathlib import Path

import pytest
from safetensors.torch import save_file
import torch
from torch import Tensor

from test.models.published_weights import published_weights
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.models.bundle import load_bundle, save_bundle
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_camera_efficientnet import CameraEfficientNetConfig
from xmodal_ros.models.configuration_preprocessing import StandardiseStep
from xmodal_ros.models.modeling_camera_efficientnet import CameraEfficientNetEncoder
from xmodal_ros.models.modeling_efficientnet_lite import EfficientNetLite, load_pretrained
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

TINY = CameraEfficientNetConfig(width=16, dim=16, side=32, stages=2, backbone_width=0.25)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / 'published.safetensors'
    save_file(published_weights(TINY.backbone_width), file)
    return file


def prepared(config: CameraEfficientNetConfig, channels: int = 3) -> CameraEfficientNetEncoder:
    torch.manual_seed(0)
    encoder = CameraEfficientNetEncoder(config, channels)
    with torch.no_grad():
        encoder.prepare(windows(channels=channels))
    return encoder.eval()


def windows(count: int = 3, channels: int = 3) -> Tensor:
    return torch.randn((count, 4, 24, 32, channels), generator=torch.Generator().manual_seed(1))


def test_it_learns_on_top_of_the_weights_that_it_was_given(weights: Path) -> None:
    encoder = prepared(TINY.with_weights(weights))
    published = EfficientNetLite(TINY.stages, TINY.backbone_width)
    load_pretrained(published, published_weights(TINY.backbone_width))
    for name, value in published.state_dict().items():
        assert torch.equal(encoder.net.state_dict()[name], value)
    learnt = {name for name, _ in encoder.named_parameters()}
    assert not any(name.startswith('net.') for name in learnt)
    assert 'project.0.weight' in learnt


def test_what_it_sees_of_a_frame_is_the_same_while_it_learns(weights: Path) -> None:
    encoder = prepared(TINY.with_weights(weights))
    frames = windows().flatten(0, 1)
    with torch.no_grad():
        seen = encoder.look(frames)
        assert torch.equal(encoder.train().look(frames), seen)
        alone = encoder.look(frames[5:6])
    torch.testing.assert_close(alone[0], seen[5], atol=1e-5, rtol=1e-4)


def test_features_are_standardised_by_the_windows_that_it_was_shown() -> None:
    encoder = prepared(TINY)
    with torch.no_grad():
        features = encoder.look_in_parts(windows().flatten(0, 1)).unflatten(0, (3, 4))
        seen = (torch.cat(encoder._describe(features)) - encoder.mean) / encoder.std
    torch.testing.assert_close(seen.mean(dim=0), torch.zeros(len(encoder.mean)), atol=1e-4, rtol=0)
    assert 0.5 < seen.std(dim=0).median() < 1.1


@pytest.mark.parametrize(
    ('channels', 'as_rgb'),
    [(1, [[0], [0], [0]]), (2, [[0], [1], [0]]), (6, [[0, 3], [1, 4], [2, 5]])],
)
def test_frames_of_any_channels_are_seen(channels: int, as_rgb: list[list[int]]) -> None:
    given = windows(1, channels)[0]
    colour = torch.stack([given[..., each].mean(dim=-1) for each in as_rgb], dim=-1)
    with torch.no_grad():
        seen, wanted = prepared(TINY, channels).look(given), prepared(TINY).look(colour)
    torch.testing.assert_close(seen, wanted, atol=1e-5, rtol=1e-4)


def test_frames_are_scaled_to_the_side_that_is_asked_for() -> None:
    encoder, sizes = prepared(TINY), []
    encoder.net.stem.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape[-2:]))
    with torch.no_grad():
        for height, width in ((24, 32), (12, 16), (64, 32), (90, 120)):
            encoder.look(torch.zeros((1, height, width, 3)))
    assert sizes == [(24, 32), (24, 32), (32, 16), (24, 32)]


def test_windows_and_their_features_give_the_same_answer() -> None:
    standardise = StandardiseStep(mean=(100.0,) * 3, std=(50.0,) * 3)
    torch.manual_seed(0)
    classifier = Classifier(Preprocessing([standardise]), TINY, 3, 4).eval()
    raw = 100 + 50 * windows()
    assert isinstance(classifier.encoder, CameraEfficientNetEncoder)
    with torch.no_grad():
        frames = classifier.preprocessing(raw).flatten(0, 1)
        features = classifier.encoder.look_in_parts(frames).unflatten(0, raw.shape[:2])
        torch.testing.assert_close(classifier(features), classifier(raw), atol=1e-5, rtol=1e-4)


def test_a_bundle_holds_the_weights_and_says_which_they_were(
    weights: Path, tmp_path: Path
) -> None:
    config = TINY.with_weights(weights)
    info = BundleInfo(
        labels=('sit', 'walk'),
        sensor='camera',
        stream=CameraStream(pixels='rgb', height=24, width=32),
        window=WindowingSpec(length_ns=SECOND_NS, rate_hz=4, margin_ns=SECOND_NS // 4),
        preprocessing=(),
        encoder=config,
        method='unimodal',
    )
    classifier = info.make_classifier()
    assert isinstance(classifier.encoder, CameraEfficientNetEncoder)
    with torch.no_grad():
        classifier.encoder.prepare(windows())
        expected = classifier.eval()(windows())
    save_bundle(tmp_path / 'bundle', info, classifier, windows()[0])
    weights.unlink()
    bundle = load_bundle(tmp_path / 'bundle')
    assert torch.equal(bundle.logits(windows()), expected)
    document = json.loads((tmp_path / 'bundle' / 'bundle.json').read_text())
    assert document['encoder']['pretrained'] == config.pretrained
    assert len(config.pretrained) == 64
    assert 'published' not in json.dumps(document)


def test_it_never_learns_on_top_of_weights_that_were_lost(weights: Path) -> None:
    document = TINY.with_weights(weights).model_dump()
    with pytest.raises(ConfigurationError, match='not known: a document does not say it'):
        prepared(CameraEfficientNetConfig.model_validate(document))


def test_weights_of_another_net_are_told_with_their_file(weights: Path) -> None:
    config = TINY.model_copy(update={'backbone_width': 0.5}).with_weights(weights)
    with pytest.raises(ConfigurationError, match=r'published\.safetensors cannot be used: .* is'):
        prepared(config)
