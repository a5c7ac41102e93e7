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

"""What answers beside a net, and is averaged with it; without torch.

None of the members is learnt by gradient: each is a ridge regression in closed form, or a forest,
on fixed features of a window.
"""

from typing import Annotated, Final, Literal, Self, TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_features import (
    Features,
    RocketFeatures,
    StatisticsFeatures,
)

if TYPE_CHECKING:
    from xmodal_ros.models.modeling_ensemble import Ensemble

_MOST_NUMBERS: Final = 1 << 26
_MOST_NODES: Final = 1 << 20

GridSide = Annotated[int, Field(ge=1, le=32)]

MemberName = Literal['statistics', 'kernel', 'rocket', 'forest']

_Count = Annotated[int, Field(ge=0, le=_MOST_NODES)]


class ForestConfig(BaseModel):
    """How many nodes of each depth divide and how many are leaves, of all trees together.

    As it stands, each of 100 trees is one leaf.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    depths: Annotated[tuple[tuple[_Count, _Count], ...], Field(min_length=1, max_length=64)] = (
        (0, 100),
    )

    @model_validator(mode='after')
    def _is_whole(self) -> Self:
        below = [sum(depth) for depth in self.depths[1:]] + [0]
        for (nodes, _), children in zip(self.depths, below, strict=True):
            if children != 2 * nodes:
                raise ValueError(f'{nodes} nodes that divide have {children} children')
        if not self.trees:
            raise ValueError('a forest has no tree')
        if self.leaves > _MOST_NODES:
            raise ValueError(f'{self.leaves} leaves are more than {_MOST_NODES}')
        return self

    @property
    def trees(self) -> int:
        """How many trees there are."""
        return sum(self.depths[0])

    @property
    def nodes(self) -> int:
        """How many nodes divide."""
        return sum(nodes for nodes, _ in self.depths)

    @property
    def leaves(self) -> int:
        """How many leaves there are."""
        return sum(leaves for _, leaves in self.depths)


class MemberConfig(BaseModel):
    """What answers: a linear regression on features, or on a window's likeness to ``landmarks``
    of them, or a ``forest``.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    name: MemberName
    features: Annotated[Features, Field(discriminator='kind')]
    landmarks: Annotated[int, Field(ge=0, le=16_384)] = 0
    forest: ForestConfig | None = None

    @model_validator(mode='after')
    def _fits_into_memory(self) -> Self:
        # A few words of a document must not ask for all the memory of a robot.
        if isinstance(self.features, RocketFeatures):
            numbers = self.landmarks * self.features.per_window
            if numbers > _MOST_NUMBERS:
                raise ValueError(
                    f'{self.landmarks} landmarks of {self.features.per_window} features are '
                    f'{numbers} numbers, more than {_MOST_NUMBERS}: choose fewer of either'
                )
        return self


class EnsembleConfig(BaseModel):
    """The members, and whether the net has a part in the answer."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    net: bool = True
    members: Annotated[tuple[MemberConfig, ...], Field(min_length=1, max_length=16)]
    grid: tuple[GridSide, GridSide] | None = None
    """Of pictures: members see the means over the cells of a grid of so many rows and columns."""

    def check(self, kind: EncoderInput, classes: int) -> None:
        """Raise ValueError where pictures have no grid, or what has no pictures has one.

        And where its numbers for so many classes would take all the memory of a robot.
        """
        rows = sum(
            member.landmarks if member.forest is None else member.forest.leaves
            for member in self.members
        )
        if rows * classes > _MOST_NUMBERS:
            raise ValueError(f'an ensemble of {rows} times {classes} numbers is too large')
        if (self.grid is not None) != (kind == 'pictures'):
            raise ValueError(f'an ensemble for {kind} of grid {self.grid} cannot be')

    def build(self, channels: int, classes: int) -> 'Ensemble':
        """Build it without knowledge, for preprocessed windows of so many channels."""
        from xmodal_ros.models.modeling_ensemble import Ensemble

        return Ensemble(self, channels, classes)


GRID: Final = (6, 8)
"""What is left of a picture: where something moves tells what it is, single pixels do not."""

MEMBERS: Final = (
    MemberConfig(name='statistics', features=StatisticsFeatures()),
    MemberConfig(name='kernel', features=StatisticsFeatures(), landmarks=1024),
    MemberConfig(name='rocket', features=RocketFeatures()),
    MemberConfig(name='forest', features=StatisticsFeatures(), forest=ForestConfig()),
)
