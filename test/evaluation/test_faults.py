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

"""Each fault does what it says, in its unit, and nothing at the severity that harms nothing."""

from collections.abc import Sequence

import numpy as np
import pytest

from test.messages import EPOCH, SECOND
from xmodal_ros.cli.evaluate import evaluate
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.fault_catalogue import choose, fault_names, faults_of
from xmodal_ros.modalities.audio.faults import Background
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.camera.faults import LowLight, PixelNoise
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.faults import Delay, Dropout, Jitter, LowerRate
from xmodal_ros.modalities.imu.faults import GYRO_SHARE, ImuNoise, Turned
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.streams.sample import Sample

MS = SECOND // 1000
RATE = 16_000


def imu(count: int = 1000) -> list[Sample]:
    rng = np.random.default_rng(1)
    return [Sample(EPOCH + i * 10 * MS, 'imu', rng.normal(0, 3, 6)) for i in range(count)]


def pictures(level: int = 128, count: int = 4) -> list[Sample]:
    frame = np.full((40, 40, 1), level, np.uint8)
    return [Sample(EPOCH + i * 100 * MS, 'camera', frame) for i in range(count)]


def sound(seconds: int = 4, pitch_hz: float = 440.0, chunk: int = 333) -> list[Sample]:
    times = np.arange(seconds * RATE) / RATE
    wave = (0.1 * np.sin(2 * np.pi * pitch_hz * times)).astype(np.float32)
    return [
        Sample(EPOCH + first * SECOND // RATE, 'mic', wave[first : first + chunk], RATE)
        for first in range(0, len(wave), chunk)
    ]


def joined(pieces: Sequence[Sample]) -> np.ndarray:
    return np.concatenate([each.values for each in pieces])


def same(one: Sequence[Sample], other: Sequence[Sample]) -> bool:
    return len(one) == len(other) and all(
        (a.stamp_ns, a.frame_id, a.rate_hz) == (b.stamp_ns, b.frame_id, b.rate_hz)
        and np.array_equal(a.values, b.values)
        for a, b in zip(one, other, strict=True)
    )


DEPTH = CameraStream(pixels='depth', height=16, width=16)
GRAY = CameraStream(pixels='gray', height=16, width=16)
STREAMS = {'imu': ImuStream(), 'picture': GRAY, 'depth': DEPTH, 'audio': AudioStream()}


@pytest.mark.parametrize(
    ('name', 'kind'),
    [
        (name, kind)
        for name, stream in STREAMS.items()
        for kind in faults_of(stream, fault_names())
    ],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_a_fault_repeats_by_its_seed_and_harms_nothing_where_it_says_so(name, kind):
    material = {'imu': imu(50), 'picture': pictures(), 'audio': sound(1)}
    material['depth'] = [
        Sample(e.stamp_ns, e.frame_id, e.values.astype(np.float32)) for e in pictures()
    ]
    for pieces in [material[name]]:
        fault = kind.make(kind.grid[-1])
        assert same(list(fault.apply(pieces, 3)), list(fault.apply(pieces, 3)))
        assert not same(list(fault.apply(pieces, 3)), pieces)
        # Darkness comes with the noise of photons, which is there in full light too.
        if kind.unharmed is not None and kind.make is not LowLight:
            unharmed = list(kind.make(kind.unharmed).apply(pieces, 3))
            assert len(unharmed) == len(pieces)
            for before, after in zip(pieces, unharmed, strict=True):
                assert after.stamp_ns == before.stamp_ns
                assert np.allclose(after.values, before.values, atol=1e-12)
                assert after.values.dtype == before.values.dtype


def test_lost_messages_are_a_share_and_stay_lost_when_more_are():
    pieces = imu()
    few, many = ({p.stamp_ns for p in Dropout(share).apply(pieces, 7)} for share in (0.2, 0.6))
    assert len(few) == pytest.approx(800, abs=40)
    assert len(many) == pytest.approx(400, abs=50)
    assert many < few
    assert list(Dropout(1.0).apply(pieces, 7)) == []


def test_late_stamps_are_late_by_as_much():
    late = list(Delay(0.25).apply(imu(5), 0))
    assert [p.stamp_ns for p in late] == [p.stamp_ns + 250 * MS for p in imu(5)]


def test_uneven_stamps_have_the_deviation_and_keep_the_order_of_arrival():
    pieces = imu(4000)
    off = np.array(
        [
            a.stamp_ns - b.stamp_ns
            for a, b in zip(Jitter(0.02).apply(pieces, 1), pieces, strict=True)
        ]
    )
    assert off.std() == pytest.approx(20 * MS, rel=0.05)
    assert abs(off.mean()) < 2 * MS


@pytest.mark.parametrize('factor', [1, 2, 4, 2.5])
def test_a_lower_rate_keeps_every_so_manyth_message(factor):
    kept = list(LowerRate(factor).apply(imu(1000), 0))
    assert len(kept) == pytest.approx(1000 / factor, abs=1)
    steps = np.diff([p.stamp_ns for p in kept]) / (10 * MS)
    assert set(steps) <= {int(factor), int(factor) + 1}


def test_sound_of_a_lower_rate_keeps_low_tones_where_they_were_and_loses_high_ones():
    for pitch_hz, left in ((440.0, 1.0), (3500.0, 0.0)):
        pieces = sound(pitch_hz=pitch_hz)
        slow = list(LowerRate(4).apply(pieces, 0))
        assert {p.rate_hz for p in slow} == {RATE // 4}
        wave = joined(slow)
        assert len(wave) == pytest.approx(len(joined(pieces)) / 4, abs=1)
        power = (wave[1000:] ** 2).mean() / (joined(pieces) ** 2).mean()
        assert power == pytest.approx(left, abs=0.03)
        # Chunks follow each other without a gap by their stamps and lengths.
        ends = [p.stamp_ns + len(p.values) * SECOND // p.rate_hz for p in slow[:-1]]
        gaps = [abs(end - p.stamp_ns) for end, p in zip(ends, slow[1:], strict=True)]
        assert max(gaps) <= SECOND // p_rate(slow)


def p_rate(pieces: Sequence[Sample]) -> int:
    return pieces[0].rate_hz


def test_noise_of_an_imu_has_the_strength_in_both_units():
    pieces = imu(4000)
    noise = joined(list(ImuNoise(2.0).apply(pieces, 1))) - joined(pieces)
    acc, gyro = noise.reshape(-1, 2, 3).std(axis=(0, 2))
    assert acc == pytest.approx(2.0, rel=0.05)
    assert gyro == pytest.approx(2.0 * GYRO_SHARE, rel=0.05)
    acc_only = [Sample(p.stamp_ns, p.frame_id, p.values[:3]) for p in pieces]
    assert next(ImuNoise(2.0).apply(acc_only, 1)).values.shape == (3,)


def test_noise_of_pixels_has_the_strength_and_leaves_unknown_depth_unknown():
    (noisy, *_) = PixelNoise(20).apply(pictures(), 1)
    assert noisy.values.dtype == np.uint8
    assert noisy.values.astype(float).std() == pytest.approx(20, rel=0.1)
    depth = np.full((40, 40, 1), 2, np.float32)
    depth[:10] = 0
    (far, *_) = PixelNoise(0.1).apply([Sample(EPOCH, 'depth', depth)], 1)
    assert far.values.dtype == np.float32
    assert (far.values[:10] == 0).all()
    assert far.values[10:].std() == pytest.approx(0.1, rel=0.1)


def test_less_light_is_darker_by_the_gamma_and_noisier_for_its_light():
    bright, dark = (next(LowLight(share).apply(pictures(), 1)).values for share in (1.0, 0.1))
    assert bright.mean() == pytest.approx(128, abs=1)
    assert dark.mean() == pytest.approx(128 * 0.1 ** (1 / 2.2), rel=0.03)
    assert dark.std() / dark.mean() > 2 * bright.std() / bright.mean()


def test_a_turned_imu_measures_the_same_lengths_and_angles():
    pieces = imu(20)
    turned = list(Turned(90).apply(pieces, 1))
    before, after = (joined(each).reshape(-1, 2, 3) for each in (pieces, turned))
    assert np.allclose(np.linalg.norm(before, axis=2), np.linalg.norm(after, axis=2))
    dots = [(each[:, 0] * each[:, 1]).sum(axis=1) for each in (before, after)]
    assert np.allclose(*dots)
    # The same turn for every sample, and another axis for another recording.
    assert not same(turned, list(Turned(90).apply(pieces, 2)))
    back = list(Turned(-90).apply(turned, 1))
    assert np.allclose(joined(back), joined(pieces))


@pytest.mark.parametrize('snr_db', [20.0, 0.0])
def test_background_sound_has_the_ratio_and_is_pink(snr_db):
    pieces = sound(16)
    noise = (joined(list(Background(snr_db).apply(pieces, 1))) - joined(pieces)).astype(float)
    ratio_db = 10 * np.log10((joined(pieces).astype(float) ** 2).mean() / (noise**2).mean())
    assert ratio_db == pytest.approx(snr_db, abs=1.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    octaves = [power[(hertz >= f) & (hertz < 2 * f)].sum() for f in (100, 400, 1600)]
    # Every octave holds as much.
    assert max(octaves) / min(octaves) < 1.5


def test_loud_background_is_clipped_and_silence_stays_silent():
    loud = joined(list(Background(-40).apply(sound(1), 1)))
    assert np.abs(loud).max() == 1
    assert loud.dtype == np.float32
    quiet = [Sample(p.stamp_ns, p.frame_id, np.zeros_like(p.values), RATE) for p in sound(1)]
    assert not joined(list(Background(0).apply(quiet, 1))).any()


def test_faults_are_those_that_can_befall_the_sensor():
    def names(stream):
        return [each.name for each in faults_of(stream, fault_names())]

    every = ['dropout', 'delay', 'jitter', 'rate']
    assert names(ImuStream()) == [*every, 'noise', 'rotation']
    assert names(GRAY) == [*every, 'noise', 'low_light']
    assert names(DEPTH) == [*every, 'noise']
    assert names(AudioStream()) == [*every, 'background']


def test_faults_are_chosen_by_name_and_others_refused_with_the_list():
    assert choose(['rotation', 'dropout']) == ('dropout', 'rotation')
    assert choose(['all']) == fault_names()
    assert choose([]) == ()
    with pytest.raises(ConfigurationError, match="did you mean 'dropout'"):
        choose(['drop_out'])


def test_the_help_names_every_fault():
    text = evaluate.__annotations__['robustness'].__metadata__[0].help
    assert all(name in text for name in fault_names())
