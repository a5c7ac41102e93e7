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

"""What a transfer method may leave in a classifier beside its encoder and head; without torch."""

from abc import ABC, abstractmethod
from typing import Annotated, Final, Literal, TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from xmodal_ros.models.modeling_patch import AttentionPatch, GatedPatch, Patch

# At 64 dimensions a bank of this size fills 32 MiB of a bundle.
LARGEST_BANK: Final = 65_536

Kernel = Literal['exp', 'gaussian', 'laplace']
Fusion = Literal['concatenate', 'residual']
_Dim = Annotated[int, Field(ge=1, le=1024)]


class PatchConfig(BaseModel, ABC):
    """A patch with a bank of ``bank`` rows."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: str
    bank: Annotated[int, Field(ge=1, le=LARGEST_BANK)]

    def check(self, dim: int) -> None:
        """Raise ValueError when it does not fit features of ``dim`` dimensions."""

    @abstractmethod
    def build(self, dim: int) -> 'Patch':
        """Build it with an empty bank, for features of ``dim`` dimensions that it fits."""


class AttentionPatchConfig(PatchConfig):
    """The Attention Patch over a bank of ``bank`` keys and values."""

    kind: Literal['attention_patch'] = 'attention_patch'
    key_dim: _Dim
    value_dim: _Dim
    kernel: Kernel = 'exp'
    fusion: Fusion = 'concatenate'

    def check(self, dim: int) -> None:
        """Raise ValueError when its values cannot be added to features of ``dim`` dimensions."""
        if self.fusion == 'residual' and self.value_dim != dim:
            raise ValueError(
                f'a residual patch adds to the feature: its values need {dim} dimensions, not '
                f'{self.value_dim}'
            )

    def build(self, dim: int) -> 'AttentionPatch':
        """Build it with an empty bank; raises ValueError as :meth:`check` does."""
        from xmodal_ros.models.modeling_patch import AttentionPatch

        self.check(dim)
        return AttentionPatch(self, dim)


class GatedPatchConfig(PatchConfig):
    """The gated patch over a bank of ``bank`` projected features, of which it takes ``top``."""

    kind: Literal['gated_patch'] = 'gated_patch'
    dim: _Dim
    top: Annotated[int, Field(ge=1, le=1024)]
    gate: bool = True

    def build(self, dim: int) -> 'GatedPatch':
        """Build it with an empty bank."""
        from xmodal_ros.models.modeling_patch import GatedPatch

        return GatedPatch(self, dim)


PatchSpec = Annotated[AttentionPatchConfig | GatedPatchConfig, Field(discriminator='kind')]
