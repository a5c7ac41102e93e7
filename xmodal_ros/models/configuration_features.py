"""Which numbers describe a window where nothing is learnt by gradient; without torch."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class StatisticsFeatures(BaseModel):
    """Moments, extremes, percentiles, changes over time and correlations of channels."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['statistics'] = 'statistics'


class RocketFeatures(BaseModel):
    """Shares of the window in which fixed kernels of each dilation exceed ``biases`` each."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    kind: Literal['rocket'] = 'rocket'
    dilations: Annotated[
        tuple[Annotated[int, Field(ge=1, le=256)], ...], Field(min_length=1, max_length=16)
    ] = (1, 2, 4, 8, 16)
    biases: Annotated[int, Field(ge=1, le=64)] = 8
    segments: Annotated[int, Field(ge=1, le=64)] = 1


Features = StatisticsFeatures | RocketFeatures
