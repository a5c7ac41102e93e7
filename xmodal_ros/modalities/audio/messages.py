"""Serialize ``audio_common_msgs/AudioDataStamped`` and ``AudioInfo``."""

from xmodal_ros.streams.cdr_writing import (
    ENCAPSULATION,
    LENGTH,
    padding,
    write_header,
    write_string,
)


def audio_message(stamp_ns: int, frame: str, data: bytes) -> bytes:
    """Serialize ``audio_common_msgs/AudioDataStamped`` and ``AudioInfo``."""
    head = write_header(stamp_ns, frame)
    return ENCAPSULATION + head + padding(len(head), 4) + LENGTH.pack(len(data)) + data


def audio_info_message(rate_hz: int, channels: int) -> bytes:
    """Serialize the ``AudioInfo`` of uncompressed 16-bit samples, little endian."""
    body = bytes([channels]) + padding(1, 4) + LENGTH.pack(rate_hz) + write_string('S16LE')
    body += padding(len(body), 4) + LENGTH.pack(rate_hz * channels * 16) + write_string('wave')
    return ENCAPSULATION + body
