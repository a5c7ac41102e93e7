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

"""What the robot's microphone hears: the person, other people and things, the room."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.simulator.clock import SensorClock
from xmodal_ros.simulator.motion import SoundCue
from xmodal_ros.simulator.performance import Performance
from xmodal_ros.simulator.person import subject_rng
from xmodal_ros.simulator.voices import (
    AUDIO_RATE_HZ,
    band_noise,
    make_sound,
    Timbre,
    Waveform,
)

CHUNK_SAMPLES: Final = 512
# Rooms are simulated a block at a time; the echo and sounds that outlast a block carry over.
_BLOCK_SAMPLES: Final = 312 * CHUNK_SAMPLES
_CARRY_SAMPLES: Final = 4 * AUDIO_RATE_HZ
_SPEED_OF_SOUND: Final = 343.0
_DISTURBANCES_PER_MINUTE: Final = 12.0
_DISTURBANCES: Final = ('door', 'talk', 'talk', 'cough', 'clink', 'steps', 'knocks', 'keys', 'rub')
_RUSTLE: Final = 0.0022
_RUSTLE_GRID_S: Final = 0.02


class SimulatedMicrophone:
    """The microphone of one recording, in its room, with what else goes on there."""

    def __init__(self, performance: Performance, clock: SensorClock) -> None:
        person = performance.person
        rng = subject_rng(person.seed, person.index, 'microphone')
        self._performance, self._clock, self._rng = performance, clock, rng
        self._timbre = Timbre.draw(rng)
        self._delay = performance.stage.home.east / _SPEED_OF_SOUND
        self._sounds = sorted(
            [*performance.sounds, *_disturbances(rng, performance.duration)],
            key=lambda sound: sound.time,
        )
        self._echo = _draw_echo(rng)
        self._gain = float(np.exp(rng.normal(0, 0.4)))
        self._room_noise = 0.007 * float(np.exp(rng.normal(0, 0.5)))
        self._hum = 0.0015 * float(np.exp(rng.normal(0, 0.6)))
        self._tilt = float(rng.uniform(0.3, 0.8))

    def chunks(self) -> Iterator[tuple[int, int, NDArray[np.int16]]]:
        """Yield (stamp_ns of the first sample, received_ns, samples (512,)) in order.

        A last piece shorter than a chunk is dropped, as drivers do.
        """
        total = int(self._performance.duration * AUDIO_RATE_HZ) // CHUNK_SAMPLES * CHUNK_SAMPLES
        dry_carry = np.zeros(_CARRY_SAMPLES, np.float32)
        wet_carry = np.zeros(_CARRY_SAMPLES, np.float32)
        for first in range(0, total, _BLOCK_SAMPLES):
            count = min(_BLOCK_SAMPLES, total - first)
            dry = self._dry(first, count, dry_carry)
            dry_carry = dry[count : count + _CARRY_SAMPLES]
            wet = _convolve(dry[:count], self._echo, count + _CARRY_SAMPLES)
            wet[:_CARRY_SAMPLES] += wet_carry
            wet_carry = wet[count : count + _CARRY_SAMPLES]
            heard = self._gain * (wet[:count] + self._noise(first, count))
            # A soft ceiling, as of any small microphone's amplifier.
            samples = np.round(32767 * np.tanh(heard)).astype('<i2')
            yield from self._stamped(first, samples)

    def _stamped(
        self, first: int, samples: NDArray[np.int16]
    ) -> Iterator[tuple[int, int, NDArray[np.int16]]]:
        pieces = samples.reshape(-1, CHUNK_SAMPLES)
        t = (first + CHUNK_SAMPLES * np.arange(len(pieces))) / AUDIO_RATE_HZ
        stamps, received = self._clock.stamp(t, self._rng)
        # A chunk can be sent only once its last sample is there.
        whole = round(CHUNK_SAMPLES / AUDIO_RATE_HZ * 1e9)
        for stamp_ns, received_ns, piece in zip(stamps, received, pieces, strict=True):
            yield int(stamp_ns), int(received_ns) + whole, piece

    def _dry(self, first: int, count: int, carry: Waveform) -> Waveform:
        """Sum the sounds that start in this block, and what is left of earlier ones."""
        block = np.zeros(count + _CARRY_SAMPLES, np.float32)
        block[:_CARRY_SAMPLES] += carry
        start, end = first / AUDIO_RATE_HZ, (first + count) / AUDIO_RATE_HZ
        first_one, last_one = (
            bisect_left(self._sounds, edge - self._delay, key=lambda sound: sound.time)
            for edge in (start, end)
        )
        for sound in self._sounds[first_one:last_one]:
            wave = make_sound(sound, self._timbre, self._rng)[: _CARRY_SAMPLES - 1]
            at = max(0, int((sound.time + self._delay - start) * AUDIO_RATE_HZ))
            block[at : at + len(wave)] += wave
        block[:count] += self._clothes(start, count)
        return block

    def _clothes(self, start: float, count: int) -> Waveform:
        """Let clothes rustle as fast as the arms and the trunk move."""
        grid = start + np.arange(0, count / AUDIO_RATE_HZ + 2 * _RUSTLE_GRID_S, _RUSTLE_GRID_S)
        joints = self._performance.pose(grid).joints
        speed = np.zeros(len(grid))
        for name, weight in (('d_wrist', 0.4), ('o_wrist', 0.4), ('chest', 0.6), ('d_knee', 0.3)):
            change = np.gradient(joints[name], _RUSTLE_GRID_S, axis=0)
            speed += weight * np.linalg.norm(change, axis=1)
        t = start + np.arange(count) / AUDIO_RATE_HZ
        noise = band_noise(self._rng, count, 1800, 6500)
        return np.asarray(_RUSTLE * np.interp(t, grid, speed) * noise, np.float32)

    def _noise(self, first: int, count: int) -> Waveform:
        """Make the room's own noise: air, machines, and the mains."""
        air = self._room_noise * band_noise(self._rng, count, 60, 7000, self._tilt)
        t = (first + np.arange(count)) / AUDIO_RATE_HZ
        mains = np.sin(2 * np.pi * 50 * t) + 0.5 * np.sin(2 * np.pi * 150 * t)
        return np.asarray(air + self._hum * mains, np.float32)


def _draw_echo(rng: np.random.Generator) -> Waveform:
    """Draw a room's response: the direct sound, then a tail that decays over 0.2 to 0.5 s."""
    decay = float(rng.uniform(0.2, 0.5)) / 6.9
    t = np.arange(int(0.6 * AUDIO_RATE_HZ)) / AUDIO_RATE_HZ
    tail = rng.standard_normal(len(t)) * np.exp(-t / decay) * (t > 0.004)
    tail *= float(rng.uniform(0.25, 0.6)) / np.linalg.norm(tail)
    tail[0] = 1.0
    return np.asarray(tail, np.float32)


def _convolve(signal: Waveform, response: Waveform, count: int) -> Waveform:
    """Convolve and give the first ``count`` samples."""
    size = 1 << int(np.ceil(np.log2(len(signal) + len(response))))
    product = np.fft.rfft(signal, size) * np.fft.rfft(response, size)
    whole = np.fft.irfft(product, size).astype(np.float32)
    out = np.zeros(count, np.float32)
    out[: min(count, size)] = whole[:count]
    return out


def _disturbances(rng: np.random.Generator, duration: float) -> list[SoundCue]:
    """Draw what others do: doors, talk, and fainter doubles of the person's own sounds."""
    sounds = []
    for _ in range(int(rng.poisson(_DISTURBANCES_PER_MINUTE * duration / 60.0))):
        kind = _DISTURBANCES[int(rng.integers(len(_DISTURBANCES)))]
        start, loud = float(rng.uniform(0, duration)), float(rng.uniform(0.3, 1.0))
        if kind == 'talk':
            sounds.append(SoundCue(start, 'talk', loud, float(rng.uniform(0.8, 3.0))))
        elif kind == 'steps':
            times = start + np.arange(rng.integers(4, 12)) * rng.uniform(0.45, 0.65)
            sounds += [SoundCue(float(time), 'step', 0.5 * loud) for time in times]
        elif kind == 'knocks':
            times = start + np.arange(rng.integers(2, 6)) * rng.uniform(0.25, 0.6)
            sounds += [SoundCue(float(time), 'hammer', 0.3 * loud) for time in times]
        elif kind == 'keys':
            times = start + np.cumsum(rng.gamma(3.0, 0.06, int(rng.integers(6, 25))))
            sounds += [SoundCue(float(time), 'key', 0.6 * loud) for time in times]
        elif kind == 'rub':
            times = start + np.arange(rng.integers(2, 6)) * rng.uniform(0.5, 1.0)
            sounds += [SoundCue(float(time), 'sweep', 0.7 * loud, 0.4) for time in times]
        else:
            sounds.append(SoundCue(start, kind, loud))
    return sounds
