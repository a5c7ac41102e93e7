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

Where there is no GPU the device is torch's ``meta``, which has shapes but no numbers: whatever
asks for one fails, as it would make a GPU wait.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn, Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from test.bundles import LABELS, make_audio_bundle, make_camera_bundle, make_imu_bundle
from xmodal_ros import registry
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_encoder import encoder_class
from xmodal_ros.models.configuration_ensemble import EnsembleConfig, MEMBERS
from xmodal_ros.models.configuration_patch import AttentionPatchConfig, GatedPatchConfig
from xmodal_ros.non_blocking import to_device

META = torch.device('meta')
NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason='there is no CUDA device')


class OnOneDevice(TorchDispatchMode):
    """Collects the operations that take a tensor from elsewhere, be it a number in a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [x for x in pytree.tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        # Numbers of Python's own come as numbers.
        if any(each.device != META for each in tensors):
            self.elsewhere.append(str(func))
        return func(*args, **(kwargs or {}))


def forward(module: nn.Module, window: Tensor) -> tuple[Tensor, list[str]]:
    module, window = module.to(META).eval(), window.to(META)
    with torch.no_grad(), OnOneDevice() as watched:
        answer: Tensor = module(window)
    return answer, watched.elsewhere


@dataclass(frozen=True)
class Made:
    """A bundle, and what is different about its classifier."""

    make: Callable[[Path], Path]
    changes: dict[str, Any]

    def classifier(self, folder: Path) -> tuple[Classifier, Tensor]:
        """Give it, with fresh weights, and a raw window (1, steps, ...) on the CPU."""
        info = load_bundle(self.make(folder / 'bundle')).info.model_copy(update=self.changes)
        return info.make_classifier().eval(), torch.zeros((1, *info.window_shape))


BY_INPUT = {
    'sequence': make_imu_bundle,
    'pictures': make_camera_bundle,
    'spectrogram': make_audio_bundle,
}
# What is only larger otherwise.
SMALL: dict[str, dict[str, Any]] = {
    'camera_efficientnet': {'side': 32, 'stages': 2, 'backbone_width': 0.25}
}


def every_classifier() -> Iterator[Any]:
    """Give all encoders that are installed, and all that answers beside a net."""
    for kind in registry.names(registry.ENCODERS):
        config = encoder_class(kind).model_validate(SMALL.get(kind, {}))
        yield pytest.param(Made(BY_INPUT[config.input], {'encoder': config}), id=kind)
    beside: dict[str, dict[str, Any]] = {
        'ensemble': {'ensemble': EnsembleConfig(members=MEMBERS)},
        'gated': {'patch': GatedPatchConfig(bank=37, dim=8, top=5)},
        **{
            kernel: {
                'patch': AttentionPatchConfig(bank=37, key_dim=8, value_dim=16, kernel=kernel)
            }
            for kernel in ('exp', 'gaussian', 'laplace')
        },
    }
    for name, changes in beside.items():
        yield pytest.param(Made(make_imu_bundle, changes), id=name)


@pytest.mark.parametrize('made', [*every_classifier()])
def test_a_window_is_classified_without_leaving_the_device(tmp_path: Path, made: Made) -> None:
    classifier, window = made.classifier(tmp_path)
    if made.make is make_audio_bundle:
        # Of Fourier transforms nobody knows on that device.
        window = classifier.preprocessing(window)
        classifier.preprocessing = nn.Identity()  # type: ignore[assignment]
    answer, elsewhere = forward(classifier, window)
    assert answer.device == META
    assert answer.shape == (1, len(LABELS))
    assert elsewhere == []


class LeftBehind(nn.Module):
    def __init__(self, left: Tensor) -> None:
        super().__init__()
        self.left = left

    def forward(self, window: Tensor) -> Tensor:
        return window + self.left.to(window.device)


@pytest.mark.parametrize('left', [torch.tensor([0.0, 1.0]), torch.zeros(())])
def test_a_tensor_that_was_left_behind_is_seen(left: Tensor) -> None:
    _, elsewhere = forward(LeftBehind(left), torch.zeros((1, 2)))
    assert elsewhere


class Looking(nn.Module):
    def forward(self, window: Tensor) -> Tensor:
        return window if float(window.sum()) > 0 else -window


def test_a_number_that_is_asked_for_is_seen() -> None:
    with pytest.raises((RuntimeError, NotImplementedError)):
        forward(Looking(), torch.zeros((1, 2)))


@pytest.mark.parametrize('pins', [True, False])
def test_what_goes_to_a_gpu_goes_through_pinned_memory_and_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, pins: bool
) -> None:
    pinned: list[Tensor] = []

    def pin_memory(values: Tensor) -> Tensor:
        pinned.append(values)
        return values.clone()

    copied: list[tuple[bool, bool]] = []

    class Copies(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None):
            if func is torch.ops.aten._to_copy.default:
                copied.append((args[0] is not window, bool(kwargs.get('non_blocking'))))
            return func(*args, **(kwargs or {}))

    monkeypatch.setattr(Tensor, 'pin_memory', pin_memory)
    window = torch.zeros((1, 3))
    with Copies():
        there = to_device(window, META) if pins else window.to(META)
    assert there.device == META
    assert copied == [(pins, pins)]
    assert len(pinned) == pins


def test_on_the_cpu_nothing_is_pinned_or_copied() -> None:
    window = torch.zeros((1, 3))
    # Without a GPU torch refuses to pin.
    assert to_device(window, torch.device('cpu')) is window
    there = window.to(META)
    assert to_device(there, META) is there


@contextmanager
def refusing_to_wait() -> Iterator[None]:
    torch.cuda.set_sync_debug_mode('error')
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode('default')


@NEEDS_CUDA
@pytest.mark.parametrize('made', [*every_classifier()])
def test_nothing_waits_for_a_gpu_within_a_forward_pass(tmp_path: Path, made: Made) -> None:
    classifier, window = made.classifier(tmp_path)
    device = torch.device('cuda')
    classifier.to(device)
    with torch.inference_mode():
        # What is set up for the first may wait.
        classifier(to_device(window, device))
        with refusing_to_wait():
            answer = classifier(to_device(window, device))
    assert answer.device.type == 'cuda'


@NEEDS_CUDA
@pytest.mark.parametrize('careless', [Looking(), LeftBehind(torch.tensor([0.0, 1.0]))])
def test_what_waits_for_a_gpu_is_seen(careless: nn.Module) -> None:
    window = torch.zeros((1, 2), device='cuda')
    with refusing_to_wait(), pytest.raises(RuntimeError, match='synchroniz'):
        careless(window)
