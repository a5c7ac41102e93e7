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

"""Log-mel frames against scipy's spectrogram and a mel scale written down anew."""

import numpy as np
from pydantic import ValidationError
import pytest
from scipy.signal import spectrogram
import torch

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.models.configuration_preprocessing import LogMelStep
from xmodal_ros.models.modeling_preprocessing import fit_standardise, LogMel, Preprocessing
from xmodal_ros.windows.windowing import WindowingSpec

RATE = 16_000
STEP = LogMelStep(rate_hz=RATE)
TONE = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
NOISE = np.random.default_rng(0).normal(0, 0.1, RATE)


def log_mel(sound: np.ndarray) -> np.ndarray:
    frames: np.ndarray = Preprocessing([STEP])(torch.from_numpy(sound)[None])[0].numpy()
    return frames


def independent(sound: np.ndarray) -> np.ndarray:
    # torch lays the 400 samples of a frame into the middle of the 512 that it transforms.
    bins, _, power = spectrogram(
        sound[56:-56],
        RATE,
        window='hann',
        nperseg=400,
        noverlap=240,
        nfft=512,
        detrend=False,
        scaling='spectrum',
    )
    power[1:-1] /= 2  # scipy counts negative frequencies too
    bands = np.zeros((64, power.shape[1]))
    corner = [
        700 * (10 ** (mel / 2595) - 1)
        for mel in np.linspace(2595 * np.log10(1 + 50 / 700), 2595 * np.log10(1 + 8000 / 700), 66)
    ]
    for band in range(64):
        left, top, right = corner[band : band + 3]
        for index, frequency in enumerate(bins):
            if left < frequency <= top:
                bands[band] += (frequency - left) / (top - left) * power[index]
            elif top < frequency < right:
                bands[band] += (right - frequency) / (right - top) * power[index]
    return np.log(np.maximum(bands, 1e-10)).T


@pytest.mark.parametrize('sound', [TONE, NOISE, 1e-4 * NOISE + TONE])
def test_it_is_what_scipy_computes(sound):
    given, expected = log_mel(sound), independent(sound)
    assert given.shape == expected.shape == (97, 64)
    # Where a tone leaves next to nothing, float32 rounds.
    heard = expected > np.log(1e-9)
    np.testing.assert_allclose(given[heard], expected[heard], atol=2e-3)
    assert heard.any()


def test_a_tone_is_loudest_in_the_band_around_it_by_its_energy():
    frames = log_mel(TONE)
    centres = 700 * (10 ** (np.linspace(77.75, 2840.02, 66)[1:-1] / 2595) - 1)
    assert np.abs(centres - 1000).argmin() == frames.mean(axis=0).argmax()
    # Half of full scale is 6 dB below it.
    assert 0.25**2 * 0.8 < np.exp(frames.max()) < 0.5**2 / 2


def test_silence_is_the_floor():
    assert np.allclose(log_mel(np.zeros(RATE)), np.log(1e-10))


def test_gain_adds_a_constant():
    np.testing.assert_allclose(log_mel(10 * NOISE), log_mel(NOISE) + 2 * np.log(10), atol=1e-3)


def test_the_same_alone_as_among_others_and_every_time():
    sounds = torch.randn(5, RATE)
    preprocessing = Preprocessing([STEP])
    together = preprocessing(sounds)
    assert torch.equal(together, preprocessing(sounds))
    torch.testing.assert_close(together[2:3], preprocessing(sounds[2:3]))


def test_half_precision_around_it_changes_nothing():
    preprocessing = Preprocessing([STEP])
    sound = torch.randn(1, RATE)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(preprocessing(sound), preprocessing(sound.clone()))
        given = preprocessing(sound)
    assert torch.equal(given, preprocessing(sound))


def test_all_that_it_is_made_from_is_in_the_document():
    preprocessing = Preprocessing([STEP])
    assert not preprocessing.state_dict()
    assert preprocessing.channels(1) == 64
    again = LogMelStep.model_validate(STEP.model_dump(mode='json'))
    sound = torch.randn(1, RATE)
    assert torch.equal(Preprocessing([again])(sound), preprocessing(sound))


def test_statistics_of_many_windows_are_taken_in_parts():
    sounds = (0.1 * torch.randn(150, 4000)).half()
    step = fit_standardise([STEP], sounds)
    frames = Preprocessing([STEP])(sounds).flatten(0, 1).double()
    assert len(step.mean) == 64
    np.testing.assert_allclose(step.mean, frames.mean(dim=0), rtol=1e-6)
    np.testing.assert_allclose(step.std, frames.std(dim=0, correction=0), rtol=1e-6)


def test_sixteen_bits_of_storage_are_heard_by_nobody():
    loud = 0.5 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE) + 1e-3 * NOISE
    rounded = loud.astype(np.float16)
    noise = np.square(rounded - loud).mean() / np.square(loud).mean()
    assert 10 * np.log10(noise) < -70


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'bands': 256}, 'too narrow'),
        ({'lowest_hz': 8000}, 'not below half the rate'),
        ({'frame_s': 1e-5}, 'too few samples'),
        ({'floor': 0}, 'greater than 0'),
    ],
)
def test_what_cannot_be_computed_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        LogMelStep.model_validate({'rate_hz': RATE, **changes})


def test_a_real_recording_of_300_hz_sounds_like_that(shared_data):
    window = WindowingSpec(rate_hz=RATE)
    intake = SensorIntake(
        AudioStream(),
        window,
        'audio_common_msgs/msg/AudioData',
        audio_format=AudioFormat(RATE, 1, 'S16LE'),
    )
    with BagReader(shared_data / 'bags' / 'jsk_audio_300hz_mcap') as reader:
        windows = [
            found
            for message in reader.messages(['/audio'])
            for found in intake.push(message.data, message.received_ns)
        ]
    assert len(windows) > 20
    loudest = [log_mel(found.values.astype(np.float64)).mean(axis=0).argmax() for found in windows]
    centres = 700 * (10 ** (np.linspace(77.75, 2840.02, 66)[1:-1] / 2595) - 1)
    assert np.median(centres[loudest]) == pytest.approx(300, abs=20)


@pytest.mark.parametrize('rate_hz', [8_000, 16_000, 44_100])
def test_what_is_exported_sums_instead_of_making_short_transforms(rate_hz: int) -> None:
    rng = np.random.default_rng(0)
    times = np.arange(rate_hz) / rate_hz
    noisy = np.sin(2 * np.pi * 440 * times) + 1e-3 * rng.normal(size=rate_hz)
    sound = torch.from_numpy(noisy.astype(np.float32))[None]
    log_mel = LogMel(LogMelStep(rate_hz=rate_hz))
    exported = torch.export.export(log_mel, (sound,))
    graphs = [m.graph for m in exported.graph_module.modules() if hasattr(m, 'graph')]
    transforms = ['stft' in str(node.target) for graph in graphs for node in graph.nodes]
    assert any(transforms) is (rate_hz > 16_000)
    # Of what is 60 dB below a tone little more than that is known in float32.
    torch.testing.assert_close(exported.module()(sound), log_mel(sound), atol=2e-3, rtol=0)
