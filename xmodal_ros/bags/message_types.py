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

"""The message definitions that this package reads from and writes into bags."""

from collections.abc import Iterable
from typing import Final

from rosbags.interfaces import Nodetype
from rosbags.serde import SerdeError
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

# Not part of ROS 2 Jazzy's core, hence not of rosbags: the fields of the released packages
# vision_msgs 4.1 and audio_common_msgs (ros-drivers). A type's hash depends on them alone.
_DEFINITIONS: Final[dict[str, str]] = {
    'vision_msgs/msg/ObjectHypothesis': 'string class_id\nfloat64 score\n',
    'vision_msgs/msg/Classification': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesis[] results\n'
    ),
    'vision_msgs/msg/VisionClass': 'uint16 class_id\nstring class_name\n',
    'vision_msgs/msg/LabelInfo': (
        'std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold\n'
    ),
    'audio_common_msgs/msg/AudioData': 'uint8[] data\n',
    'audio_common_msgs/msg/AudioDataStamped': (
        'std_msgs/Header header\naudio_common_msgs/AudioData audio\n'
    ),
    'audio_common_msgs/msg/AudioInfo': (
        'uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\n'
        'string coding_format\n'
    ),
}


def _make_typestore() -> Typestore:
    typestore = get_typestore(Stores.ROS2_JAZZY)
    for name, definition in _DEFINITIONS.items():
        typestore.register(get_types_from_msg(definition, name))
    return typestore


TYPESTORE: Final[Typestore] = _make_typestore()
"""ROS 2 Jazzy's messages and those of vision_msgs and audio_common_msgs that we use."""

_HEADER_FIELD: Final = ('header', (Nodetype.NAME, 'std_msgs/msg/Header'))
# Types of which we have no definition, but know that a stamp comes first.
_STAMPED_UNDEFINED: Final = ('foxglove_msgs/msg/RawAudio', 'audio_common_msgs/msg/AudioStamped')


def has_stamp(msgtype: str) -> bool:
    """Say whether messages of a type begin with the time stamp of their source."""
    if msgtype in _STAMPED_UNDEFINED:
        return True
    definition = TYPESTORE.fielddefs.get(msgtype)
    return definition is not None and bool(definition[1]) and definition[1][0] == _HEADER_FIELD


def is_as_defined(msgtype: str, definition: str) -> bool | None:
    """Say whether the text of a type lays its messages out as ``TYPESTORE`` does.

    Headers of ROS 1 count as those of ROS 2, and so do fields whose names differ in capitals.
    None where the text is empty or cannot be read.
    """
    try:
        types = get_types_from_msg(definition, msgtype) if definition.strip() else {}
    # Of a stranger's text any exception of the parser may come.
    except Exception:  # noqa: BLE001
        return None
    if msgtype not in types:
        return None
    return all(
        name in TYPESTORE.fielddefs and _layout(fields) == _layout(TYPESTORE.fielddefs[name][1])
        for name, (_, fields) in types.items()
        # Types without fields have one in TYPESTORE, which texts do not name.
        if name != 'std_msgs/msg/Header' and fields
    )


def _layout(fields: Iterable[tuple[str, object]]) -> list[tuple[str, object]]:
    return [(name.lower(), kind) for name, kind in fields]


def is_readable(msgtype: str, data: bytes) -> bool:
    """Say whether ``TYPESTORE`` reads a CDR message, to its last byte."""
    try:
        TYPESTORE.deserialize_cdr(data, msgtype)
    except (SerdeError, AssertionError, IndexError):
        return False
    return True
