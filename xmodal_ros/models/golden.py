"""The golden sample: a raw window with the logits that a bundle must give it, wherever it runs."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from xmodal_ros.errors import BundleError
from xmodal_ros.models.precision import Precision, TOLERANCES


@dataclass(frozen=True, eq=False)
class GoldenSample:
    """One raw window (steps, ...) in SI units, and its logits (classes,) where it was trained."""

    window: Tensor
    logits: Tensor

    def check(
        self, path: Path, given: Tensor, device: torch.device | str, precision: Precision
    ) -> None:
        """Raise :class:`BundleError` where the bundle at ``path`` gave other logits."""
        error = float((given.float().cpu() - self.logits).abs().max())
        allowed = tolerance(self.logits, precision)
        if not error <= allowed:
            raise BundleError(
                f'bundle {path} answers its golden sample with logits {error:.3g} off in '
                f'{precision} on {device} (at most {allowed:.3g} is allowed): train it '
                'again with this version'
                + ('' if precision == 'fp32' else ', or choose precision fp32')
            )


def tolerance(logits: Tensor, precision: Precision = 'fp32') -> float:
    """Give how far logits may be from these and still count as the same."""
    return TOLERANCES[precision] * max(1.0, float(logits.abs().max()))
