"""Serialize ``sensor_msgs/Image`` and ``CompressedImage``."""

import struct

from xmodal_ros.streams.cdr_writing import (
    ENCAPSULATION,
    LENGTH,
    padding,
    write_header,
    write_string,
)


def compressed_image_message(stamp_ns: int, frame: str, encoding: str, data: bytes) -> bytes:
    """Serialize ``sensor_msgs/CompressedImage``."""
    head = write_header(stamp_ns, frame)
    head += padding(len(head), 4) + write_string(encoding)
    return ENCAPSULATION + head + padding(len(head), 4) + LENGTH.pack(len(data)) + data


def image_message(
    stamp_ns: int, frame: str, height: int, width: int, encoding: str, data: bytes
) -> bytes:
    """Serialize ``sensor_msgs/Image`` whose rows have no padding."""
    head = write_header(stamp_ns, frame)
    head += (
        padding(len(head), 4) + struct.pack('<II', height, width) + write_string(encoding) + b'\0'
    )
    head += padding(len(head), 4) + struct.pack('<II', len(data) // height, len(data))
    return ENCAPSULATION + head + data
