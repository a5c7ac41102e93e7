"""What goes wrong with what a sensor measures: noise, darkness, another mounting, other sounds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

from xmodal_ros.evaluation.fault_samples import Piece

GYRO_SHARE: Final = 0.1
"""The angular rate's noise in rad/s, as a share of the acceleration's in m/s²."""

_WHITE: Final = 255.0
_GAMMA: Final = 2.2
# A small camera's pixel: electrons at full light, and the standard deviation of reading them.
_FULL_WELL: Final = 5000.0
_READ_NOISE: Final = 5.0
# Pink noise from white to within 0.05 dB above 9 Hz at 44.1 kHz: P. Kellet's filter as given by
# J. O. Smith, Spectral Audio Signal Processing, 2011, "Example: Synthesis of 1/F Noise".
_PINK_B: Final = (0.049922035, -0.095993537, 0.050612699, -0.004408786)
_PINK_A: Final = (1.0, -2.494956002, 2.017265875, -0.522189400)


@dataclass(frozen=True)
class ImuNoise:
    """White noise of standard deviation ``strength`` m/s², and a tenth of it in rad/s."""

    strength: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:
        """Add noise to each axis of (6,) or (3,)."""
        rng = np.random.default_rng(seed)
        scale = np.array([1.0, 1.0, 1.0, *3 * (GYRO_SHARE,)])
        for piece in pieces:
            noise = rng.standard_normal(6) * scale * self.strength
            yield replace(piece, values=piece.values + noise[: len(piece.values)])


@dataclass(frozen=True)
class PixelNoise:
    """White noise of standard deviation ``strength`` on every pixel that the model sees.

    Grey levels of 0 to 255 for pictures (uint8), metres for depth (float32), where unknown depth
    stays unknown.
    """

    strength: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:
        """Add noise to pixels (H, W, C)."""
        rng = np.random.default_rng(seed)
        for piece in pieces:
            old = piece.values
            noisy = old + self.strength * rng.standard_normal(old.shape)
            if old.dtype == np.uint8:
                values = _to_bytes(noisy)
            else:
                values = np.where(old > 0, np.maximum(noisy, 0), 0).astype(np.float32)
            yield replace(piece, values=values)


@dataclass(frozen=True)
class LowLight:
    """The ``share`` of light that is left, in (0, 1], with the noise of few photons.

    Grey levels are taken as light to the power 1/2.2; a model pixel holds 5000 electrons at full
    white, their number is Poisson's, and reading adds 5 (standard deviation). Exposure and gain
    stay as they are.
    """

    share: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:
        """Darken pictures (H, W, C) uint8."""
        rng = np.random.default_rng(seed)
        for piece in pieces:
            light = self.share * (piece.values / _WHITE) ** _GAMMA
            photons = rng.poisson(light * _FULL_WELL)
            electrons = photons + _READ_NOISE * rng.standard_normal(photons.shape)
            seen = np.clip(electrons / _FULL_WELL, 0, 1) ** (1 / _GAMMA)
            yield replace(piece, values=_to_bytes(_WHITE * seen))


@dataclass(frozen=True)
class Turned:
    """The IMU is mounted turned by ``degrees`` about an axis drawn evenly from all directions."""

    degrees: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:
        """Turn acceleration and angular rate."""
        axis = np.random.default_rng(seed).standard_normal(3)
        vector = np.radians(self.degrees) * axis / np.linalg.norm(axis)
        matrix = Rotation.from_rotvec(vector).as_matrix()
        for piece in pieces:
            yield replace(piece, values=(piece.values.reshape(-1, 3) @ matrix.T).reshape(-1))


@dataclass(frozen=True)
class Background:
    """Pink noise, as of a room or traffic, ``snr_db`` decibels below the recording's mean power.

    Samples beyond full scale are clipped, as converters do. Silence stays silent.
    """

    snr_db: float

    def apply(self, pieces: Iterable[Piece], seed: int) -> Iterator[Piece]:
        """Add sound to (n,) samples in [-1, 1]; goes through the recording twice."""
        energy, count = 0.0, 0
        for piece in pieces:
            energy += float(np.square(piece.values, dtype=np.float64).sum())
            count += len(piece.values)
        amplitude = (energy / max(1, count)) ** 0.5 * 10 ** (-self.snr_db / 20)
        rng = np.random.default_rng(seed)
        state = np.zeros(len(_PINK_A) - 1)
        for piece in pieces:
            noise, state = lfilter(
                _PINK_B, _PINK_A, rng.standard_normal(len(piece.values)), zi=state
            )
            loud = piece.values + amplitude / _PINK_POWER**0.5 * noise
            yield replace(piece, values=np.clip(loud, -1, 1).astype(np.float32))


def _pink_power() -> float:
    """Give the mean power of filtered white noise of power one: the energy of its response."""
    impulse = np.zeros(1 << 16)
    impulse[0] = 1
    return float(np.square(lfilter(_PINK_B, _PINK_A, impulse)).sum())


_PINK_POWER: Final = _pink_power()


def _to_bytes(levels: NDArray[Any]) -> NDArray[np.uint8]:
    whole: NDArray[np.uint8] = np.clip(np.rint(levels), 0, _WHITE).astype(np.uint8)
    return whole
