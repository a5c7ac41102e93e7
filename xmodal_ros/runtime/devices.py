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

"""Where torch computes, and in a way that repeats."""

import torch

from xmodal_ros.errors import ConfigurationError


def choose_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda`` or ``cuda:N`` into a device that is there.

    Raises :class:`ConfigurationError` when the device named is not.
    """
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device('meta')
    if device.type == 'cpu':
        # There is one, whatever number it is given.
        return torch.device('cpu')
    if device.type != 'cuda':
        raise ConfigurationError(f"device {name!r} is none of 'auto', 'cpu', 'cuda', 'cuda:N'")
    if (device.index or 0) >= torch.cuda.device_count():
        raise ConfigurationError(
            f'device {name!r} is not there ({torch.cuda.device_count()} CUDA devices are): '
            "use 'auto' or 'cpu'"
        )
    return device


def make_deterministic() -> None:
    """Set what makes arithmetic repeat: one thread, no TF32. Call once a process that infers."""
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
