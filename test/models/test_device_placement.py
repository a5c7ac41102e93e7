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

"""A forward pass stays on its device: nothing is copied there on the way, nor waited for.

The device is torch's ``meta``, which has shapes but no numbers: whatever asks for one fails, as it
would make a GPU wait.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from test.bundles import LABELS, make_audio_bundle, make_camera_bundle, make_imu_bundle
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.configuration_ensemble import EnsembleConfig, MEMBERS
from xmodal_ros.models.configuration_patch import AttentionPatchConfig, GatedPatchConfig

META = torch.device('meta')


class OnOneDevice(TorchDispatchMode):
    """Collects the operations that take a tensor from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        # Numbers that Python holds are arguments of a kernel.
        if any(each.device != META and each.dim() for each in tensors):
            self.elsewhere.append(str(func))
        return func(*args, **(kwargs or {}))


def forward(classifier: torch.nn.Module, window: Tensor) -> tuple[Tensor, list[str]]:
    classifier, window = classifier.to(META).eval(), window.to(META)
    with torch.no_grad(), OnOneDevice() as watched:
        answer: Tensor = classifier(window)
    return answer, watched.elsewhere


@pytest.mark.parametrize('make', [make_imu_bundle, make_camera_bundle])
def test_a_window_is_classified_without_leaving_the_device(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    bundle = load_bundle(make(tmp_path / 'bundle'))
    answer, elsewhere = forward(bundle.classifier, torch.zeros((1, *bundle.info.window_shape)))
    assert answer.device == META
    assert answer.shape == (1, len(LABELS))
    assert elsewhere == []


def test_so_are_frames_of_sound(tmp_path: Path) -> None:
    bundle = load_bundle(make_audio_bundle(tmp_path / 'bundle'))
    # Of log-mel frames nobody knows on that device.
    frames = bundle.classifier.preprocessing(torch.zeros((1, *bundle.info.window_shape)))
    encoder = bundle.classifier.encoder
    answer, elsewhere = forward(encoder, frames)
    assert answer.device == META
    assert elsewhere == []


@pytest.mark.parametrize(
    'changes',
    [
        {'ensemble': EnsembleConfig(members=MEMBERS)},
        {'patch': AttentionPatchConfig(bank=37, key_dim=8, value_dim=16)},
        {'patch': GatedPatchConfig(bank=37, dim=8, top=5)},
    ],
)
def test_so_it_is_with_all_that_answers_beside_a_net(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    info = load_bundle(make_imu_bundle(tmp_path / 'bundle')).info.model_copy(update=changes)
    answer, elsewhere = forward(info.make_classifier(), torch.zeros((1, *info.window_shape)))
    assert answer.shape == (1, len(LABELS))
    assert elsewhere == []


def test_a_tensor_that_was_left_behind_is_seen() -> None:
    class Careless(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = torch.tensor([0, 1])

        def forward(self, window: Tensor) -> Tensor:
            return window[:, self.rows]

    _, elsewhere = forward(Careless(), torch.zeros((1, 4)))
    assert elsewhere


@pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no CUDA device')
def test_nothing_waits_for_a_gpu_within_a_forward_pass(tmp_path: Path) -> None:
    bundle = load_bundle(make_imu_bundle(tmp_path / 'bundle'), 'cuda')
    window = torch.zeros((1, *bundle.info.window_shape), device='cuda')
    with torch.inference_mode():
        bundle.classifier(window)
        torch.cuda.set_sync_debug_mode('error')
        try:
            bundle.classifier(window)
        finally:
            torch.cuda.set_sync_debug_mode('default')
