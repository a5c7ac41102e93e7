"""Changes to raw training windows that leave the activity what it is, one set a modality."""

from dataclasses import dataclass
import math
from typing import Final

import torch
from torch import Generator, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class ImuAugmentation:
    """Wear and vigour differ between people: turn, scale, warp, shift and shake the signal.

    ``rotation_deg`` is the spread of a random turn of the sensor's frame, ``scale`` that of a
    factor on each triple of channels, ``warp`` that of the tempo, ``shift_s`` bounds a move in
    time, ``noise`` is relative to each channel's spread in the window, and with
    ``drop`` chance one triple (accelerometer or gyro) is silenced.
    """

    rotation_deg: float = 15.0
    scale: float = 0.1
    warp: float = 0.1
    noise: float = 0.05
    drop: float = 0.0

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:
        """Change windows (B, steps, 3 k), each in its own way."""
        windows = _warp_time(windows, self.warp, generator)
        triples = windows.unflatten(-1, (-1, 3))
        batch, _, count, _ = triples.shape
        turn = _rotations(batch, self.rotation_deg, generator).to(windows)
        triples = torch.einsum('bij,btkj->btki', turn, triples)
        triples = triples * (1 + self.scale * _normal((batch, 1, count, 1), generator, windows))
        kept = torch.rand((batch, 1, count, 1), generator=generator).to(windows) >= self.drop
        triples = triples * kept if count > 1 else triples
        spread = triples.std(dim=1, keepdim=True)
        noise = self.noise * spread * _normal(tuple(triples.shape), generator, windows)
        return (triples + noise).flatten(2)


@dataclass(frozen=True)
class CameraAugmentation:
    """Light and framing differ: move the picture by a few pixels and change its contrast.

    ``shift`` is the largest move as a share of the height and width; ``contrast`` the spread of
    a factor on the intensities (depth stays metric: it takes a fifth of that).
    """

    shift: float = 0.08
    contrast: float = 0.15

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:
        """Change windows (B, steps, H, W, C) of any dtype; gives float32."""
        factor = 1 + self.contrast * _normal((len(windows), 1, 1, 1, 1), generator, windows)
        windows = windows.to(torch.float32)
        height, width = windows.shape[2:4]
        rows = _shifted_index(len(windows), height, self.shift, generator).to(windows.device)
        columns = _shifted_index(len(windows), width, self.shift, generator).to(windows.device)
        batch = torch.arange(len(windows), device=windows.device)[:, None, None]
        moved = windows.transpose(1, 2).transpose(2, 3)
        moved = moved[batch, rows[:, :, None], columns[:, None, :]]
        return moved.permute(0, 3, 1, 2, 4) * factor


_OCTAVES: Final = 6


@dataclass(frozen=True)
class AudioAugmentation:
    """Rooms, microphones and moments differ: shift, drown, filter, cover and scale the sound.

    ``shift`` bounds a move in time as a share of the window, what leaves at one end coming in at
    the other. Noise whose amplitude falls with frequency, by a power of 0 to 1, is added
    ``quietest_noise_db`` to ``loudest_noise_db`` relative to the sound. As in SpecAugment (Park et
    al., Interspeech 2019), but on the waveform, one band of frequencies is taken out, and one
    stretch of time is covered by noise of the window's own spectrum: ``band`` is the widest as a
    share of the six octaves below half the sampling rate, ``cover`` the longest as a share of the
    window. ``gain_db`` is the spread of a factor on everything.
    """

    shift: float = 0.1
    quietest_noise_db: float = -45.0
    loudest_noise_db: float = -15.0
    band: float = 0.2
    cover: float = 0.2
    gain_db: float = 6.0

    def __call__(self, windows: Tensor, generator: Generator) -> Tensor:
        """Change windows (B, steps) of any dtype; gives float32."""
        count, steps = windows.shape
        move = _uniform((count,), -self.shift, self.shift, generator) * steps
        sound = torch.stack(
            [
                window.roll(int(by))
                for window, by in zip(windows.to(torch.float32), move.tolist(), strict=True)
            ]
        )
        spectrum = torch.fft.rfft(sound)
        shape = tuple(spectrum.shape)
        white = torch.complex(_normal(shape, generator, sound), _normal(shape, generator, sound))
        spectrum = spectrum + self._noise(white, spectrum, generator)
        spectrum = spectrum * self._kept(spectrum, generator)
        changed: Tensor = torch.fft.irfft(spectrum, n=steps)
        drone: Tensor = torch.fft.irfft(spectrum.abs() * white / math.sqrt(2), n=steps)
        covered = _span(count, steps, self.cover, generator).to(windows.device)
        gain = _factor(self.gain_db * _normal((count, 1), generator, windows))
        return torch.where(covered, drone, changed) * gain

    def _noise(self, white: Tensor, spectrum: Tensor, generator: Generator) -> Tensor:
        count, bins = spectrum.shape
        fall = _uniform((count, 1), 0, 1, generator).to(spectrum.device)
        frequency = torch.arange(1, bins + 1, device=spectrum.device)
        noise: Tensor = white * frequency**-fall
        # A constant is heard by nobody.
        noise[:, 0] = 0
        level = _uniform((count, 1), self.quietest_noise_db, self.loudest_noise_db, generator)
        ours, theirs = (
            torch.linalg.vector_norm(each, dim=1, keepdim=True) for each in (spectrum, noise)
        )
        factor: Tensor = _factor(level.to(spectrum.device)) * ours / theirs
        return noise * factor

    def _kept(self, spectrum: Tensor, generator: Generator) -> Tensor:
        """Give a mask (B, bins) that is false in one band, drawn evenly over the octaves."""
        count, bins = spectrum.shape
        octave = torch.log2(torch.arange(bins) / (bins - 1) + 1e-9) / _OCTAVES + 1
        width = _uniform((count, 1), 0, self.band, generator)
        low = _uniform((count, 1), 0, 1, generator) * (1 - width)
        return ((octave < low) | (octave >= low + width)).to(spectrum.device)


Augmentation = ImuAugmentation | CameraAugmentation | AudioAugmentation


def _normal(shape: tuple[int, ...], generator: Generator, like: Tensor) -> Tensor:
    # Always drawn on the CPU: the same numbers whatever the device.
    return torch.randn(shape, generator=generator).to(like.device)


def _uniform(shape: tuple[int, ...], low: float, high: float, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _factor(decibel: Tensor) -> Tensor:
    """Give the factor on amplitudes."""
    return torch.pow(10.0, decibel / 20)


def _span(count: int, size: int, share: float, generator: Generator) -> Tensor:
    """Give masks (count, size) that are true in one stretch of at most that share, anywhere."""
    length = _uniform((count, 1), 0, share, generator) * size
    start = _uniform((count, 1), 0, 1, generator) * (size - length)
    steps = torch.arange(size)
    return (steps >= start) & (steps < start + length)


def _rotations(count: int, spread_deg: float, generator: Generator) -> Tensor:
    """Give rotation matrices (count, 3, 3) about random axes (Rodrigues)."""
    axis = functional.normalize(torch.randn((count, 3), generator=generator), dim=1)
    angle = torch.randn((count, 1, 1), generator=generator) * math.radians(spread_deg)
    x, y, z = axis.unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
    return torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)


def _warp_time(windows: Tensor, spread: float, generator: Generator) -> Tensor:
    """Play each window a little faster or slower about its centre; ends are held."""
    batch, steps, _ = windows.shape
    factor = torch.exp(spread * torch.randn((batch, 1), generator=generator))
    centre = (steps - 1) / 2
    position = (torch.arange(steps) - centre) * factor + centre
    position = position.clamp(0, steps - 1)
    low = position.floor().clamp(max=steps - 2)
    fraction = (position - low).to(windows)[:, :, None]
    low_index = low.long().to(windows.device)[:, :, None].expand(-1, -1, windows.shape[2])
    before, after = windows.gather(1, low_index), windows.gather(1, low_index + 1)
    return before + fraction * (after - before)


def _shifted_index(batch: int, size: int, share: float, generator: Generator) -> Tensor:
    """Give for each window which row (or column) to take where, (batch, size), edges held."""
    most = int(share * size)
    move = torch.randint(-most, most + 1, (batch, 1), generator=generator)
    return (torch.arange(size) + move).clamp(0, size - 1)
