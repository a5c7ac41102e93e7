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

"""Bundles of the sizes that are trained by default, untrained: they take as long to answer."""

from pathlib import Path
from typing import Any, Final

from benchmarks.harness import once
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

MODELS: Final = ('imu', 'imu_auto', 'camera', 'audio')
# The first of which a hop holds a whole number is taken.
_RATES_HZ: Final = {'imu': (50,), 'camera': (8, 10), 'audio': (16_000,)}
_LABELS: Final = ('fall', 'run', 'sit', 'stand', 'walk', 'wave')


def model(folder: Path, name: str, hop_s: float = 0.5, *, onnx: bool = False) -> Path:
    """Give a bundle; ``_auto`` is one with the members that answer beside the net."""
    kind = f'{name}-{hop_s:g}' + ('-onnx' if onnx else '')
    return once(folder / 'models' / kind, lambda path: _make(path, name, hop_s, onnx=onnx))


def windowing(kind: str, hop_s: float) -> WindowingSpec:
    """Give the windows of a kind of sensor; raises ValueError for a hop between two samples.

    A camera's have 8 pictures a second, and 10 where the hop holds no whole number of those.
    """
    hop_ns, rates = round(hop_s * SECOND_NS), _RATES_HZ[kind]
    return WindowingSpec(
        length_ns=3 * SECOND_NS,
        hop_ns=hop_ns,
        rate_hz=next((each for each in rates if hop_ns * each % SECOND_NS == 0), rates[0]),
        margin_ns=SECOND_NS // 8,
        min_coverage=0.5,
    )


def _make(path: Path, name: str, hop_s: float, *, onnx: bool) -> None:
    import numpy as np
    import torch

    from xmodal_ros.modalities.camera.stream import CameraStream
    from xmodal_ros.modalities.registry import find_modality
    from xmodal_ros.models.bundle import load_bundle, save_bundle
    from xmodal_ros.models.configuration_bundle import BundleInfo
    from xmodal_ros.models.configuration_encoder import encoder_class
    from xmodal_ros.models.configuration_ensemble import EnsembleConfig, MEMBERS
    from xmodal_ros.models.configuration_preprocessing import LogMelStep, MotionStep
    from xmodal_ros.models.modeling_preprocessing import fit_standardise
    from xmodal_ros.models.onnx_export import export_onnx, write_onnx
    from xmodal_ros.runtime.devices import make_deterministic
    from xmodal_ros.training.forest import fit_forest

    kind = name.partition('_')[0]
    modality: Any = find_modality(kind)
    stream = CameraStream(pixels='gray', height=30, width=40)
    encoders = {'imu': 'imu_cnn', 'camera': 'camera_cnn', 'audio': 'audio_bcresnet'}
    derived: Any = {'imu': (), 'camera': (MotionStep(),), 'audio': (LogMelStep(rate_hz=16_000),)}[
        kind
    ]
    window = windowing(kind, hop_s)
    of = stream if kind == 'camera' else modality.Stream()
    # Threads that wait for others by spinning took most of the time.
    make_deterministic()
    torch.manual_seed(0)
    scale = {'imu': 5.0, 'camera': 50.0, 'audio': 0.1}[kind]
    count = 2000 if name.endswith('_auto') else 64
    windows = scale * torch.randn((count, window.steps, *of.sample_shape))
    encoder: Any = encoder_class(encoders[kind])
    info = BundleInfo(
        labels=_LABELS,
        sensor=kind,
        stream=of,
        window=window,
        preprocessing=(*derived, fit_standardise(derived, windows)),
        encoder=encoder(),
        ensemble=EnsembleConfig(members=MEMBERS) if name.endswith('_auto') else None,
        method='unimodal',
    )
    classifier = info.make_classifier()
    if classifier.ensemble is not None:
        with torch.no_grad():
            preprocessed = classifier.preprocessing(windows)
            labels = np.arange(len(windows)) % len(_LABELS)
            members: list[Any] = list(classifier.ensemble.members)
            for member in members:
                inputs = member.prepare(preprocessed, torch.Generator().manual_seed(0)).numpy()
                if member.config.forest is not None:
                    # As large as one that has learnt much.
                    fitted = fit_forest(inputs, labels, labels, [], len(_LABELS), 0)
                    member.take(fitted.forest)
                else:
                    torch.nn.init.normal_(member.answer.weight, std=0.05)
        configs = tuple(member.config for member in members)
        info = info.model_copy(update={'ensemble': EnsembleConfig(members=configs)})
    save_bundle(path, info, classifier, windows[0])
    if onnx:
        bundle = load_bundle(path)
        write_onnx(bundle, export_onnx(bundle))
