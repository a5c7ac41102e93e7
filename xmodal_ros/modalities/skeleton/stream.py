"""What a model wants of a skeleton."""

from typing import Annotated, Final, Literal

from pydantic import Field

from xmodal_ros.modalities.stream import StreamConfig

MOST_JOINTS: Final = 256


class SkeletonStream(StreamConfig):
    """A skeleton: the positions of ``joints`` joints in metres, about their mean."""

    modality: Literal['skeleton'] = 'skeleton'
    joints: Annotated[int, Field(ge=1, le=MOST_JOINTS)]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (self.channel_count,)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return 3 * self.joints

    def describe(self) -> str:
        """Say how many joints it has."""
        return f'{self.joints} joints'
