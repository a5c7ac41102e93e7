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

"""Make storage files as other programs write them, and as crashes leave them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
import os
from pathlib import Path
import sqlite3
import struct
from zlib import crc32

from lz4.frame import compress as lz4_compress  # type: ignore[import-untyped]

from test.messages import EPOCH, imu_bytes
from xmodal_ros.bags.message_types import TYPESTORE

MAGIC = b'\x89MCAP0\r\n'
IMU = 'sensor_msgs/msg/Imu'
IMU_TEXT = TYPESTORE.generate_msgdef(IMU, ros_version=2)[0]


def text(value: str | bytes) -> bytes:
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack('<I', len(data)) + data


def record(code: int, body: bytes) -> bytes:
    return struct.pack('<BQ', code, len(body)) + body


def schema(name: str = IMU, encoding: str = 'ros2msg', data: str | bytes = IMU_TEXT) -> bytes:
    return record(3, struct.pack('<H', 1) + text(name) + text(encoding) + text(data))


def channel(topic: str = '/imu', encoding: str = 'cdr', key: int = 1, of: int = 1) -> bytes:
    return record(4, struct.pack('<HH', key, of) + text(topic) + text(encoding) + text(b''))


def message(time_ns: int, data: bytes | None = None, key: int = 1) -> bytes:
    body = imu_bytes(time_ns) if data is None else data
    return record(5, struct.pack('<HIQQ', key, 0, time_ns, time_ns) + body)


@dataclass
class McapParts:
    """An mcap file in parts; :meth:`write` puts them together."""

    profile: str = 'ros2'
    data: bytes = b''
    summary: bytes | None = None
    stated: int | None = None
    _index: bytes = field(default=b'', repr=False)

    def add(self, *records: bytes) -> 'McapParts':
        self.data += b''.join(records)
        return self

    def add_chunk(
        self, times: Sequence[int], head: bytes = b'', *, kind: str = '', indexed: bool = True
    ) -> 'McapParts':
        """Add messages of channel 1 in a chunk, with its entry for the summary."""
        raw = head + b''.join(map(message, times))
        packed = lz4_compress(raw) if kind == 'lz4' else raw
        first, last = min(times, default=0), max(times, default=0)
        body = struct.pack('<QQQI', first, last, len(raw), crc32(raw)) + text(kind)
        offset = len(self._head()) + len(self.data)
        chunk = record(6, body + struct.pack('<Q', len(packed)) + packed)
        index = record(7, struct.pack('<HI', 1, 16 * len(times)) + bytes(16 * len(times)))
        self.data += chunk + index
        places = struct.pack('<HQ', 1, offset + len(chunk)) if indexed else b''
        self._index += record(
            8,
            struct.pack('<QQQQ', first, last, offset, len(chunk))
            + text(places)
            + struct.pack('<Q', len(index))
            + text(kind)
            + struct.pack('<QQ', len(packed), len(raw)),
        )
        return self

    def write(self, path: Path, definitions: bytes = b'') -> Path:
        """Write the file; the summary begins with ``definitions``: schemas and channels."""
        body = self._head() + self.data + record(0x0F, struct.pack('<I', 0))
        summary = definitions + self._index
        if self.stated is not None:
            numbers = struct.pack('<QHIIIIQQ', self.stated, 1, 1, 0, 0, 0, 0, 0)
            summary += record(0x0B, numbers + text(b''))
        start = len(body) if summary else 0
        path.write_bytes(body + summary + record(2, struct.pack('<QQI', start, 0, 0)) + MAGIC)
        return path

    def _head(self) -> bytes:
        return MAGIC + record(1, text(self.profile) + text('test'))


TABLES = """
CREATE TABLE topics(
  id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT,
  offered_qos_profiles TEXT
);
CREATE TABLE messages(
  id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB
);
CREATE INDEX timestamp_idx ON messages (timestamp ASC);
INSERT INTO topics VALUES (1, '/imu', 'sensor_msgs/msg/Imu', 'cdr', '');
"""


def insert(connection: sqlite3.Connection, first: int, count: int) -> None:
    connection.executemany(
        'INSERT INTO messages(topic_id, timestamp, data) VALUES (1, ?, ?)',
        ((EPOCH + i, imu_bytes(EPOCH + i)) for i in range(first, first + count)),
    )


def write_sqlite3(path: Path, count: int = 10, tables: str = TABLES) -> Path:
    with sqlite3.connect(path) as connection:
        connection.executescript(tables)
        if tables == TABLES:
            insert(connection, 0, count)
    connection.close()
    return path


def write_killed(path: Path, settings: Mapping[str, str], before: int, after: int) -> Path:
    """Write as a recorder that the power left: ``after`` messages are not in the file itself."""
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        for name, value in settings.items():
            connection.execute(f'PRAGMA {name}={value}')
        connection.executescript(TABLES)
        insert(connection, 0, before)
        connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        if settings.get('journal_mode') != 'WAL':
            connection.execute('PRAGMA cache_size=1')
            connection.execute('BEGIN')
        insert(connection, before, after)
        os._exit(0)
    os.waitpid(child, 0)
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let another process write an sqlite3 file."""
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute('BEGIN EXCLUSIVE')
        os.write(ready[1], b'x')
        os.read(done[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    try:
        yield
    finally:
        os.write(done[1], b'x')
        os.waitpid(child, 0)
        for end in (*ready, *done):
            os.close(end)
