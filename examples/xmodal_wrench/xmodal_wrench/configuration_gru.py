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

"""A recurrent encoder; what it computes is in ``modeling_gru``, which is imported to build it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_encoder import EncoderConfig, Size

# Steps from one token to the next.
EVERY: Final = 4


class GruConfig(EncoderConfig):
    """A gated recurrent unit over time: every fourth state is a token."""

    input: ClassVar[EncoderInput] = 'sequence'
    widths: ClassVar[Mapping[Size, int]] = {'small': 16, 'default': 32, 'large': 64}

    kind: Literal['gru'] = 'gru'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 32

    def check_window(self, steps: int) -> None:
        """Ask for a token at least."""
        if steps < EVERY:
            raise ValueError(f'windows of {steps} steps are too short for tokens of {EVERY}')

    def build(self, channels: int) -> Any:
        """Build it with fresh weights, for sequences of ``channels`` channels."""
        from xmodal_wrench.modeling_gru import GruEncoder

        return GruEncoder(self, channels)
