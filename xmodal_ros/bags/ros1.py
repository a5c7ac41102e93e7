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

"""Read ROS 1 bags, and convert their messages to the CDR bytes that ROS 2 would hold."""

from collections.abc import Collection, Iterator
from pathlib import Path

from rosbags.interfaces import Connection, ConnectionExtRosbag1
from rosbags.rosbag1 import Reader
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.storage import Channel, ROS1, StorageFile

_HEADER = 'std_msgs/msg/Header'


class Ros1File(StorageFile):
    """A ROS 1 bag; raises what rosbags raises for one that is damaged."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._reader = Reader(path)
        self._reader.open()
        self._connections = {each.id: each for each in self._reader.connections}
        self.channels = tuple(map(_channel_of, self._reader.connections))
        if self._reader.message_count:
            self.start_ns, self.end_ns = self._reader.start_time, self._reader.end_time - 1

    def close(self) -> None:
        """Close the file."""
        if self._reader.bio is not None:
            self._reader.close()

    def messages(
        self, channels: Collection[Channel], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[tuple[Channel, int, bytes]]:
        """Give messages by time, as ROS 1 serialized them."""
        wanted = {channel.key: channel for channel in channels}
        connections = [self._connections[key] for key in wanted]
        for connection, time_ns, data in self._reader.messages(connections, start_ns, stop_ns):
            yield wanted[connection.id], time_ns, bytes(data)


def _channel_of(connection: Connection) -> Channel:
    ext = connection.ext
    return Channel(
        connection.id,
        connection.topic,
        connection.msgtype,
        ROS1,
        connection.msgcount,
        latched=isinstance(ext, ConnectionExtRosbag1) and bool(ext.latching),
        definition=connection.msgdef.data,
    )


class Ros1Converter:
    """Convert by the definitions that a file carries, one typestore a message type."""

    def __init__(self) -> None:
        self._typestores: dict[tuple[str, str], Typestore] = {}

    def to_cdr(self, channel: Channel, data: bytes) -> bytes:
        """Give the CDR bytes of one ROS 1 message; the header's sequence number is left out.

        Raises what rosbags raises for broken definitions or bytes.
        """
        key = (channel.msgtype, channel.definition)
        if key not in self._typestores:
            self._typestores[key] = _typestore_of(channel)
        return bytes(self._typestores[key].ros1_to_cdr(data, channel.msgtype))


def _typestore_of(channel: Channel) -> Typestore:
    types = get_types_from_msg(channel.definition, channel.msgtype)
    if _HEADER in types:
        types[_HEADER] = TYPESTORE.fielddefs[_HEADER]
    typestore = get_typestore(Stores.EMPTY)
    typestore.register(types)
    return typestore
