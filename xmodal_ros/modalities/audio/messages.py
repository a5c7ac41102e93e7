# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

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
