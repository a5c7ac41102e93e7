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

"""Windows of any number as tensors, a part at a time, wherever they lie."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

# A tensor (N, ...), or a LazyTensor, which index and split alike. Code that assigns to windows has
# a tensor before it, which is why this is no union.
WindowTensor = Any


class Rows(Protocol):
    """An array (N, ...), or what gathers the rows that it is asked for."""

    shape: tuple[int, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> NDArray[Any]: ...


class LazyTensor:
    """Rows (N, ...) that become tensors on the CPU when they are asked for.

    It offers what training asks of a tensor of windows: length, shape, indexing by rows, and
    ``split``. Nothing is kept: memory holds what was asked for last.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    @property
    def shape(self) -> torch.Size:
        """The shape (N, ...) of all rows."""
        return torch.Size(self._rows.shape)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Tensor | slice | int) -> Tensor:
        key = rows.cpu().numpy() if isinstance(rows, Tensor) else rows
        return torch.from_numpy(self._rows[key])

    def split(self, size: int) -> Iterator[Tensor]:
        """Give all rows in order, ``size`` at a time; once and empty where there are none."""
        for first in range(0, max(1, len(self)), size):
            yield self[first : first + size]


def as_tensor(rows: Rows) -> WindowTensor:
    """Give an array's own memory as a tensor, or rows that are gathered one day."""
    return torch.from_numpy(rows) if isinstance(rows, np.ndarray) else LazyTensor(rows)
