"""What a model's stream looks like; part of its bundle, so that robot and training agree."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from xmodal_ros.errors import StreamError
from xmodal_ros.modalities.audio.decoder import AUDIO_TYPES, AudioDecoder
from xmodal_ros.modalities.camera.decoder import (
    CameraDecoder,
    CameraPixels,
    COMPRESSED_TYPE,
    IMAGE_TYPE,
)
from xmodal_ros.modalities.camera.decoder import (
    CHANNEL_COUNT as CAMERA_CHANNEL_COUNT,
)
from xmodal_ros.modalities.imu.decoder import CHANNEL_COUNT as IMU_CHANNEL_COUNT
from xmodal_ros.modalities.imu.decoder import IMU_TYPE, ImuChannels, ImuDecoder
from xmodal_ros.modalities.sensor import Modality
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE, SkeletonDecoder
from xmodal_ros.streams.placement import AS_IT_COMES, Placement


class ImuStream(BaseModel):
    """An IMU: acceleration in m/s² and, unless left out, angular rate in rad/s."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    modality: Literal['imu'] = 'imu'
    channels: ImuChannels = 'acc_gyro'

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (self.channel_count,)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return IMU_CHANNEL_COUNT[self.channels]


class AudioStream(BaseModel):
    """A microphone: one channel of sound in [-1, 1], at the rate of the window's grid."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    modality: Literal['audio'] = 'audio'

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return ()

    @property
    def channel_count(self) -> int:
        """One: windows (steps,) have no axis of channels."""
        return 1


class CameraStream(BaseModel):
    """A camera: frames scaled to ``height`` x ``width`` pixels."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    modality: Literal['camera'] = 'camera'
    pixels: CameraPixels
    height: Annotated[int, Field(ge=8, le=1024)]
    width: Annotated[int, Field(ge=8, le=1024)]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (self.height, self.width, self.channel_count)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return CAMERA_CHANNEL_COUNT[self.pixels]


class SkeletonStream(BaseModel):
    """A skeleton of a data set: the positions of ``joints`` joints in metres."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    modality: Literal['skeleton'] = 'skeleton'
    joints: Annotated[int, Field(ge=1, le=256)]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (self.channel_count,)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return 3 * self.joints


StreamSpec = Annotated[
    ImuStream | CameraStream | AudioStream | SkeletonStream, Field(discriminator='modality')
]

_TYPES: dict[Modality, tuple[str, ...]] = {
    'imu': (IMU_TYPE,),
    'camera': (IMAGE_TYPE, COMPRESSED_TYPE),
    'audio': AUDIO_TYPES,
    'skeleton': (SKELETON_TYPE,),
}


def readable_types(modality: Modality) -> tuple[str, ...]:
    """Give the types of messages that can be read as this modality."""
    return _TYPES[modality]


def check_type(stream: StreamSpec, msgtype: str) -> None:
    """Raise :class:`StreamError` when a topic's type cannot feed the stream."""
    if msgtype not in _TYPES[stream.modality]:
        raise StreamError(
            f'a topic of type {msgtype} cannot feed a model for {stream.modality}, which reads '
            f'{" or ".join(_TYPES[stream.modality])}: choose another topic or another model'
        )


def make_decoder(
    stream: StreamSpec, msgtype: str, placement: Placement = AS_IT_COMES
) -> ImuDecoder | CameraDecoder | AudioDecoder | SkeletonDecoder:
    """Choose the decoder for a topic's type; raises :class:`StreamError` when none fits."""
    check_type(stream, msgtype)
    if isinstance(stream, ImuStream):
        return ImuDecoder(stream.channels, placement.rotation)
    if isinstance(stream, CameraStream):
        return CameraDecoder(msgtype, stream.pixels, stream.height, stream.width, placement.region)
    if isinstance(stream, SkeletonStream):
        return SkeletonDecoder(stream.joints)
    return AudioDecoder(msgtype)
