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

"""The sounds of things: each voice makes one short waveform, different every time.

Amplitudes are relative to full scale at the robot, before room and microphone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.simulator.motion import SoundCue

AUDIO_RATE_HZ: Final = 16_000
Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class Timbre:
    """What makes the same thing sound different at another person's: each about 1.

    ``pitch`` multiplies resonances, ``brightness`` the upper edge of noises, ``ring`` decays.
    """

    pitch: float
    brightness: float
    ring: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> 'Timbre':
        """Draw the timbre of one recording's floor, shoes, tools and hands."""
        pitch, brightness, ring = np.exp(rng.normal(0, [0.18, 0.25, 0.3]))
        return cls(float(pitch), float(brightness), float(ring))


def _time(seconds: float) -> Waveform:
    return (np.arange(max(16, int(seconds * AUDIO_RATE_HZ))) / AUDIO_RATE_HZ).astype(np.float32)


def band_noise(
    rng: np.random.Generator, count: int, low_hz: float, high_hz: float, tilt: float = 0.0
) -> Waveform:
    """Make ``count`` samples of noise within soft band edges, of unit power.

    ``tilt`` is the exponent of the amplitude's fall with frequency (0.5 is pink).
    """
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1.0 / AUDIO_RATE_HZ), 1.0)
    high_hz = min(high_hz, 0.48 * AUDIO_RATE_HZ)
    edges = 1.0 / (1.0 + (low_hz / hertz) ** 4) / (1.0 + (hertz / high_hz) ** 6)
    noise = np.fft.irfft(spectrum * edges * hertz**-tilt, count)
    return np.asarray(noise / max(float(noise.std()), 1e-9), np.float32)


def _strike(
    rng: np.random.Generator,
    modes: tuple[tuple[float, float, float], ...],
    timbre: Timbre,
    length_s: float,
) -> Waveform:
    """Ring modes (Hz, seconds of decay, amplitude), each a little off every time."""
    t = _time(length_s)
    wave = np.zeros_like(t)
    for hertz, decay, size in modes:
        tuned = hertz * timbre.pitch * np.exp(rng.normal(0, 0.03))
        envelope = np.exp(-t / (decay * timbre.ring))
        phase = rng.uniform(0, 2 * np.pi)
        wave += size * envelope * np.sin(2 * np.pi * tuned * t + phase)
    return np.asarray(wave * np.minimum(1.0, t / 0.001), np.float32)


def _burst(
    rng: np.random.Generator,
    seconds: float,
    attack: float,
    decay: float,
    band: tuple[float, float],
) -> Waveform:
    t = _time(seconds)
    noise = band_noise(rng, len(t), *band)
    return np.asarray(noise * np.minimum(1.0, t / attack) * np.exp(-t / decay), np.float32)


def _stroke(rng: np.random.Generator, seconds: float, band: tuple[float, float]) -> Waveform:
    """Rub for ``seconds``, loudest in the middle where the stroke is fastest."""
    count = len(_time(seconds))
    speed = np.sin(np.linspace(0.0, np.pi, count)).clip(0.0) ** 1.3
    return np.asarray(band_noise(rng, count, *band) * speed, np.float32)


def _add(*waves: Waveform) -> Waveform:
    total = np.zeros(max(map(len, waves)), np.float32)
    for wave in waves:
        total[: len(wave)] += wave
    return total


def _step(rng: np.random.Generator, timbre: Timbre) -> Waveform:
    thump = _strike(rng, ((75, 0.035, 0.5), (130, 0.03, 0.4), (240, 0.02, 0.2)), timbre, 0.2)
    tap = _burst(rng, 0.06, 0.001, 0.009, (250, 2200 * timbre.brightness))
    scuff = _burst(rng, 0.12, 0.03, 0.03, (900, 4500 * timbre.brightness))
    return 0.06 * _add(thump, 0.35 * tap, 0.10 * scuff)


def _clap(rng: np.random.Generator, timbre: Timbre) -> Waveform:
    cupped = 700 * timbre.pitch * float(np.exp(rng.normal(0, 0.12)))
    crack = _burst(rng, 0.05, 0.0005, 0.006, (cupped, 4200 * timbre.brightness))
    body = _burst(rng, 0.08, 0.001, 0.014, (cupped, 2.2 * cupped))
    return 0.13 * _add(crack, 0.7 * body)


def _hammer(rng: np.random.Generator, timbre: Timbre) -> Waveform:
    wood = _strike(rng, ((210, 0.03, 0.8), (430, 0.025, 0.6), (820, 0.015, 0.4)), timbre, 0.2)
    nail = _strike(
        rng, ((2300, 0.02, 0.25), (3600, 0.028, 0.25), (5300, 0.018, 0.15)), timbre, 0.2
    )
    knock = _burst(rng, 0.05, 0.0005, 0.006, (400, 5000 * timbre.brightness))
    return 0.16 * _add(wood, nail, 0.5 * knock)


def _saw(rng: np.random.Generator, timbre: Timbre, seconds: float) -> Waveform:
    rub = _stroke(rng, seconds, (900 * timbre.pitch, 4800 * timbre.brightness))
    t = _time(seconds)
    # Teeth pass in the rhythm of the stroke's speed: a rasp that rises and falls.
    teeth = 2 * np.pi * 95 * timbre.pitch * (t - np.sin(2 * np.pi * t / seconds) * seconds / 7)
    return np.asarray(0.028 * rub * (1.0 + 0.7 * np.sin(teeth)), np.float32)


def _sweep(rng: np.random.Generator, timbre: Timbre, seconds: float) -> Waveform:
    return 0.022 * _stroke(rng, seconds, (700, 3800 * timbre.brightness))


def _key(rng: np.random.Generator, timbre: Timbre) -> Waveform:
    press = _burst(rng, 0.03, 0.0005, 0.004, (1200, 5500 * timbre.brightness))
    thock = _strike(rng, ((350, 0.008, 0.5), (900, 0.006, 0.4)), timbre, 0.05)
    return 0.035 * _add(press, 0.6 * thock)


def _rustle(rng: np.random.Generator, timbre: Timbre, seconds: float) -> Waveform:
    return 0.004 * _stroke(rng, seconds, (1500, 6000 * timbre.brightness))


def _breath(rng: np.random.Generator, timbre: Timbre, seconds: float) -> Waveform:
    return 0.009 * _stroke(rng, seconds, (500, 2600 * timbre.brightness))


def _sip(rng: np.random.Generator, timbre: Timbre, seconds: float) -> Waveform:
    gurgle = _stroke(rng, seconds, (350 * timbre.pitch, 1800))
    t = _time(seconds)
    flutter = 1.0 + 0.8 * np.sin(2 * np.pi * 24 * t + rng.uniform(0, 6))
    return np.asarray(0.010 * gurgle * flutter, np.float32)


def _clink(rng: np.random.Generator, timbre: Timbre) -> Waveform:
    return 0.03 * _strike(
        rng, ((2100, 0.05, 0.5), (4100, 0.04, 0.4), (6300, 0.02, 0.2)), timbre, 0.3
    )


def _door(rng: np.random.Generator, timbre: Timbre) -> Waveform:
    slam = _strike(rng, ((62, 0.12, 0.8), (115, 0.09, 0.5), (310, 0.05, 0.3)), timbre, 0.6)
    return 0.12 * _add(slam, 0.4 * _burst(rng, 0.25, 0.002, 0.04, (150, 2500)))


def _talk(rng: np.random.Generator, timbre: Timbre, seconds: float) -> Waveform:
    """Mumble: a buzz whose formants and loudness change a few times a second."""
    t = _time(seconds)
    syllables = max(2, int(4.5 * seconds))
    knots = np.linspace(0, seconds, syllables)

    def glide(low: float, high: float) -> Waveform:
        return np.asarray(np.interp(t, knots, rng.uniform(low, high, syllables)), np.float32)

    pitch = np.cumsum(glide(95, 210)) * (2 * np.pi / AUDIO_RATE_HZ)
    wave = np.zeros_like(t)
    formants = tuple(timbre.pitch * glide(*band) for band in ((300, 800), (900, 2200)))
    for harmonic in range(1, 18):
        hertz = harmonic * np.gradient(pitch) * AUDIO_RATE_HZ / (2 * np.pi)
        colour = sum(np.exp(-(((hertz - peak) / 180.0) ** 2)) for peak in formants)
        wave += (colour + 0.03) * np.sin(harmonic * pitch) / harmonic**0.5
    loudness = np.clip(glide(-0.4, 1.0), 0.0, 1.0) * np.sin(np.pi * t / seconds).clip(0.0) ** 0.5
    return np.asarray(0.02 * wave * loudness, np.float32)


def _cough(rng: np.random.Generator, timbre: Timbre) -> Waveform:
    return 0.06 * _burst(rng, 0.35, 0.01, 0.09, (350 * timbre.pitch, 3000))


_STRUCK: Final[dict[str, Callable[[np.random.Generator, Timbre], Waveform]]] = {
    'step': _step,
    'clap': _clap,
    'hammer': _hammer,
    'key': _key,
    'clink': _clink,
    'door': _door,
    'cough': _cough,
}
_DRAWN_OUT: Final[dict[str, Callable[[np.random.Generator, Timbre, float], Waveform]]] = {
    'saw': _saw,
    'sweep': _sweep,
    'rustle': _rustle,
    'breath': _breath,
    'sip': _sip,
    'talk': _talk,
}


def make_sound(sound: SoundCue, timbre: Timbre, rng: np.random.Generator) -> Waveform:
    """Make the waveform of one sound at ``AUDIO_RATE_HZ``, starting at its time."""
    if sound.kind in _STRUCK:
        wave = _STRUCK[sound.kind](rng, timbre)
    else:
        wave = _DRAWN_OUT[sound.kind](rng, timbre, max(sound.duration, 0.1))
    return np.asarray(sound.gain * wave, np.float32)
