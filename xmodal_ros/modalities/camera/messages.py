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
