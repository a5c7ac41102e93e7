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

"""Write recordings as mcap, whole or not at all, and the same bytes for the same content."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import (
    CompressionFormat,
    CompressionMode,
    StoragePlugin,
    Writer,
    WriterError,
)
from rosbags.serde import SerdeError

from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.sensor_table import sensor_row
from xmodal_ros.errors import BagError
from xmodal_ros.files import Replacement
from xmodal_ros.modalities.registry import intake_of_type
from xmodal_ros.modalities.sensor import Sensor

# rmw's way to write "infinite", as rosbag2 records it.
_INFINITE: Final = QosTime(9223372036, 854775807)
# A second of a fast sensor, so that a player's reliable publisher loses nothing; of what is large
# and slow no more than a player keeps.
_DEPTH: Final = 100


class BagWriter:
    """Write one new recording, an mcap folder that rosbag2 reads.

    Messages may come in any order of time. The bag appears under its name when the ``with`` block
    ends well; after an exception or Ctrl-C nothing is left. An existing path is never touched.
    The same calls write the same bytes: nothing of the clock or the machine is stored.

    ``sensors``, ``subject`` and ``metadata`` become the bag's ``custom_data``.
    Raises :class:`BagError` when the path exists or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        sensors: Sequence[Sensor] = (),
        subject: str = '',
        metadata: Mapping[str, str] | None = None,
        keep_abandoned: bool = False,
    ) -> None:
        self.path = Path(path)
        self._keep_abandoned = keep_abandoned
        self._custom_data = dict(metadata or {})
        if sensors:
            self._custom_data['sensors'] = json.dumps([sensor_row(sensor) for sensor in sensors])
        if subject:
            self._custom_data['subject'] = subject
        self._connections: dict[str, Connection] = {}
        self._replacement: Replacement | None = None
        self._writer: Writer | None = None
        self._refuse_existing()

    def __enter__(self) -> Self:
        self._refuse_existing()
        try:
            # The storage file bears the name of the folder it is written in.
            self._replacement = Replacement(
                self.path.resolve(), keep_abandoned=self._keep_abandoned
            )
            writer = Writer(self._replacement.new, version=9, storage_plugin=StoragePlugin.MCAP)
            # Chunks inside the mcap are compressed, which every mcap reader undoes by itself;
            # rosbag2's own file or message compression is not understood everywhere.
            writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
            for key, value in sorted(self._custom_data.items()):
                writer.set_custom_data(key, value)
            writer.open()
        except (OSError, WriterError) as error:
            self._clean_up()
            raise BagError(f'cannot write bag {str(self.path)!r}: {error}') from error
        except BaseException:
            self._clean_up()
            raise
        self._writer = writer
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        writer, self._writer = self._writer, None
        if writer is None or self._replacement is None:
            return
        try:
            if kind is not None:
                with suppress(OSError):
                    writer.abort()
                return
            if not any(writer.counts.values()):
                writer.abort()
                raise BagError(f'bag {str(self.path)!r} not written: it would hold no messages')
            writer.close()
            self._refuse_existing()
            self._replacement.commit()
        except OSError as failure:
            raise BagError(f'cannot write bag {str(self.path)!r}: {failure}') from failure
        finally:
            self._clean_up()

    def write(
        self,
        topic: str,
        msgtype: str,
        received_ns: int,
        data: bytes,
        *,
        latched: bool = False,
        reliable: bool = True,
    ) -> None:
        """Write one CDR message (with its 4-byte encapsulation header).

        A topic is declared on first use, with the QoS that ``latched``, transient local, and
        ``reliable`` then say. Raises :class:`BagError` for a type we have no definition of,
        another type than the topic had before, a time that is no non-negative int64, or a full
        disk.
        """
        if self._writer is None:
            raise BagError(f'bag {str(self.path)!r} is not open: use BagWriter in a with block')
        if not 0 <= received_ns < 1 << 63:
            raise BagError(
                f'bag {str(self.path)!r}: time {received_ns} of a message on {topic!r} is no '
                'non-negative int64 in nanoseconds'
            )
        try:
            connection = self._connections.get(topic)
            if connection is None:
                profile = _qos(msgtype, latched=latched, reliable=reliable)
                connection = self._connect(self._writer, topic, msgtype, profile)
            if connection.msgtype != msgtype:
                raise BagError(
                    f'bag {str(self.path)!r}: topic {topic!r} holds {connection.msgtype}, '
                    f'{msgtype} cannot be written there: use another topic'
                )
            self._writer.write(connection, received_ns, data)
        except OSError as error:
            raise BagError(f'cannot write bag {str(self.path)!r}: {error}') from error

    def write_message(
        self, topic: str, message: object, received_ns: int, *, latched: bool = False
    ) -> None:
        """Serialize a message object of ``TYPESTORE`` and write it like :meth:`write`."""
        msgtype = getattr(message, '__msgtype__', '')
        try:
            data = bytes(TYPESTORE.serialize_cdr(message, msgtype))
        except (KeyError, SerdeError, ValueError, TypeError, AttributeError) as error:
            raise BagError(
                f'bag {str(self.path)!r}: cannot serialize {type(message).__name__} for '
                f'{topic!r}: {error!r}'
            ) from error
        self.write(topic, msgtype, received_ns, data, latched=latched)

    def _connect(self, writer: Writer, topic: str, msgtype: str, profile: Qos) -> Connection:
        if msgtype not in TYPESTORE.fielddefs:
            raise BagError(
                f'bag {str(self.path)!r}: type {msgtype!r} of topic {topic!r} is unknown, its '
                'definition cannot be stored'
            )
        connection = writer.add_connection(
            topic,
            msgtype,
            typestore=TYPESTORE,
            offered_qos_profiles=[profile],
        )
        self._connections[topic] = connection
        return connection

    def _refuse_existing(self) -> None:
        # Unlike Path.exists, False in a folder that may not be read: opening then says so.
        if os.path.lexists(self.path):
            raise BagError(
                f'bag {str(self.path)!r} exists already and is not overwritten: remove it or '
                'choose another name'
            )

    def _clean_up(self) -> None:
        if self._replacement is not None:
            self._replacement.close()
            self._replacement = None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give where to write a bag that takes the place of what is at ``path``, if anything is.

    Both change places when the block ends well, and not before: a process that is killed while it
    writes leaves the old bag where it was. A file or a link may be in the place too; what a link
    leads to stays. Raises :class:`BagError` when nothing can be written there.
    """
    if not path.exists():
        yield path
        return
    try:
        replacement = Replacement(path)
    except OSError as error:
        raise BagError(f'cannot replace bag {str(path)!r}: {error}') from error
    with replacement:
        yield replacement.new
        try:
            replacement.commit()
        except OSError as error:
            raise BagError(f'cannot replace bag {str(path)!r}: {error}') from error


def _qos(msgtype: str, *, latched: bool, reliable: bool) -> Qos:
    depth = min(_DEPTH, intake_of_type(msgtype).played_depth)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if latched else depth,
        reliability=QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=_INFINITE,
        lifespan=_INFINITE,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_INFINITE,
        avoid_ros_namespace_conventions=False,
    )
