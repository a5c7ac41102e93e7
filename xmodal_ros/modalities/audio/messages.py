"""Serialize ``audio_common_msgs/AudioDataStamped``."""

from xmodal_ros.streams.cdr_writing import ENCAPSULATION, LENGTH, padding, write_header


def audio_message(stamp_ns: int, frame: str, data: bytes) -> bytes:
    """Serialize ``audio_common_msgs/AudioDataStamped``."""
    head = write_header(stamp_ns, frame)
    return ENCAPSULATION + head + padding(len(head), 4) + LENGTH.pack(len(data)) + data
