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

"""A model in figures: counted by hand here, by hooks there."""

from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.registry import StreamSpec
from xmodal_ros.models.configuration_audio_bcresnet import AudioBcResNetConfig
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_encoder import EncoderSpec
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.configuration_patch import AttentionPatchConfig, PatchSpec
from xmodal_ros.models.configuration_preprocessing import (
    LogMelStep,
    MagnitudeStep,
    PreprocessingStep,
)
from xmodal_ros.models.description import describe_model
from xmodal_ros.windows.windowing import WindowingSpec


def info(
    stream: StreamSpec,
    rate_hz: int,
    encoder: EncoderSpec,
    steps: tuple[PreprocessingStep, ...] = (),
    patch: PatchSpec | None = None,
) -> BundleInfo:
    return BundleInfo(
        labels=('sit', 'walk', 'wave'),
        sensor='sensor',
        stream=stream,
        window=WindowingSpec(rate_hz=rate_hz),
        preprocessing=steps,
        encoder=encoder,
        patch=patch,
        method='unimodal',
    )


def test_every_part_is_counted():
    model = describe_model(
        info(ImuStream(), 50, ImuCnnConfig(width=16, dim=32), (MagnitudeStep(),))
    )
    assert (model.window, model.frames, model.tokens) == ((100, 6), (100, 8), (13, 32))
    preprocessing, encoder, attention, head = model.parts
    assert preprocessing.parameters == preprocessing.macs == 0
    # Kernels of 7 over 8, 16, 16 and 16 channels, at 50, 25, 13 and 13 places.
    kernels = [8 * 16 * 7, 16 * 16 * 7, 16 * 16 * 7, 16 * 32 * 7]
    assert encoder.parameters == sum(kernels) + 3 * (3 * 16 + 32)
    assert encoder.macs == sum(k * n for k, n in zip(kernels, (50, 25, 13, 13), strict=True))
    # Four projections of every token, and each token with each, twice.
    assert attention.parameters == 4 * (32 * 32 + 32) + 2 * 32
    assert attention.macs == 4 * 13 * 32 * 32 + 2 * 13 * 13 * 32
    assert head.parameters == 32 * 3 + 3 + 2 * 32
    assert head.macs == 32 * 3
    assert model.parameters == sum(part.parameters for part in model.parts)
    assert model.macs == sum(part.macs for part in model.parts)
    assert model.bank == 0


def test_a_bank_costs_but_is_not_learnt():
    patch = AttentionPatchConfig(bank=100, key_dim=8, value_dim=5)
    model = describe_model(info(ImuStream(), 50, ImuCnnConfig(width=16, dim=32), patch=patch))
    (part,) = (part for part in model.parts if part.name == 'patch')
    assert model.bank == 100
    assert part.parameters == 32 * 8 + 1
    assert part.macs == 32 * 8 + 100 * 8 + 100 * 5
    assert model.parts[-1].macs == (32 + 5) * 3


def test_the_bands_of_sound_are_counted_with_preprocessing():
    steps = (LogMelStep(rate_hz=16_000),)
    model = describe_model(info(AudioStream(), 16_000, AudioBcResNetConfig(width=8), steps))
    assert model.frames == (197, 64)
    assert model.parts[0].macs == 197 * 257 * 64
