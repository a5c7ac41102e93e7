"""Sensors and their modalities: the names every node, bag reader and command shares."""

from dataclasses import dataclass
from typing import Final, Literal

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.streams.placement import AS_IT_COMES, Placement

Modality = Literal['imu', 'camera', 'audio', 'skeleton']
# What a robot has. A skeleton comes with some data sets: it is something to learn from, and only
# recordings that declare their sensors have one.
MODALITIES: Final[tuple[Modality, ...]] = ('imu', 'camera', 'audio')

_MODALITY_OF_TYPE: Final[dict[str, Modality]] = {
    'sensor_msgs/msg/Imu': 'imu',
    'sensor_msgs/msg/Image': 'camera',
    'sensor_msgs/msg/CompressedImage': 'camera',
    'audio_common_msgs/msg/AudioDataStamped': 'audio',
    'audio_common_msgs/msg/AudioData': 'audio',
    'audio_common_msgs/msg/AudioStamped': 'audio',
    'foxglove_msgs/msg/RawAudio': 'audio',
}


@dataclass(frozen=True)
class Sensor:
    """One named source of a modality, for example ``imu_wrist`` on the topic ``/imu_wrist``.

    ``frame`` is that of its messages, ``placement`` how it sits on the robot. Raises
    :class:`ConfigurationError` for a mounting rotation of anything but an IMU and a region of
    interest of anything but a camera: nothing would be turned or cut.
    """

    name: str
    modality: Modality
    topic: str
    frame: str = ''
    placement: Placement = AS_IT_COMES

    def __post_init__(self) -> None:
        if self.placement.rotation is not None and self.modality != 'imu':
            raise ConfigurationError(
                f'sensor {self.name!r} is of modality {self.modality}, and a mounting rotation is '
                'for an imu only: leave it out'
            )
        if self.placement.region is not None and self.modality != 'camera':
            raise ConfigurationError(
                f'sensor {self.name!r} is of modality {self.modality}, and a region of interest '
                'is for a camera only: leave it out'
            )


def modality_of_type(msgtype: str) -> Modality | None:
    """Give the modality that messages of this type carry, or None for other types."""
    return _MODALITY_OF_TYPE.get(msgtype)
