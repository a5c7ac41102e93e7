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

"""What keeps a process from waiting for its GPU: copies from pinned memory, and few looks."""

from typing import Final

import torch
from torch import Tensor

# A loss that is no number is seen so many steps later at most.
_STEPS_BETWEEN_LOOKS: Final = 32


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Give values (...) on a device, where they are or as a copy that is not waited for.

    What lies on the CPU goes through pinned memory, which torch keeps and takes again.
    """
    if device.type == 'cpu' or values.device.type != 'cpu':
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def steps_between_looks(device: torch.device) -> int:
    """Give after how many steps training looks at their losses: on the CPU at each."""
    return 1 if device.type == 'cpu' else _STEPS_BETWEEN_LOOKS
