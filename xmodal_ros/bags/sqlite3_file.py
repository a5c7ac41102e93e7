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

"""Read an sqlite3 file by its content, without writing anything beside it.

What a killed recorder left in the files ``-wal`` or ``-journal`` beside it belongs to the
recording: with these it is read from a copy. Elsewhere the file is read in place and never
locked, for a recorder that finds it locked loses messages.
"""

from collections.abc import Collection, Iterator
from contextlib import closing, suppress
import errno
import fcntl
import os
from pathlib import Path
import shutil
import sqlite3
import struct
from tempfile import gettempdir, TemporaryDirectory
from typing import Final
from urllib.parse import quote

from xmodal_ros.bags.storage import (
    Channel,
    full_type_name,
    is_latched,
    read_qos,
    StorageFile,
)
from xmodal_ros.errors import BagError

MAGIC: Final = b'SQLite format 3\0'
# In the order in which they are looked for: what is committed, and what is to be undone.
_SIDECARS: Final = ('-wal', '-journal')
_TOPIC_COLUMNS: Final = ('id', 'name', 'type', 'serialization_format')
_MESSAGE_COLUMNS: Final = ('topic_id', 'timestamp', 'data')
_NEWEST_SCHEMA: Final = 4
_HEADER_BYTES: Final = 100
# Where SQLite locks a file: https://sqlite.org/src/file/src/os.h
_LOCK_AT, _LOCK_BYTES = 0x40000000, 512
# A view may be a query without end.
_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"
_FLOCK: Final = struct.Struct('hhqqi4x')


class Sqlite3File(StorageFile):
    """An sqlite3 file; raises :class:`BagError` where it is none of rosbag2, or being written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._copy: TemporaryDirectory[str] | None = None
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = self._connect()
            self._look(self._connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file, and remove the copy if there was one."""
        if self._connection is not None:
            self._connection.close()
        if self._copy is not None:
            self._copy.cleanup()

    def messages(
        self, channels: Collection[Channel], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[tuple[Channel, int, bytes]]:
        """Give messages by time, of one time in the order in which they were written."""
        wanted = {channel.key: channel for channel in channels}
        marks = ','.join('?' * len(wanted))
        query = f'SELECT topic_id, timestamp, data FROM messages WHERE topic_id IN ({marks})'  # noqa: S608
        values = [*wanted]
        for bound, given in (('>=', start_ns), ('<', stop_ns)):
            if given is not None:
                query += f' AND timestamp {bound} ?'
                values.append(given)
        assert self._connection is not None  # noqa: S101 - until it is closed
        for key, time_ns, data in self._connection.execute(
            f'{query} ORDER BY timestamp, rowid', values
        ):
            if not isinstance(time_ns, int) or not isinstance(data, bytes):
                raise BagError(
                    f'bag file {str(self.path)!r}: a message on {wanted[key].topic} has no '
                    f'{"data" if isinstance(time_ns, int) else "time"}, but '
                    f'{(data if isinstance(time_ns, int) else time_ns)!r}: delete that row'
                )
            yield wanted[key], time_ns, data

    def _connect(self) -> sqlite3.Connection:
        beside = [
            file
            for suffix in _SIDECARS
            if (file := Path(f'{self.path}{suffix}')).exists() and file.stat().st_size
        ]
        if not beside:
            self._refuse_locked()
            self._note_missing_wal()
            return _open(self.path, 'immutable=1')
        alone = self._count_alone()
        copy = self._copy_with(beside)
        connection = _open(copy, 'mode=rw')
        (together,) = connection.execute('SELECT count(*) FROM messages').fetchone()
        if together != alone:
            self.notes.append(
                f'{together - alone} of the {together} messages of {self.path.name} are in '
                f'{beside[0].name} beside it, as of a recorder that was killed; they were read '
                f"from a copy. `sqlite3 {self.path} 'PRAGMA wal_checkpoint(TRUNCATE)'` puts them "
                'into the file'
                if beside[0].name.endswith('-wal')
                else f'{self.path.name} was being written when its recorder was killed: what '
                f'{beside[0].name} undoes is left out, {together} of {alone} messages are read'
            )
        return connection

    def _refuse_locked(self) -> None:
        """Raise :class:`BagError` while somebody writes, without taking a lock oneself."""
        with self.path.open('rb') as stream:
            question = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, _LOCK_AT, _LOCK_BYTES, 0)
            try:
                answer = fcntl.fcntl(stream, fcntl.F_GETLK, question)
            except OSError:
                # There are no locks on this file system.
                return
        kind, _, _, _, process = _FLOCK.unpack(answer)
        if kind == fcntl.F_WRLCK:
            raise BagError(
                f'bag file {str(self.path)!r} is locked by process {process}, which writes it: '
                'wait until the recorder has ended'
            )

    def _note_missing_wal(self) -> None:
        if Path(f'{self.path}-shm').exists():
            self.notes.append(
                f'{self.path.name}-shm lies beside {self.path.name}, but no {self.path.name}-wal: '
                'where that was not copied along, the messages in it are missing'
            )

    def _count_alone(self) -> int:
        """Count the messages in the file itself, 0 where its tables are beside it too."""
        with suppress(sqlite3.Error), closing(_open(self.path, 'immutable=1')) as connection:
            (count,) = connection.execute('SELECT count(*) FROM messages').fetchone()
            return int(count)
        return 0

    def _copy_with(self, beside: Collection[Path]) -> Path:
        # What is committed first: a file that changes meanwhile shows by its time.
        files = [*beside, self.path]
        try:
            before = [file.stat() for file in files]
            self._copy = TemporaryDirectory(prefix='xmodal-bag-')
            for file in files:
                shutil.copyfile(file, Path(self._copy.name) / file.name)
            after = [file.stat() for file in files]
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            hint = f': make room in {gettempdir()}, or set TMPDIR' if full else ''
            raise BagError(
                f'bag file {str(self.path)!r} is read from a copy, for messages lie beside it in '
                f'{", ".join(file.name for file in beside)}, which fails: '
                f'{error.strerror or error}{hint}'
            ) from error
        if [(s.st_size, s.st_mtime_ns) for s in before] != [
            (s.st_size, s.st_mtime_ns) for s in after
        ]:
            raise BagError(
                f'bag file {str(self.path)!r} is being written: wait until the recorder has ended'
            )
        return Path(self._copy.name) / self.path.name

    def _look(self, connection: sqlite3.Connection) -> None:
        tables = [_text(name) for (name,) in connection.execute(_TABLES)]
        schema = self._check_tables(connection, tables)
        counts, orphans = {}, 0
        rows = connection.execute(
            'SELECT topic_id, count(*), min(timestamp), max(timestamp) FROM messages '
            'GROUP BY topic_id'
        )
        for key, count, first, last in rows:
            if not isinstance(first, int) or not isinstance(last, int):
                raise BagError(
                    f'bag file {str(self.path)!r}: the times in its table messages are no '
                    'integers: it is no bag of rosbag2'
                )
            counts[key] = count, first, last
        more = ', offered_qos_profiles' if schema['offers'] else ''
        channels = []
        for key, topic, msgtype, encoding, *qos in connection.execute(
            f'SELECT {", ".join(_TOPIC_COLUMNS)}{more} FROM topics ORDER BY id'  # noqa: S608
        ):
            profiles = read_qos(_text(qos[0])) if qos else ()
            channels.append(
                Channel(
                    key,
                    _text(topic),
                    full_type_name(_text(msgtype)),
                    _text(encoding).lower(),
                    counts.get(key, (0,))[0],
                    profiles,
                    is_latched(profiles),
                )
            )
        self.channels = tuple(channels)
        known = [counts[channel.key] for channel in channels if channel.key in counts]
        self.start_ns = min((first for _, first, _ in known), default=0)
        self.end_ns = max((last for _, _, last in known), default=0)
        orphans = sum(count for count, _, _ in counts.values()) - self.count
        if orphans:
            self.notes.append(
                f'{self.path.name}: {orphans} messages are of topics that its table topics does '
                'not name; they are left out'
            )
        if 'metadata' in tables:
            for (text,) in connection.execute('SELECT metadata FROM metadata ORDER BY id'):
                self.metadata_texts.append(_text(text))

    def _check_tables(self, connection: sqlite3.Connection, tables: list[str]) -> dict[str, bool]:
        missing = [name for name in ('topics', 'messages') if name not in tables]
        if missing:
            raise BagError(
                f'{str(self.path)!r} is an SQLite data base, but no bag: it has no table '
                f'{" and no ".join(missing)}, only {", ".join(sorted(tables)) or "no table"}'
            )
        columns = {
            table: [_text(row[1]) for row in connection.execute(f'PRAGMA table_info({table})')]
            for table in ('topics', 'messages')
        }
        lacking = [
            f'{table}.{name}'
            for table, names in (('topics', _TOPIC_COLUMNS), ('messages', _MESSAGE_COLUMNS))
            for name in names
            if name not in columns[table]
        ]
        if lacking:
            version = None
            with suppress(sqlite3.Error, TypeError):
                (version,) = connection.execute('SELECT schema_version FROM schema').fetchone()
            newer = isinstance(version, int) and version > _NEWEST_SCHEMA
            raise BagError(
                f'bag file {str(self.path)!r} has no column {", ".join(lacking)}: '
                + (
                    f'its schema is {version}, newer than {_NEWEST_SCHEMA}, which can be read: '
                    'convert it with `ros2 bag convert` to mcap'
                    if newer
                    else 'it is no bag of rosbag2'
                )
            )
        return {'offers': 'offered_qos_profiles' in columns['topics']}


def explain_sqlite(file: Path, error: sqlite3.Error) -> str:
    """Say why SQLite cannot read a file, and what to do about it."""
    name = getattr(error, 'sqlite_errorname', '')
    if name.startswith(('SQLITE_BUSY', 'SQLITE_LOCKED')):
        return (
            f'bag file {str(file)!r} is locked by another process: wait until the recorder has '
            'ended'
        )
    if name.startswith(('SQLITE_CANTOPEN', 'SQLITE_PERM', 'SQLITE_AUTH')):
        return f'bag file {str(file)!r} cannot be opened: {error} (see `ls -l`)'
    if name.startswith(('SQLITE_FULL', 'SQLITE_NOMEM')):
        return f'bag file {str(file)!r} cannot be read: {error}: make room'
    return (
        f'bag file {str(file)!r} cannot be read: it is {_what_is_wrong(file, error)}; copy it '
        f'again or mend it with `sqlite3 {file} .recover | sqlite3 mended.db3` and put that in '
        'its place'
    )


def _what_is_wrong(file: Path, error: sqlite3.Error) -> str:
    with suppress(OSError), file.open('rb') as stream:
        header = stream.read(_HEADER_BYTES)
        size = stream.seek(0, os.SEEK_END)
        if len(header) == _HEADER_BYTES:
            page = int.from_bytes(header[16:18], 'big')
            stated = int.from_bytes(header[28:32], 'big') * (1 << 16 if page == 1 else page)
            if header[24:28] == header[92:96] and stated > size:
                return f'truncated, after {size} of {stated} bytes'
        else:
            return f'truncated, after {size} bytes'
    return f'damaged ({error})'


def _open(path: Path, how: str) -> sqlite3.Connection:
    place = quote(os.fsencode(path.absolute()))
    connection = sqlite3.connect(f'file:{place}?{how}', uri=True, check_same_thread=False)
    # What a stranger's file defines may not call functions that reach beyond it.
    connection.execute('PRAGMA trusted_schema = OFF')
    # Text that is no UTF-8 is no reason to read nothing.
    connection.text_factory = bytes
    return connection


def _text(value: object) -> str:
    return value.decode('utf-8', 'replace') if isinstance(value, bytes) else str(value or '')
