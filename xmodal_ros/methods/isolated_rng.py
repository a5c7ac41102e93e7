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

"""Random numbers of a method's own, so that those of the target's training stay what they are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor

# Any number that keeps a method's stream apart from the target's under the same seed.
_APART: Final = 0x7E57AB1E


class IsolatedRng:
    """A second stream of torch's global random numbers, drawn from while a call's block runs.

    A method may drop out, sample and initialise in there without the target's augmentation,
    dropout and order of windows taking notice: without that no weight of zero could give the
    unimodal run to the last bit.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._device = device
        self._state = torch.Generator().manual_seed(seed + _APART).get_state()
        if device.type == 'cuda':
            on_device = torch.Generator(device).manual_seed(seed + _APART)
            self._device_state = on_device.get_state()

    def states(self) -> dict[str, Tensor]:
        """Give where the stream is, for :meth:`restore`."""
        on_device = {'device': self._device_state} if self._device.type == 'cuda' else {}
        return {'cpu': self._state, **on_device}

    def restore(self, states: Mapping[str, Tensor]) -> None:
        """Go on where :meth:`states` was asked for."""
        self._state = states['cpu']
        if self._device.type == 'cuda':
            self._device_state = states['device']

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Draw from this stream within, and from the one before again after."""
        outside = torch.get_rng_state()
        torch.set_rng_state(self._state)
        if self._device.type == 'cuda':
            device_outside = torch.cuda.get_rng_state(self._device)
            torch.cuda.set_rng_state(self._device_state, self._device)
        try:
            yield
        finally:
            self._state = torch.get_rng_state()
            torch.set_rng_state(outside)
            if self._device.type == 'cuda':
                self._device_state = torch.cuda.get_rng_state(self._device)
                torch.cuda.set_rng_state(device_outside, self._device)
