"""Sound as a picture: the log energies of short frames in bands spaced as the ear hears them."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
import torch
from torch import nn, Tensor


class LogMelStep(BaseModel):
    """Turn sound (B, steps) at ``rate_hz`` into log-mel frames (B, frames, bands).

    A frame of ``frame_s`` every ``frame_hop_s``, both in seconds, weighted by a periodic Hann
    window that is divided by its sum; its power spectrum, by a transform of the next power of
    two, is summed under triangles of height one. Their corners lie evenly on HTK's mel scale,
    ``2595 log10(1 + f / 700)``, between ``lowest_hz`` and half the rate. Out comes the natural
    logarithm of the energy or of ``floor``, the greater of the two; a full-scale sine at the top
    of a triangle has 1/4 to 1/2, so the default floor is some 95 dB below it. Frames lie wholly
    inside the window: nothing is padded.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['log_mel'] = 'log_mel'
    rate_hz: Annotated[int, Field(ge=1000, le=192_000)]
    bands: Annotated[int, Field(ge=8, le=512)] = 64
    frame_s: Annotated[float, Field(gt=0, le=1)] = 0.025
    frame_hop_s: Annotated[float, Field(gt=0, le=1)] = 0.01
    lowest_hz: Annotated[float, Field(ge=0)] = 50.0
    floor: Annotated[float, Field(gt=0, le=1)] = 1e-10

    @model_validator(mode='after')
    def _every_band_hears(self) -> Self:
        if self.frame_steps < 2 or self.hop_steps < 1:
            raise ValueError(f'frames of {self.frame_s} s hold too few samples at {self.rate_hz}')
        if self.lowest_hz >= self.rate_hz / 2:
            raise ValueError(f'lowest_hz = {self.lowest_hz} is not below half the rate')
        if not mel_weights(self).any(axis=1).all():
            raise ValueError(
                f'{self.bands} bands are too narrow for frames of {self.frame_s} s at '
                f'{self.rate_hz} Hz: some would hold nothing'
            )
        return self

    @property
    def frame_steps(self) -> int:
        """Samples in a frame."""
        return round(self.frame_s * self.rate_hz)

    @property
    def hop_steps(self) -> int:
        """Samples from one frame to the next."""
        return round(self.frame_hop_s * self.rate_hz)

    @property
    def transform_steps(self) -> int:
        """Points of the Fourier transform: a frame and zeros around it."""
        return 1 << (self.frame_steps - 1).bit_length()


def mel_weights(step: LogMelStep) -> NDArray[np.float64]:
    """Give the weight of each bin of the power spectrum in each band, (bands, bins)."""
    edges_mel = np.linspace(
        _mel(step.lowest_hz), _mel(step.rate_hz / 2), step.bands + 2, dtype=np.float64
    )
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    bins = np.fft.rfftfreq(step.transform_steps, 1 / step.rate_hz)
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - lower) / (centre - lower), (upper - bins) / (upper - centre)
    weights: NDArray[np.float64] = np.clip(np.minimum(rising, falling), 0, None)
    return weights


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


class LogMel(nn.Module):
    """Computes what a :class:`LogMelStep` says, in float32 whatever the precision around it."""

    weights: Tensor
    taper: Tensor

    def __init__(self, step: LogMelStep) -> None:
        super().__init__()
        self.step = step
        # Not persistent: bundle.json says all that they are made from.
        weights = torch.from_numpy(mel_weights(step).T).float().contiguous()
        self.register_buffer('weights', weights, persistent=False)
        taper = torch.hann_window(step.frame_steps, dtype=torch.float64)
        self.register_buffer('taper', (taper / taper.sum()).float(), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """Give log-mel frames (B, frames, bands) of sound (B, steps)."""
        step = self.step
        # Energies span eight decades and more: half precision would hold three.
        with torch.autocast(sound.device.type, enabled=False):
            spectrum = torch.stft(
                sound.float(),
                n_fft=step.transform_steps,
                hop_length=step.hop_steps,
                win_length=step.frame_steps,
                window=self.taper,
                center=False,
                return_complex=True,
            )
            power = torch.view_as_real(spectrum).square().sum(dim=-1)
            energy = torch.matmul(power.transpose(1, 2), self.weights)
            return energy.clamp_min(step.floor).log()
