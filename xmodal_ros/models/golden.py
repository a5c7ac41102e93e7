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

"""The golden sample: a raw window with the logits that a bundle must give it, wherever it runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from xmodal_ros.errors import BundleError
from xmodal_ros.models.configuration_bundle import BundleInfo, GOLDEN, read_file
from xmodal_ros.models.precision import Precision, TOLERANCES


@dataclass(frozen=True, eq=False)
class GoldenSample:
    """One raw window (steps, ...) in SI units, and its logits (classes,) where it was trained."""

    window: NDArray[Any]
    logits: NDArray[np.float32]

    def check(self, path: Path, given: NDArray[Any], where: str, precision: Precision) -> None:
        """Raise :class:`BundleError` where the bundle at ``path`` gave other logits (classes,)."""
        error = float(np.abs(given.astype(np.float32) - self.logits).max())
        allowed = tolerance(self.logits, precision)
        if not error <= allowed:
            raise BundleError(
                f'bundle {path} answers its golden sample with logits {error:.3g} off in '
                f'{precision} on {where} (at most {allowed:.3g} is allowed): train it '
                'again with this version'
                + ('' if precision == 'fp32' else ', or choose precision fp32')
            )


def tolerance(logits: NDArray[Any], precision: Precision = 'fp32') -> float:
    """Give how far logits may be from these and still count as the same."""
    return TOLERANCES[precision] * max(1.0, float(np.abs(logits).max()))


def read_golden(path: Path, info: BundleInfo) -> GoldenSample:
    """Read the raw window that proves a bundle, and its logits; raises :class:`BundleError`."""
    file = path / GOLDEN
    try:
        arrays = load(read_file(file))
    except (OSError, SafetensorError) as error:
        raise BundleError(f'bundle {path} cannot be loaded: {error}') from error
    window, logits = arrays.get('window'), arrays.get('logits')
    if (
        window is None
        or logits is None
        or window.shape != info.window_shape
        or logits.shape != (len(info.labels),)
    ):
        raise BundleError(
            f'{file} does not hold a window of {info.window_shape} and '
            f'{len(info.labels)} logits: copy the whole folder again'
        )
    return GoldenSample(window, logits)
