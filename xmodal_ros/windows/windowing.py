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

"""Length, hop and sampling grid of a model's windows."""

from typing import Annotated, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

SECOND_NS = 1_000_000_000
LONGEST_S: Final = 600
# Of windows to learn from: the shortest that the encoder of every sensor makes something of.
SHORTEST_S: Final = 0.25


class WindowingSpec(BaseModel):
    """Windows are ``[end - length, end)``; ``end`` is a multiple of the hop since the epoch.

    Samples are laid on a grid of ``rate_hz`` points a second, counted since the epoch as well,
    so length and hop must each hold a whole number of points. A grid point is covered when the
    stream has samples within ``margin_ns`` of it; a window with less than ``min_coverage`` of
    its points covered is too weak to classify. All times are nanoseconds.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    length_ns: Annotated[int, Field(gt=0, le=LONGEST_S * SECOND_NS)] = 2 * SECOND_NS
    hop_ns: Annotated[int, Field(gt=0, le=LONGEST_S * SECOND_NS)] = SECOND_NS // 2
    rate_hz: Annotated[int, Field(gt=0, le=192_000)]
    margin_ns: Annotated[int, Field(ge=0, le=10 * SECOND_NS)] = SECOND_NS // 10
    min_coverage: Annotated[float, Field(gt=0, le=1)] = 0.8

    @model_validator(mode='after')
    def _whole_grid_points(self) -> Self:
        for name, value in (('length', self.length_ns), ('hop', self.hop_ns)):
            if value * self.rate_hz % SECOND_NS:
                raise ValueError(
                    f'a {name} of {value / SECOND_NS:.9g} s does not hold a whole number of '
                    f'samples at {self.rate_hz} Hz: choose a multiple of {1 / self.rate_hz:.6g} s'
                )
        if self.margin_ns < self.period_ns:
            raise ValueError(
                f'margin_ns = {self.margin_ns} is shorter than the sampling period '
                f'{self.period_ns} ns, so no point could be interpolated'
            )
        return self

    @property
    def period_ns(self) -> int:
        """Time between grid points, rounded down."""
        return SECOND_NS // self.rate_hz

    @property
    def steps(self) -> int:
        """Grid points in a window."""
        return self.length_ns * self.rate_hz // SECOND_NS

    def grid(self, end_ns: int, first: int = 0) -> NDArray[np.int64]:
        """Give the stamps (steps,) of the window that ends at ``end_ns``, in nanoseconds.

        Those from its point ``first`` on, (steps - first,); a negative one lies before it.
        """
        last = end_ns * self.rate_hz // SECOND_NS
        points = np.arange(last - self.steps + first, last, dtype=np.int64)
        if SECOND_NS % self.rate_hz == 0:
            return points * self.period_ns
        whole, part = np.divmod(points, self.rate_hz)
        stamps: NDArray[np.int64] = whole * SECOND_NS + part * SECOND_NS // self.rate_hz
        return stamps

    def has_point(self, after_ns: int, until_ns: int) -> bool:
        """Say whether a point of the grid lies in ``(after_ns, until_ns]``."""
        return self._last_point(until_ns) > self._last_point(after_ns)

    def _last_point(self, until_ns: int) -> int:
        """Give the number, counted from the epoch, of the last point that is not after a stamp."""
        # Its stamp is rounded down, as in :meth:`grid`.
        return ((until_ns + 1) * self.rate_hz - 1) // SECOND_NS

    def first_end(self, first_stamp_ns: int) -> int:
        """Give the first window end whose evidence and margin a stream from here on can fill."""
        earliest = first_stamp_ns + self.length_ns + self.margin_ns
        return -(-earliest // self.hop_ns) * self.hop_ns
