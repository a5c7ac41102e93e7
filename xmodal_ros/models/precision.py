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

"""In which precision a model computes, and how far its answers may then be off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, get_args, Literal, TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Precision = Literal['fp32', 'fp16', 'bf16']
PRECISIONS: Final[tuple[Precision, ...]] = get_args(Precision)

# Relative to the largest logit. Another processor's or library version's float32 differs in the
# last bits; half precision rounds every product to 11 or 8 bits. A changed weight, step or layout
# differs by far more.
TOLERANCES: Final[dict[Precision, float]] = {'fp32': 1e-3, 'fp16': 2e-2, 'bf16': 1e-1}


@contextmanager
def computing(device: torch.device, precision: Precision) -> Iterator[None]:
    """Compute without gradients; in half precision where that is as good (torch's autocast)."""
    # Here, for what runs a bundle without torch to know the names of precisions.
    import torch

    types = {'fp32': None, 'fp16': torch.float16, 'bf16': torch.bfloat16}
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=types[precision], enabled=precision != 'fp32'),
    ):
        yield
