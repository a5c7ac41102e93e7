"""What answers beside a net, and is averaged with it; without torch.

None of the members is learnt by gradient: each is a ridge regression in closed form on fixed
features of a window.
"""

from typing import Annotated, Final, Literal, TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from xmodal_ros.models.configuration_features import (
    Features,
    RocketFeatures,
    StatisticsFeatures,
)

if TYPE_CHECKING:
    from xmodal_ros.models.modeling_ensemble import Ensemble

MemberName = Literal['statistics', 'kernel', 'rocket']


class MemberConfig(BaseModel):
    """A linear answer from features, or from a window's likeness to ``landmarks`` of them."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    name: MemberName
    features: Annotated[Features, Field(discriminator='kind')]
    landmarks: Annotated[int, Field(ge=0, le=16_384)] = 0


class EnsembleConfig(BaseModel):
    """The members, and whether the net has a part in the answer."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    net: bool = True
    members: Annotated[tuple[MemberConfig, ...], Field(min_length=1)]

    def build(self, channels: int, classes: int) -> 'Ensemble':
        """Build it without knowledge, for preprocessed windows of so many channels."""
        from xmodal_ros.models.modeling_ensemble import Ensemble

        return Ensemble(self, channels, classes)


MEMBERS: Final = (
    MemberConfig(name='statistics', features=StatisticsFeatures()),
    MemberConfig(name='kernel', features=StatisticsFeatures(), landmarks=1024),
    MemberConfig(name='rocket', features=RocketFeatures()),
)
