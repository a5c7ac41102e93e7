"""Serialized messages of what importers read: arrays in SI units to ROS messages."""

from collections.abc import Iterator
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.bag_making import Record, SECOND_NS
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.modalities.audio.messages import audio_message
from xmodal_ros.modalities.camera.messages import image_message
from xmodal_ros.modalities.imu.messages import imu_message
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE

AUDIO_TYPE: Final = 'audio_common_msgs/msg/AudioDataStamped'
INFO_TYPE: Final = 'audio_common_msgs/msg/AudioInfo'
_IMU_TYPE: Final = 'sensor_msgs/msg/Imu'
_IMAGE_TYPE: Final = 'sensor_msgs/msg/Image'
_CHUNKS_IN_A_SECOND: Final = 10


def imu_record(
    sensor: Sensor, stamp_ns: int, acceleration: NDArray[Any], rate: NDArray[Any] | None
) -> Record:
    """Give a ``sensor_msgs/Imu`` of acceleration (3,) in m/s² and angular rate (3,) in rad/s.

    There is no orientation, and without ``rate`` no angular rate: their covariances say so
    (REP 145).
    """
    fields = np.zeros(37)
    fields[3], fields[4] = 1.0, -1.0
    if rate is None:
        fields[16] = -1.0
    else:
        fields[13:16] = rate
    fields[25:28] = acceleration
    return Record(stamp_ns, sensor.topic, _IMU_TYPE, imu_message(stamp_ns, sensor.frame, fields))


def image_record(
    sensor: Sensor, stamp_ns: int, picture: NDArray[np.uint8] | NDArray[np.uint16]
) -> Record:
    """Give a ``sensor_msgs/Image``: gray (H, W) uint8, or depth (H, W) uint16 in millimetres."""
    encoding = 'mono8' if picture.dtype == np.uint8 else '16UC1'
    height, width = picture.shape
    pixels = picture.astype(picture.dtype.newbyteorder('<')).tobytes()
    data = image_message(stamp_ns, sensor.frame, height, width, encoding, pixels)
    return Record(stamp_ns, sensor.topic, _IMAGE_TYPE, data)


def skeleton_record(sensor: Sensor, stamp_ns: int, joints: NDArray[Any]) -> Record:
    """Give a ``geometry_msgs/PoseArray`` of joint positions (J, 3) in metres, not turned."""
    poses = np.zeros((len(joints), 7), '<f8')
    poses[:, :3] = joints
    poses[:, 6] = 1.0
    name = sensor.frame.encode() + b'\0'
    head = struct.pack('<III', *divmod(stamp_ns, SECOND_NS), len(name)) + name
    head += b'\0' * (-len(head) % 4) + struct.pack('<I', len(joints))
    head += b'\0' * (-len(head) % 8)
    data = b'\x00\x01\x00\x00' + head + poses.tobytes()
    return Record(stamp_ns, sensor.topic, SKELETON_TYPE, data)


def audio_info_record(sensor: Sensor, stamp_ns: int, rate_hz: int, channels: int) -> Record:
    """Give the latched ``AudioInfo`` of 16-bit samples, on the topic's name with ``_info``."""
    message = TYPESTORE.types[INFO_TYPE](
        channels=channels,
        sample_rate=rate_hz,
        sample_format='S16LE',
        bitrate=rate_hz * channels * 16,
        coding_format='wave',
    )
    data = bytes(TYPESTORE.serialize_cdr(message, INFO_TYPE))
    return Record(stamp_ns, f'{sensor.topic}_info', INFO_TYPE, data, latched=True)


def audio_records(
    sensor: Sensor, start_ns: int, samples: NDArray[np.int16], rate_hz: int
) -> Iterator[Record]:
    """Give ``AudioDataStamped`` messages of a tenth of a second of samples (N, channels) each.

    The stamp is that of a message's first sample.
    """
    step = max(1, rate_hz // _CHUNKS_IN_A_SECOND)
    for first in range(0, len(samples), step):
        stamp_ns = start_ns + first * SECOND_NS // rate_hz
        sound = samples[first : first + step].astype('<i2').tobytes()
        data = audio_message(stamp_ns, sensor.frame, sound)
        yield Record(stamp_ns, sensor.topic, AUDIO_TYPE, data)
