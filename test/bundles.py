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

"""Small valid bundles for tests that need a model but do not care what it has learnt."""

from collections.abc import Sequence
import hashlib
import json
from pathlib import Path

from safetensors.torch import load_file, save_file
import torch

from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.stream import ImuChannels, ImuStream
from xmodal_ros.modalities.registry import StreamSpec
from xmodal_ros.modalities.skeleton.stream import SkeletonStream
from xmodal_ros.models.bundle import save_bundle
from xmodal_ros.models.configuration_audio_bcresnet import AudioBcResNetConfig
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.models.configuration_encoder import EncoderSpec
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.configuration_preprocessing import (
    LogMelStep,
    PreprocessingStep,
    StandardiseStep,
)
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

LABELS = ('sit', 'walk', 'wave')


def make_imu_bundle(
    path: Path,
    labels: Sequence[str] = LABELS,
    seed: int = 0,
    *,
    sensor: str = 'imu',
    channels: ImuChannels = 'acc_gyro',
    window: WindowingSpec | None = None,
    unknown_threshold: float = 0.0,
) -> Path:
    """Save an untrained bundle for IMU windows (2 s every 0.5 s at 50 Hz unless given)."""
    stream = ImuStream(channels=channels)
    spec = window or WindowingSpec(rate_hz=50)
    return _save(
        path, stream, ImuCnnConfig(width=16, dim=16), spec, labels, seed, sensor, unknown_threshold
    )


def make_camera_bundle(
    path: Path,
    labels: Sequence[str] = LABELS,
    seed: int = 0,
    *,
    sensor: str = 'camera',
    window: WindowingSpec | None = None,
) -> Path:
    """Save an untrained bundle for small gray camera windows (2 s every 0.5 s at 4 Hz)."""
    stream = CameraStream(pixels='gray', height=16, width=16)
    spec = window or WindowingSpec(rate_hz=4, margin_ns=SECOND_NS // 2)
    return _save(path, stream, CameraCnnConfig(width=8, dim=16), spec, labels, seed, sensor, 0.0)


def make_audio_bundle(
    path: Path,
    labels: Sequence[str] = LABELS,
    seed: int = 0,
    *,
    sensor: str = 'microphone',
    window: WindowingSpec | None = None,
) -> Path:
    """Save an untrained bundle for windows of sound (2 s every 0.5 s at 16 kHz unless given)."""
    spec = window or WindowingSpec(rate_hz=16_000)
    encoder = AudioBcResNetConfig(width=8, dim=16)
    return _save(path, AudioStream(), encoder, spec, labels, seed, sensor, 0.0)


def make_skeleton_bundle(
    path: Path,
    labels: Sequence[str] = LABELS,
    seed: int = 0,
    *,
    sensor: str = 'skeleton',
    joints: int = 5,
    window: WindowingSpec | None = None,
) -> Path:
    """Save an untrained bundle for windows of a skeleton (2 s every 0.5 s at 20 Hz)."""
    spec = window or WindowingSpec(rate_hz=20)
    stream, encoder = SkeletonStream(joints=joints), ImuCnnConfig(width=16, dim=16)
    return _save(path, stream, encoder, spec, labels, seed, sensor, 0.0)


def rewrite_document(path: Path, **changes: object) -> None:
    """Change what a bundle's document says as if it had been written so, valid or not."""
    document, golden = path / 'bundle.json', path / 'golden.safetensors'
    content = {**json.loads(document.read_text()), **changes}
    document.write_text(json.dumps(content))
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    save_file(load_file(golden), golden, {'bundle_json_sha256': digest})


def _save(
    path: Path,
    stream: StreamSpec,
    encoder: EncoderSpec,
    window: WindowingSpec,
    labels: Sequence[str],
    seed: int,
    sensor: str,
    unknown_threshold: float,
) -> Path:
    steps, scale = _preprocessing(stream, window)
    info = BundleInfo(
        labels=tuple(labels),
        sensor=sensor,
        stream=stream,
        window=window,
        preprocessing=steps,
        encoder=encoder,
        method='unimodal',
        unknown_threshold=unknown_threshold,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = info.make_classifier()
        golden = scale * torch.randn(info.window_shape)
    save_bundle(path, info, classifier, golden)
    return path


def _preprocessing(
    stream: StreamSpec, window: WindowingSpec
) -> tuple[tuple[PreprocessingStep, ...], float]:
    """Give plausible steps, and the scale of the stream's values."""
    if isinstance(stream, AudioStream):
        log_mel = LogMelStep(rate_hz=window.rate_hz)
        bands = log_mel.bands
        return (log_mel, StandardiseStep(mean=(-12.0,) * bands, std=(3.0,) * bands)), 0.1
    channels = stream.channel_count
    return (StandardiseStep(mean=(0.0,) * channels, std=(5.0,) * channels),), 5.0
