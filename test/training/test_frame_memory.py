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

"""What a fixed net sees of frames is computed once a frame, and learning from it is the same."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file
import torch

from test.models.published_weights import published_weights
from test.training.small_trainer import SETTINGS, TARGET, trainer
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.data.window_array import InMemoryStream, LazyWindows
from xmodal_ros.methods.method import make_method
from xmodal_ros.modalities.augmentation import NoAugmentation
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_camera_efficientnet import CameraEfficientNetConfig
from xmodal_ros.models.frame_encoder import FrameEncoder
from xmodal_ros.models.modeling_camera_efficientnet import CameraEfficientNetEncoder
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.progress import NullReporter
from xmodal_ros.training.frame_memory import FrameMemory
from xmodal_ros.training.trainer import predict_logits, prepare_encoder, repeatable
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

CONFIG = CameraEfficientNetConfig(width=16, dim=16, side=32, stages=2, backbone_width=0.25)
STEPS = 4


def frames(count: int, label: int = 0) -> np.ndarray:
    """Noise, brighter in one of three places."""
    made = np.random.default_rng(label).integers(0, 60, (count, 24, 32, 3)).astype(np.uint8)
    made[:, 8 * label : 8 * label + 8] += 120
    return made


def classifier() -> Classifier:
    torch.manual_seed(0)
    return Classifier(Preprocessing([]), CONFIG, 3, 3).eval()


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames were looked at each time."""
    counts: list[int] = []
    look = FrameEncoder.look_in_parts

    def counting(self: FrameEncoder, given: torch.Tensor) -> torch.Tensor:
        counts.append(len(given))
        return look(self, given)

    monkeypatch.setattr(FrameEncoder, 'look_in_parts', counting)
    return counts


def test_a_frame_of_many_windows_is_looked_at_once_and_one_of_none_never(
    looked_at: list[int],
) -> None:
    # No window is of the last.
    streams = [InMemoryStream(frames(count, 1)) for count in (20, 9, 5)]
    firsts = np.array([2, 3, 4, 10, 1])
    windows = LazyWindows(streams, np.array([0, 0, 0, 0, 1]), firsts, STEPS)
    memory = FrameMemory(classifier())
    features = memory(windows, NullReporter(), 'camera')
    assert sum(looked_at) == 6 + 4 + 4
    # Another part of the same recording adds those that are new.
    others = LazyWindows(streams, np.array([0, 1]), np.array([4, 3]), STEPS)
    memory(others, NullReporter(), 'camera')
    assert sum(looked_at) == 14 + 0 + 2
    alone = memory(np.asarray(windows), NullReporter(), 'camera')
    np.testing.assert_allclose(np.asarray(features), alone, atol=1e-5, rtol=1e-4)
    assert features.shape == alone.shape == (5, STEPS, 32)


def test_few_windows_tell_how_features_spread(looked_at: list[int]) -> None:
    made = classifier()
    prepare_encoder(made, examples(90, 0))
    assert 0 < sum(looked_at) <= 32 * STEPS
    assert isinstance(made.encoder, CameraEfficientNetEncoder)
    assert made.encoder.std.std() > 0


def examples(count: int, first: int) -> WindowsDataset:
    labels = np.arange(count) % 3
    streams = [InMemoryStream(frames(STEPS + 1, label)) for label in labels.tolist()]
    values = LazyWindows(streams, np.arange(count), np.ones(count, np.int64), STEPS)
    ends_ns = (np.arange(count) + first) * SECOND_NS
    return WindowsDataset(values, labels, np.zeros(count, np.int64), ends_ns)


def test_what_learns_from_features_answers_raw_windows_the_same(
    tmp_path: Path, looked_at: list[int]
) -> None:
    save_file(published_weights(0.25), tmp_path / 'weights.safetensors')
    window = WindowingSpec(length_ns=SECOND_NS, rate_hz=4, margin_ns=SECOND_NS // 4)
    encoder = CONFIG.with_weights(tmp_path / 'weights.safetensors')
    stream = CameraStream(pixels='rgb', height=24, width=32)
    recipe = Recipe(stream, window, encoder, (), NoAugmentation(), fit=SETTINGS)
    sets = {TARGET: DatasetSplit(examples(24, 0), examples(9, 24), {})}
    with repeatable(0):
        learning = trainer((), recipes={TARGET: recipe}, sets=sets)
        fitted = make_method('unimodal').train_target(learning)
        seen = sum(looked_at)
        # Two classifiers were prepared; two epochs showed each frame twice more.
        assert seen <= STEPS * (24 + 9) + 2 * STEPS * 24
        raw = predict_logits(fitted.classifier, sets[TARGET].validation.values)
        shown = learning.read(TARGET, sets[TARGET].validation.values)
        from_features = predict_logits(fitted.classifier, shown)
    torch.testing.assert_close(from_features, raw, atol=1e-4, rtol=1e-3)
    assert raw.std() > 0
