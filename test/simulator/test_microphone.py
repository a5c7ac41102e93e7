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

import numpy as np
import pytest

from test.simulator.performances import perform, stand_still
from xmodal_ros.simulator.clock import SensorClock
from xmodal_ros.simulator.microphone import CHUNK_SAMPLES, SimulatedMicrophone
from xmodal_ros.simulator.motion import SoundCue
from xmodal_ros.simulator.voices import AUDIO_RATE_HZ, band_noise, make_sound, Timbre

CLOCK = SensorClock(1_000_000_000, 0.0002, (0.001, 0.006))
TIMBRE = Timbre(1.0, 1.0, 1.0)
VOICES = ['step', 'clap', 'hammer', 'saw', 'sweep', 'key', 'rustle', 'breath', 'sip', 'clink']


def listen(performance):
    """Give the samples in [-1, 1] and the time that sound takes to the robot."""
    microphone = SimulatedMicrophone(performance, CLOCK)
    samples = np.concatenate([samples for _, _, samples in microphone.chunks()])
    return samples / 32768.0, microphone._delay


def energy(samples, start, seconds):
    first = int(start * AUDIO_RATE_HZ)
    return float((samples[first : first + int(seconds * AUDIO_RATE_HZ)] ** 2).sum())


@pytest.mark.parametrize('activity', ['walking', 'jogging'])
def test_footsteps_sound_when_a_foot_lands_in_front(activity):
    performance = perform(activity, duration=12.0)
    steps = np.array([sound.time for sound in performance.sounds])
    assert len(steps) > 8
    pose = performance.pose(steps)
    heading = np.stack([np.cos(pose.heading), np.sin(pose.heading)], axis=1)
    heels = np.stack([pose.joints[side + 'heel'] for side in ('d_', 'o_')])
    ahead = ((heels - pose.joints['pelvis'])[..., :2] * heading).sum(axis=2)
    landing = ahead.argmax(axis=0)
    # Feet take turns, and the one that lands is ahead and near the floor.
    assert (np.diff(landing) != 0).all()
    height = np.take_along_axis(heels[..., 2], landing[None], axis=0)[0]
    assert (height < 0.2 * performance.person.scale).all()
    # It is then as far ahead as it ever gets, or nearly.
    grid = performance.pose(np.arange(2.0, 10.0, 0.01))
    forward = np.stack([np.cos(grid.heading), np.sin(grid.heading)], axis=1)
    reach = ((grid.joints['d_heel'] - grid.joints['pelvis'])[:, :2] * forward).sum(axis=1)
    assert (ahead.max(axis=0) > reach.max() - 0.3 * np.ptp(reach)).all()


def test_sound_of_footsteps_coincides_with_the_contacts():
    performance = perform('jogging', duration=12.0)
    samples, delay = listen(performance)
    low = np.convolve(samples, np.ones(16) / 16, mode='same')
    ratios = [
        energy(low, sound.time + delay, 0.06) / energy(low, sound.time + delay - 0.08, 0.06)
        for sound in performance.sounds
    ]
    assert np.median(ratios) > 3.0
    # Halfway between steps nothing rises.
    offset = 0.5 * np.median(np.diff([sound.time for sound in performance.sounds]))
    between = [
        energy(low, sound.time + delay + offset, 0.06)
        / energy(low, sound.time + delay + offset - 0.08, 0.06)
        for sound in performance.sounds
    ]
    assert np.median(between) < 1.5


@pytest.mark.parametrize('kind', VOICES)
def test_every_voice_is_heard_and_short_and_never_twice_the_same(kind):
    rng = np.random.default_rng(0)
    sound = SoundCue(0.0, kind, 1.0, 0.3)
    once, again = make_sound(sound, TIMBRE, rng), make_sound(sound, TIMBRE, rng)
    assert np.isfinite(once).all()
    assert 1e-4 < np.abs(once).max() < 1.0
    assert len(once) <= AUDIO_RATE_HZ
    assert not np.array_equal(once, again[: len(once)])


def test_hammer_is_louder_than_typing_and_both_louder_than_a_sleeve():
    rng = np.random.default_rng(0)
    loudness = {
        kind: float(
            np.mean(
                [
                    np.abs(make_sound(SoundCue(0, kind, 1.0, 0.3), TIMBRE, rng)).max()
                    for _ in range(10)
                ]
            )
        )
        for kind in ('hammer', 'key', 'rustle')
    }
    assert loudness['hammer'] > 2 * loudness['key'] > 2 * loudness['rustle']


def test_gain_scales_a_sound():
    loud = make_sound(SoundCue(0.0, 'clap', 2.0), TIMBRE, np.random.default_rng(1))
    plain = make_sound(SoundCue(0.0, 'clap', 1.0), TIMBRE, np.random.default_rng(1))
    np.testing.assert_allclose(loud, 2 * plain, rtol=1e-6)


def test_noise_keeps_to_its_band():
    noise = band_noise(np.random.default_rng(0), AUDIO_RATE_HZ, 1000, 3000)
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / AUDIO_RATE_HZ)
    inside = power[(hertz > 800) & (hertz < 3500)].sum()
    assert inside > 0.9 * power.sum()
    assert noise.std() == pytest.approx(1.0, rel=1e-3)


def test_clap_is_followed_by_the_room_s_echo():
    performance = stand_still(sounds=tuple(SoundCue(t, 'clap', 6.0) for t in (2.0, 4.0, 6.0)))
    samples, delay = listen(performance)
    early = sum(energy(samples, t + delay, 0.05) for t in (2.0, 4.0, 6.0))
    tail = sum(energy(samples, t + delay + 0.1, 0.05) for t in (2.0, 4.0, 6.0))
    before = sum(energy(samples, t + delay - 0.1, 0.05) for t in (2.0, 4.0, 6.0))
    assert early > 5 * tail > 5 * 1.3 * before


def test_sound_goes_on_over_the_seam_of_two_blocks():
    seam = 312 * CHUNK_SAMPLES / AUDIO_RATE_HZ
    slow = SoundCue(seam - 0.5, 'saw', 3.0, 1.0)
    performance = stand_still(duration=14.0, sounds=(slow,))
    samples, delay = listen(performance)
    first = energy(samples, seam - 0.25 + delay, 0.25)
    second = energy(samples, seam + delay, 0.25)
    assert second == pytest.approx(first, rel=0.5)
    assert second > 20 * energy(samples, seam + 2.0, 0.25)


def test_echo_goes_on_over_the_seam_of_two_blocks():
    seam = 312 * CHUNK_SAMPLES / AUDIO_RATE_HZ
    _, delay = listen(stand_still())
    claps = tuple(SoundCue(seam - 0.02 - delay, 'clap', 4.0) for _ in range(3))
    samples, _ = listen(stand_still(duration=14.0, sounds=claps))
    assert energy(samples, seam + 0.04, 0.05) > 5 * energy(samples, seam + 1.5, 0.05)


def test_chunks_are_stamped_by_their_first_sample_and_sent_when_full():
    chunks = list(SimulatedMicrophone(stand_still(), CLOCK).chunks())
    assert len(chunks) == 8 * AUDIO_RATE_HZ // CHUNK_SAMPLES
    length_ns = CHUNK_SAMPLES / AUDIO_RATE_HZ * 1e9
    stamps = np.array([stamp for stamp, _, _ in chunks])
    assert np.diff(stamps).mean() == pytest.approx(length_ns, rel=1e-3)
    for stamp, received, samples in chunks:
        assert received >= stamp + length_ns
        assert samples.shape == (CHUNK_SAMPLES,)
        assert samples.dtype == np.int16
