"""Sensors and their modalities: the names every node, bag reader and command shares."""

from dataclasses import dataclass
from typing import Final, get_args, Literal

Modality = Literal['imu', 'camera', 'audio']
MODALITIES: Final[tuple[Modality, ...]] = get_args(Modality)

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
    """One named source of a modality, for example ``imu_wrist`` on the topic ``/imu_wrist``."""

    name: str
    modality: Modality
    topic: str
    frame: str = ''


def modality_of_type(msgtype: str) -> Modality | None:
    """Give the modality that messages of this type carry, or None for other types."""
    return _MODALITY_OF_TYPE.get(msgtype)
