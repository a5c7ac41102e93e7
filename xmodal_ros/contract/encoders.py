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

"""What every encoder must hold.

:func:`check_encoder` runs all checks. A test suite that wants them one by one takes
:data:`ENCODER_CHECKS`::

    @pytest.mark.parametrize('check', ENCODER_CHECKS)
    def test_my_encoder(check):
        check(MyEncoderConfig())

Each raises AssertionError for what does not hold, and unittest's SkipTest, which pytest knows,
where a package that it needs is missing. They run on the CPU.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
import tempfile
from typing import Final, get_args

from pydantic import TypeAdapter
import torch
from torch import nn, Tensor

from xmodal_ros.contract.export import require_onnx_parity
from xmodal_ros.contract.require import require, require_close, require_equal, run_checks
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.registry import StreamSpec
from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.bundle import load_bundle, save_bundle
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_encoder import (
    encoder_class,
    EncoderConfig,
    EncoderSpec,
    Size,
)
from xmodal_ros.models.configuration_preprocessing import LogMelStep, PreprocessingStep
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

_BATCH: Final = 4
_SHORTEST_STEPS: Final = range(1, 9)


@dataclass(frozen=True)
class _Sample:
    """A small model of an encoder: a stream, its windows, and preprocessing without statistics."""

    stream: StreamSpec
    window: WindowingSpec
    preprocessing: tuple[PreprocessingStep, ...] = ()


_SAMPLES: Final[Mapping[EncoderInput, _Sample]] = {
    'sequence': _Sample(ImuStream(), WindowingSpec(rate_hz=50)),
    'pictures': _Sample(
        CameraStream(pixels='gray', height=24, width=32),
        WindowingSpec(rate_hz=8, margin_ns=SECOND_NS // 8),
    ),
    'spectrogram': _Sample(
        AudioStream(),
        WindowingSpec(length_ns=SECOND_NS, rate_hz=16_000),
        (LogMelStep(rate_hz=16_000),),
    ),
}


def check_encoder(config: EncoderConfig) -> None:
    """Run every check on an encoder; raises AssertionError for the first that does not hold."""
    run_checks(ENCODER_CHECKS, config)


def check_document(config: EncoderConfig) -> None:
    """Its JSON gives it again, by its kind, which is the name of its entry point."""
    found = encoder_class(config.kind)
    require(found is type(config), f'the entry point {config.kind!r} is {found}, not {config!r}')
    adapter: TypeAdapter[EncoderConfig] = TypeAdapter(EncoderSpec)
    again = adapter.validate_json(adapter.dump_json(config))
    require(again == config, f'{config!r} comes back from JSON as {again!r}')


def check_tokens(config: EncoderConfig) -> None:
    """Windows become tokens (B, T, d) of float32, in every size, and are left as they are."""
    windows = _windows(config)
    before = windows.clone()
    for size in get_args(Size):
        tokens = _answer(_build(config.sized(size)), windows)
        expected = (_BATCH, tokens.shape[1], config.dim)
        require(
            tokens.shape == expected and tokens.shape[1] > 0 and tokens.dtype == torch.float32,
            f'{size}: tokens are {tuple(tokens.shape)} of {tokens.dtype}, not {expected} of '
            'float32 with at least one token',
        )
        require(bool(tokens.isfinite().all()), f'{size}: some tokens are no numbers')
    require_equal(windows, before, 'the windows that it was given are changed')


def check_short_windows(config: EncoderConfig) -> None:
    """What ``check_window`` lets pass becomes at least one token."""
    encoder, windows = _build(config), _windows(config)
    for steps in _SHORTEST_STEPS:
        try:
            config.check_window(steps)
        except ValueError:
            continue
        tokens = _answer(encoder, windows[:, :steps])
        require(tokens.shape[1] > 0, f'windows of {steps} steps become no token')


def check_seed(config: EncoderConfig) -> None:
    """The same seed gives the same weights, and another seed others."""
    first, again, other = (_build(config, seed).state_dict() for seed in (0, 0, 1))
    require(first.keys() == again.keys(), 'its parameters are not always of the same names')
    for name, value in first.items():
        require_equal(again[name], value, f'{name} differs under the same seed')
    require(
        any(not torch.equal(other[name], value) for name, value in first.items()),
        'no weight depends on the seed',
    )


def check_batch(config: EncoderConfig) -> None:
    """A window alone, as on a robot, gives what it gives among others."""
    encoder, windows = _build(config), _windows(config)
    together = _answer(encoder, windows)
    for row in range(_BATCH):
        alone = _answer(encoder, windows[row : row + 1])
        require_close(alone[0], together[row], f'window {row} gives other tokens alone')


def check_evaluation(config: EncoderConfig) -> None:
    """In eval mode the same windows give the same tokens, and nothing is learnt by looking."""
    encoder, windows = _build(config), _windows(config)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    first = _answer(encoder, windows)
    require_equal(_answer(encoder, windows), first, 'the same windows give other tokens')
    for name, value in encoder.state_dict().items():
        require_equal(value, before[name], f'{name} changes in eval mode')


def check_gradients(config: EncoderConfig) -> None:
    """Every parameter has a part in the tokens: none is without a gradient, or has one of zero."""
    encoder = _build(config)
    tokens: Tensor = encoder(_windows(config))
    # What is normalised last has a constant sum: a random one shows what is behind it.
    (tokens * torch.randn(tokens.shape, generator=_generator(2))).sum().backward()
    for name, parameter in encoder.named_parameters():
        gradient = parameter.grad
        require(gradient is not None, f'{name} gets no gradient')
        if gradient is not None:
            finite = bool(gradient.isfinite().all())
            require(finite and bool(gradient.any()), f'{name} has a gradient of zero or no number')


def check_bundle(config: EncoderConfig) -> None:
    """A model of it that is saved as a bundle and loaded again gives the same logits."""
    info, classifier, windows = _model(config)
    with torch.no_grad():
        expected = classifier(windows)
    with tempfile.TemporaryDirectory() as folder:
        save_bundle(Path(folder) / 'bundle', info, classifier, windows[0])
        bundle = load_bundle(Path(folder) / 'bundle')
        require(bundle.info.encoder == config, f'it comes back as {bundle.info.encoder!r}')
        require_equal(bundle.logits(windows), expected, 'once loaded it gives other logits')


def check_onnx(config: EncoderConfig) -> None:
    """A model of it gives the same logits as an ONNX graph, where onnxruntime is installed."""
    info, classifier, windows = _model(config)
    require_onnx_parity(info, classifier, windows[0])


ENCODER_CHECKS: Final[tuple[Callable[[EncoderConfig], None], ...]] = (
    check_document,
    check_tokens,
    check_short_windows,
    check_seed,
    check_batch,
    check_evaluation,
    check_gradients,
    check_bundle,
    check_onnx,
)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _info(config: EncoderConfig) -> BundleInfo:
    sample = _SAMPLES[config.input]
    return BundleInfo(
        labels=('sit', 'walk', 'wave'),
        sensor='sensor',
        stream=sample.stream,
        window=sample.window,
        preprocessing=sample.preprocessing,
        encoder=config,
        method='unimodal',
    )


def _model(config: EncoderConfig) -> tuple[BundleInfo, Classifier, Tensor]:
    """Give a fresh model of it, and raw windows (B, steps, ...)."""
    info = _info(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        classifier = info.make_classifier().eval()
    # Sound beyond 1 would be none; to the others the scale is nothing.
    windows = 0.3 * torch.randn((_BATCH, *info.window_shape), generator=_generator(1))
    return info, classifier, windows


def _build(config: EncoderConfig, seed: int = 0) -> nn.Module:
    info = _info(config)
    channels = Preprocessing(info.preprocessing).channels(info.stream.channel_count)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return config.build(channels).eval()


def _windows(config: EncoderConfig) -> Tensor:
    """Give preprocessed windows (B, steps, ...)."""
    _, classifier, raw = _model(config)
    with torch.no_grad():
        windows: Tensor = classifier.preprocessing(raw)
    return windows


def _answer(encoder: nn.Module, windows: Tensor) -> Tensor:
    with torch.no_grad():
        tokens: Tensor = encoder(windows)
    return tokens
