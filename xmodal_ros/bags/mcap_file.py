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

"""Read an mcap file by its content, whichever program wrote it.

Its summary is an index, not the truth: where that is missing, knows less than the chunks hold or
does not fit them, the whole file is looked through. The layout is that of https://mcap.dev/spec.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import chain, repeat
from operator import itemgetter
import os
from pathlib import Path
import struct
from typing import BinaryIO, Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.compression import Buffer, LARGEST, lz4_parts, zstd_parts
from xmodal_ros.bags.storage import (
    CDR,
    Channel,
    full_type_name,
    HEAD_BYTES,
    Heads,
    is_latched,
    read_qos,
    READABLE,
    StorageFile,
    StoredMessage,
)
from xmodal_ros.errors import BagError

MAGIC: Final = b'\x89MCAP0\r\n'
_RECORD: Final = struct.Struct('<BQ')
_MESSAGE: Final = struct.Struct('<HIQQ')
# A message with the code and the size of its record.
_FRAME: Final = struct.Struct('<BQHIQQ')
_CHUNK: Final = struct.Struct('<QQQI')
# A chunk's first bytes, up to how it is compressed.
_CHUNK_FRAME: Final = 9 + _CHUNK.size + 4
_LENGTH: Final = struct.Struct('<I')
_INDEX: Final = struct.Struct('<HI')
_FOOTER_BYTES: Final = _RECORD.size + 20
_HEADER, _FOOTER, _SCHEMA, _CHANNEL, _MESSAGE_CODE, _CHUNK_CODE = 1, 2, 3, 4, 5, 6
_INDEX_CODE, _CHUNK_INDEX, _STATISTICS, _METADATA, _METADATA_INDEX, _DATA_END = (
    7,
    8,
    0x0B,
    0x0C,
    0x0D,
    0x0F,
)
# What a message index record holds beside its entries of 16 bytes.
_INDEX_FRAME: Final = 15
_ENTRY: Final = np.dtype([('time', '<u8'), ('offset', '<u8')])
_HEAD: Final = np.dtype(
    [
        ('code', 'u1'),
        ('length', '<u8'),
        ('channel', '<u2'),
        ('sequence', '<u4'),
        ('recorded', '<u8'),
        ('published', '<u8'),
        ('first', 'u1', (HEAD_BYTES,)),
    ]
)
# Where messages are larger on average, their heads are read one by one.
_LARGE: Final = 16_384
# So much is read at once where the size of a message is not known.
_SMALL: Final = 4096
# So many bytes of whole messages are kept while heads are read; each costs more than its own.
_MOST_KEPT: Final = 1 << 24
_KEPT_BYTES: Final = 150
# A place is the number of a chunk, and from this bit on down the offset in it.
_OFFSET_BITS: Final = 40
# After all times that a file can hold.
_NEVER: Final = 1 << 64
# Schemas of messages in CDR; a channel that does not say its encoding is known by them.
_CDR_SCHEMAS: Final = ('ros2msg', 'ros2idl', 'omgidl')

_UNPACKING: Final = {'zstd': zstd_parts, 'lz4': lz4_parts}

# When it was recorded, its place, its channel and the message.
_Item = tuple[int, int, int, bytes]


class _Schema(NamedTuple):
    name: str
    encoding: str
    definition: str


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk, which messages of which channels it holds, and when these were recorded.

    ``index_at`` is where the index of each channel's messages stands, empty where there is none,
    and ``index_end`` where the last of them ends. ``packed`` says that it is compressed.
    """

    offset: int
    start_ns: int
    end_ns: int
    counts: Mapping[int, int]
    index_at: Mapping[int, int] = field(default_factory=dict)
    index_end: int = 0
    packed: bool = False


@dataclass
class _Content:
    """What an index says, or what was found by looking through the file."""

    schemas: dict[int, _Schema] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    chunks: list[_Chunk] = field(default_factory=list)
    metadata_at: list[int] = field(default_factory=list)
    stated: int | None = None
    # Messages outside of chunks: when recorded, of which channel, and where.
    times: 'array[int]' = field(default_factory=lambda: array('q'))
    keys: 'array[int]' = field(default_factory=lambda: array('H'))
    offsets: 'array[int]' = field(default_factory=lambda: array('q'))

    def counts(self) -> Counter[int]:
        counts = Counter(self.keys)
        for chunk in self.chunks:
            counts.update(chunk.counts)
        return counts

    @property
    def is_complete(self) -> bool:
        """Whether an index knows all that is needed to find and name every message."""
        counts = self.counts()
        return (
            bool(counts)
            and counts.keys() <= self.channels.keys()
            and self.stated in (None, counts.total())
        )


@dataclass(frozen=True, eq=False)
class _Memory:
    """Where chunks are read to, one after the other, and where they are unpacked to."""

    packed: Buffer = field(default_factory=Buffer)
    unpacked: Buffer = field(default_factory=Buffer)


class McapFile(StorageFile):
    """An mcap file that was closed by its writer; raises BagError for one that was not."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._stream = path.open('rb')
        # Whole messages kept when heads were read, by their places, until they are given.
        self._kept: dict[int, bytes] = {}
        try:
            self._look()
        except BaseException:
            self._stream.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def messages(
        self, channels: Collection[Channel], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[StoredMessage]:
        """Give messages by time."""
        return chain.from_iterable(self.runs(channels, start_ns, stop_ns))

    def runs(
        self, channels: Collection[Channel], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[list[StoredMessage]]:
        """Give messages by time; no more chunks are in memory than overlap in time."""
        wanted = {channel.key: channel for channel in channels}
        memory, content = _Memory(), self._content
        sources = [
            (chunk.start_ns, number)
            for number, chunk in enumerate(content.chunks)
            if (start_ns is None or start_ns <= chunk.end_ns)
            and (stop_ns is None or chunk.start_ns < stop_ns)
            and any(chunk.counts.get(key) for key in wanted)
        ]
        loose = zip(content.times, content.keys, strict=True)
        sources += [
            (time_ns, number)
            for number, (time_ns, key) in enumerate(loose, len(content.chunks))
            if key in wanted
            and (start_ns is None or start_ns <= time_ns)
            and (stop_ns is None or time_ns < stop_ns)
        ]
        sources.sort()
        waiting: list[_Item] = []
        for index, (_, number) in enumerate(sources):
            found = self._items(number, wanted, memory)
            # What comes before all that the next ones can hold.
            next_ns, following = sources[index + 1] if index + 1 < len(sources) else (_NEVER, 0)
            limit = (next_ns, following << _OFFSET_BITS)
            if waiting:
                for item in found:
                    heappush(waiting, item)
                ready = []
                while waiting and waiting[0] < limit:
                    ready.append(heappop(waiting))
            else:
                before = bisect_left(found, limit)
                # What is sorted is a heap.
                ready, waiting = found[:before], found[before:]
            yield [
                (wanted[key], time_ns, data)
                for time_ns, _, key, data in ready
                if (start_ns is None or start_ns <= time_ns)
                and (stop_ns is None or time_ns < stop_ns)
            ]

    @property
    def packed(self) -> int:
        """How many parts of the file are compressed."""
        return len(self._packed())

    def _packed(self) -> list[int]:
        chunks = self._content.chunks
        return [n for n, each in enumerate(chunks) if each.packed and any(each.counts.values())]

    def heads(
        self, keep: Collection[Channel] = (), unpacked: Collection[int] | None = None
    ) -> Iterator[Heads] | None:
        """Give heads by the index of each chunk, None where there is none.

        That the index names all messages, and at their time, is checked where messages are read:
        raises ValueError.
        """
        content = self._content
        filled = [chunk for chunk in content.chunks if any(chunk.counts.values())]
        if content.times or not all(chunk.index_at for chunk in filled):
            return None
        passed_over = {
            number
            for at, number in enumerate(self._packed())
            if unpacked is not None and at not in unpacked
        }
        return self._heads({channel.key for channel in keep}, passed_over)

    def _heads(self, keep: Collection[int], passed_over: Collection[int]) -> Iterator[Heads]:
        file, memory, room = self._stream.fileno(), _Memory(), _MOST_KEPT
        for number, chunk in enumerate(self._content.chunks):
            entries = self._entries(chunk)
            if not (count := sum(map(len, entries.values()))):
                continue
            # As plain numbers, for numpy compares the fields of records each time.
            every = np.concatenate([each.view('<u8') for each in entries.values()]).reshape(-1, 2)
            times, offsets = every[:, 0], every[:, 1].astype(np.int64)
            counts = [*map(len, entries.values())]
            keys = np.repeat(np.array([*entries], np.uint16), counts)
            kept = np.flatnonzero(np.repeat([key in keep for key in entries], counts))
            places, received_ns = offsets | number << _OFFSET_BITS, times.astype(np.int64)
            if number in passed_over:
                sizes, first = np.full(count, -1), np.zeros((count, HEAD_BYTES), np.uint8)
                if len(kept):
                    until = _end_of(int(offsets[kept].max()), offsets)
                    data = _ChunkData(file, chunk, memory, few=0, heads=True, until=until)
                    heads = data.checked_heads(offsets[kept], keys[kept], times[kept])
                    sizes[kept] = heads['length'].astype(np.int64) - _MESSAGE.size
                    first[kept] = heads['first']
            else:
                data = _ChunkData(file, chunk, memory, few=count, heads=True)
                heads = data.checked_heads(offsets, keys, times)
                data.check_all_named(offsets, heads)
                sizes = heads['length'].astype(np.int64) - _MESSAGE.size
                first = heads['first']
            if len(kept) and data.unpacked:
                room -= int((sizes[kept] + _MESSAGE.size + _KEPT_BYTES).sum())
                for offset in offsets[kept].tolist() if room >= 0 else ():
                    self._kept[offset | number << _OFFSET_BITS] = data.message(offset)[1]
            yield Heads(keys, received_ns, sizes, first, places)

    def read_at(self, places: NDArray[np.int64]) -> Iterator[bytes]:
        """Give messages by their places; compressed chunks are unpacked where they change."""
        last, data, file, memory = -1, None, self._stream.fileno(), _Memory()
        for place in places.tolist():
            number, offset = place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1)
            if number != last or data is None:
                chunk = self._content.chunks[number]
                last, data = number, _ChunkData(file, chunk, memory, few=0, heads=True)
            yield data.message(offset)[1]

    def _entries(
        self, chunk: _Chunk, wanted: Collection[int] | None = None
    ) -> dict[int, NDArray[np.void]]:
        """Read the index of a chunk, for each channel, or each one that is wanted."""
        first = min(chunk.index_at.values(), default=chunk.index_end)
        data = _read_at(self._stream.fileno(), chunk.index_end - first, first)
        found = {}
        for key, at in chunk.index_at.items():
            if wanted is not None and key not in wanted:
                continue
            code, _ = _RECORD.unpack_from(data, at - first)
            of_channel, size = _INDEX.unpack_from(data, at - first + _RECORD.size)
            _check(code == _INDEX_CODE and of_channel == key, 'an index is elsewhere')
            start = at - first + _RECORD.size + _INDEX.size
            found[key] = np.frombuffer(data, _ENTRY, size // _ENTRY.itemsize, start)
        return found

    def _look(self) -> None:
        stream = self._stream
        _check(stream.read(len(MAGIC)) == MAGIC, 'it does not begin as an mcap file')
        code, header = _read_record(stream)
        _check(code == _HEADER, 'it has no header')
        profile = _Fields(header).text()
        data_at = stream.tell()
        size = stream.seek(0, 2)
        footer_at = size - len(MAGIC) - _FOOTER_BYTES
        stream.seek(max(0, size - len(MAGIC)))
        if stream.read() != MAGIC or footer_at < data_at:
            raise BagError(
                f'bag file {str(self.path)!r} is truncated (it has no footer): it is still being '
                'recorded, or was not closed or not copied in full; wait until the recorder has '
                'ended, copy it again or mend it with `mcap recover '
                f'{self.path} -o mended.mcap` and put that in its place'
            )
        stream.seek(footer_at)
        code, footer = _read_record(stream)
        _check(code == _FOOTER, 'its footer is broken')
        summary_at = _Fields(footer).number('<Q')
        _check(summary_at == 0 or data_at <= summary_at <= footer_at, 'its summary is elsewhere')
        indexed = self._read_summary(summary_at, footer_at) if summary_at else _Content()
        if indexed.is_complete:
            self._content = indexed
        else:
            self._content = self._scan(data_at, summary_at or footer_at)
        self._describe(profile, indexed.stated)

    def _describe(self, profile: str, stated: int | None) -> None:
        content, counts = self._content, self._content.counts()
        self.channels = tuple(
            replace(channel, count=counts[key]) for key, channel in content.channels.items()
        )
        filled = [chunk for chunk in content.chunks if any(chunk.counts.values())]
        starts = [*(chunk.start_ns for chunk in filled), *content.times]
        ends = [*(chunk.end_ns for chunk in filled), *content.times]
        self.start_ns, self.end_ns = min(starts, default=0), max(ends, default=0)
        self._read_metadata()
        if stated is not None and stated != self.count:
            self.notes.append(
                f'{self.path.name}: its statistics say {stated} messages, it holds {self.count}; '
                'these are read'
            )
        held = {channel.encoding for channel in self.channels if channel.count} & {*READABLE}
        expected = {'ros1': 'ros1', 'ros2': CDR}.get(profile)
        if held and expected is not None and expected not in held:
            self.notes.append(
                f'{self.path.name}: its profile is {profile!r}, but its messages are '
                f'{" and ".join(sorted(held))}; as such they are read'
            )

    def _read_summary(self, start: int, end: int) -> _Content:
        self._stream.seek(start)
        content = _Content()
        for code, record in _records(self._stream.read(end - start)):
            if code == _CHUNK_INDEX:
                content.chunks.append(_read_chunk_index(_Fields(record)))
            elif code == _STATISTICS:
                content.stated = _Fields(record).number('<Q')
            elif code == _METADATA_INDEX:
                content.metadata_at.append(_Fields(record).number('<Q'))
            else:
                _note_definition(content, code, record)
        return content

    def _scan(self, start: int, end: int) -> _Content:
        """Look through the whole file."""
        stream, content, memory = self._stream, _Content(), _Memory()
        position = start
        while position < end:
            stream.seek(position)
            code, size = _RECORD.unpack(_exactly(stream, _RECORD.size))
            if code == _DATA_END:
                break
            if code == _CHUNK_CODE:
                data = _read_chunk(stream.fileno(), position, memory)
                content.chunks.append(_scan_chunk(content, position, data))
            elif code == _MESSAGE_CODE:
                _check(size >= _MESSAGE.size, 'a message is too short')
                key, _, time_ns, _ = _MESSAGE.unpack(_exactly(stream, _MESSAGE.size))
                _check(position + _RECORD.size + size <= end, 'a message ends too early')
                content.times.append(time_ns)
                content.keys.append(key)
                content.offsets.append(position)
            elif code == _METADATA:
                content.metadata_at.append(position)
            elif code in (_SCHEMA, _CHANNEL):
                _note_definition(content, code, _exactly(stream, size))
            position += _RECORD.size + size
        unknown = content.counts().keys() - content.channels.keys()
        _check(not unknown, f'messages are of channels that it does not declare: {unknown}')
        return content

    def _items(self, number: int, wanted: Mapping[int, Channel], memory: _Memory) -> list[_Item]:
        """Give the messages of a chunk by time; of a number beyond all chunks a loose one."""
        content = self._content
        if number >= len(content.chunks):
            at = number - len(content.chunks)
            self._stream.seek(content.offsets[at])
            _, record = _read_record(self._stream)
            place = number << _OFFSET_BITS
            return [(content.times[at], place, content.keys[at], record[_MESSAGE.size :])]
        chunk = content.chunks[number]
        few = [key for key, count in chunk.counts.items() if count and key in wanted]
        if chunk.index_at and 2 * sum(map(chunk.counts.__getitem__, few)) < sum(
            chunk.counts.values()
        ):
            return self._indexed_items(number, chunk, few, memory)
        found: list[_Item] = []
        data = _read_chunk(self._stream.fileno(), chunk.offset, memory)
        for place, (code, body) in enumerate(_records(data), number << _OFFSET_BITS):
            if code != _MESSAGE_CODE:
                continue
            key, _, time_ns, _ = _MESSAGE.unpack_from(body)
            if key in wanted:
                found.append((time_ns, place, key, bytes(body[_MESSAGE.size :])))
        found.sort(key=itemgetter(0))
        return found

    def _indexed_items(
        self, number: int, chunk: _Chunk, wanted: Collection[int], memory: _Memory
    ) -> list[_Item]:
        """Give the messages of few channels of a chunk without walking over those of others."""
        count = sum(chunk.counts[key] for key in wanted)
        data: _ChunkData | None = None
        found: list[_Item] = []
        for key, entries in self._entries(chunk, wanted).items():
            places = (entries['offset'].astype(np.int64) | number << _OFFSET_BITS).tolist()
            if self._kept and all(place in self._kept for place in places):
                messages = [self._kept.pop(place) for place in places]
            else:
                data = data or _ChunkData(self._stream.fileno(), chunk, memory, few=count)
                messages = data.messages(key, entries)
            found += zip(entries['time'].tolist(), places, repeat(key), messages, strict=False)
        found.sort()
        return found

    def _read_metadata(self) -> None:
        """Note what rosbag2 stored of the bag."""
        for offset in self._content.metadata_at:
            self._stream.seek(offset)
            code, record = _read_record(self._stream)
            fields = _Fields(record)
            if code == _METADATA and fields.text() == 'rosbag2':
                entries = fields.texts()
                self.metadata_texts.append(entries.get('serialized_metadata', ''))
                return


class _ChunkData:
    """What a chunk holds: as it lies in the file, or unpacked into memory.

    A chunk that is not compressed may be left in the file where no more than ``few`` of its
    messages will be asked for; with ``heads`` of these no more than their heads, and then its
    checksum, if it has one, is not tested. ``memory`` is where it is otherwise, until the next
    one is. ``unpacked`` says of a chunk that it was compressed; with ``until`` it is no further
    than to there, and its checksum is not tested either.
    """

    def __init__(
        self,
        file: int,
        chunk: _Chunk,
        memory: _Memory,
        *,
        few: int,
        heads: bool = False,
        until: int | None = None,
    ) -> None:
        self._file = file
        frame = _read_at(file, _CHUNK_FRAME, chunk.offset)
        code, size = _RECORD.unpack_from(frame)
        _check(code == _CHUNK_CODE, 'its index names a chunk where there is none')
        _, _, self.size, checksum = _CHUNK.unpack_from(frame, _RECORD.size)
        (kind_size,) = _LENGTH.unpack_from(frame, _RECORD.size + _CHUNK.size)
        self._at = chunk.offset + _RECORD.size + _CHUNK.size + _LENGTH.size + kind_size + 8
        self._data: memoryview | None = None
        self.unpacked = kind_size > 0
        if self.unpacked or (checksum and not heads):
            self._data = _read_chunk(file, chunk.offset, memory, until)
            self.size = len(self._data)
            return
        _check(self._at + self.size <= chunk.offset + _RECORD.size + size, 'a chunk is too short')
        if self.size < few * _LARGE:
            self._data = _read_to(memory.unpacked, file, self.size, self._at)

    def read(self, offset: int, count: int) -> bytes:
        """Give so many bytes, fewer at the end."""
        count = max(0, min(count, self.size - offset))
        if self._data is not None:
            return bytes(self._data[offset : offset + count])
        return _read_at(self._file, count, self._at + offset)

    def heads(self, offsets: NDArray[np.int64]) -> NDArray[np.void]:
        """Give the heads (N,) of the messages at ``offsets`` (N,), filled up with zeros."""
        size = _HEAD.itemsize
        _check(bool(((offsets >= 0) & (offsets < self.size)).all()), 'an index is out of range')
        if self._data is None:
            read = (self.read(offset, size).ljust(size, b'\0') for offset in offsets.tolist())
            return np.frombuffer(b''.join(read), _HEAD)
        whole = offsets <= self.size - size
        if whole.all():
            # A record that begins at each byte, for whole ones are copied several times as fast.
            records = np.ndarray((self.size - size + 1,), f'V{size}', self._data, 0, (1,))
            return records[offsets].view(_HEAD)
        data = np.frombuffer(self._data, np.uint8)
        heads = np.zeros((len(offsets), size), np.uint8)
        for number, offset in enumerate(offsets.tolist()):
            head = data[offset : offset + size]
            heads[number, : len(head)] = head
        return heads.view(_HEAD)[:, 0]

    def checked_heads(
        self, offsets: NDArray[np.int64], keys: NDArray[np.uint16], times: NDArray[np.uint64]
    ) -> NDArray[np.void]:
        """Give the heads (N,) of messages, which are as an index has them: raises ValueError."""
        heads = self.heads(offsets)
        _check(bool((heads['code'] == _MESSAGE_CODE).all()), 'an index names no message')
        _check(bool((heads['channel'] == keys).all()), 'an index is of another channel')
        _check(bool((heads['recorded'] == times).all()), 'times differ from an index')
        return heads

    def message(self, offset: int, key: int | None = None) -> tuple[int, bytes]:
        """Give a message, of the channel ``key`` where that is given, and when it was recorded."""
        _check(0 <= offset <= self.size - _FRAME.size, 'an index names no message')
        data: bytes | memoryview | None = self._data
        at = offset
        if data is None:
            # Most messages are whole by this.
            data, at = self.read(offset, _SMALL), 0
        code, size, found, _, recorded_ns, _ = _FRAME.unpack_from(data, at)
        start, end = at + _FRAME.size, at + _RECORD.size + size
        if code != _MESSAGE_CODE or end < start or key not in (None, found):
            raise ValueError('an index names no message, or one of another channel')
        message = bytes(data[start:end])
        if self._data is None and end > len(data):
            message += self.read(offset + len(data), end - len(data))
        if len(message) != end - start:
            raise ValueError('a message ends too early')
        return recorded_ns, message

    def messages(self, key: int, entries: NDArray[np.void]) -> list[bytes]:
        """Give the messages of the channel ``key`` that its index names, and check their times."""
        data, offsets = self._data, entries['offset'].astype(np.int64)
        if data is None:
            found = [self.message(offset, key) for offset in offsets.tolist()]
            times = np.array([recorded_ns for recorded_ns, _ in found], np.uint64)
            _check(bool((times == entries['time']).all()), 'times differ from an index')
            return [message for _, message in found]
        heads = self.heads(offsets)
        starts = offsets + _FRAME.size
        ends = offsets + _RECORD.size + heads['length'].astype(np.int64)
        right = (heads['code'] == _MESSAGE_CODE) & (heads['channel'] == key) & (ends >= starts)
        _check(bool(right.all()), 'an index names no message, or one of another channel')
        _check(bool((heads['recorded'] == entries['time']).all()), 'times differ from an index')
        _check(bool((ends <= self.size).all()), 'a message ends too early')
        return [data[a:b].tobytes() for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]

    def check_all_named(self, offsets: NDArray[np.int64], heads: NDArray[np.void]) -> None:
        """Raise ValueError where there are messages between those that an index names."""
        # Several runs that are in order already, which this way is made for.
        order = np.argsort(offsets, kind='stable')
        starts = offsets[order]
        ends = starts + _RECORD.size + heads['length'][order].astype(np.int64)
        befores, afters = np.append(0, ends), np.append(starts, self.size)
        _check(bool((befores <= afters).all()), 'messages overlap')
        for before in np.flatnonzero(befores < afters).tolist():
            at, stop = int(befores[before]), int(afters[before])
            while at < stop:
                code, size = _RECORD.unpack(self.read(at, _RECORD.size))
                _check(code != _MESSAGE_CODE, 'there are messages that its index does not name')
                at += _RECORD.size + size
            _check(at == stop, 'a record ends too late')


class _Fields:
    """The fields of a record, one after the other; raises ValueError past its end."""

    def __init__(self, record: bytes) -> None:
        self._record, self._at = record, 0

    def number(self, layout: str) -> int:
        (value,) = struct.unpack(layout, self.take(struct.calcsize(layout)))
        return int(value)

    def octets(self) -> bytes:
        return self.take(self.number('<I'))

    def text(self) -> str:
        return self.octets().decode('utf-8', 'replace')

    def texts(self) -> dict[str, str]:
        fields, found = _Fields(self.octets()), {}
        while fields.left:
            key = fields.text()
            found[key] = fields.text()
        return found

    @property
    def left(self) -> int:
        return len(self._record) - self._at

    def take(self, size: int) -> bytes:
        _check(size <= self.left, 'a record ends too early')
        self._at += size
        return bytes(self._record[self._at - size : self._at])


def _check(good: bool, problem: str) -> None:
    if not good:
        raise ValueError(problem)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    _check(len(data) == size, 'a record ends too early')
    return data


def _read_at(file: int, count: int, at: int) -> bytes:
    _check(0 <= count <= LARGEST, 'a record is larger than can be')
    data = os.pread(file, count, at)
    _check(len(data) == count, 'a record ends too early')
    return data


def _read_to(buffer: Buffer, file: int, count: int, at: int) -> memoryview:
    _check(0 <= count <= LARGEST, 'a record is larger than can be')
    data = buffer.take(count)
    _check(os.preadv(file, [data], at) == count, 'a record ends too early')
    return data


def _read_chunk(file: int, offset: int, memory: _Memory, until: int | None = None) -> memoryview:
    """Give what a chunk holds, until the next one is read to this memory."""
    code, size = _RECORD.unpack(_read_at(file, _RECORD.size, offset))
    _check(code == _CHUNK_CODE, 'its index names a chunk where there is none')
    record = _read_to(memory.packed, file, size, offset + _RECORD.size)
    return _unpack_chunk(record, memory.unpacked, until)


def _read_record(stream: BinaryIO) -> tuple[int, bytes]:
    code, size = _RECORD.unpack(_exactly(stream, _RECORD.size))
    return code, _exactly(stream, size)


def _records(data: bytes | memoryview) -> Iterator[tuple[int, bytes]]:
    position, view = 0, memoryview(data)
    while position < len(data):
        code, size = _RECORD.unpack_from(data, position)
        position += _RECORD.size
        _check(position + size <= len(data), 'a record ends too early')
        yield code, view[position : position + size]  # type: ignore[misc]
        position += size


def _note_definition(content: _Content, code: int, record: bytes) -> None:
    if code == _SCHEMA:
        fields = _Fields(record)
        key = fields.number('<H')
        content.schemas[key] = _Schema(fields.text(), fields.text(), fields.text())
    elif code == _CHANNEL:
        channel = _read_channel(_Fields(record), content.schemas)
        content.channels.setdefault(channel.key, channel)


def _read_channel(fields: _Fields, schemas: Mapping[int, _Schema]) -> Channel:
    key, schema = fields.number('<H'), schemas.get(fields.number('<H'), _Schema('', '', ''))
    topic, encoding = fields.text(), fields.text().lower()
    if not encoding and schema.encoding in _CDR_SCHEMAS:
        encoding = CDR
    qos = read_qos(fields.texts().get('offered_qos_profiles', ''))
    name = full_type_name(schema.name) if encoding in READABLE else schema.name
    return Channel(
        key,
        topic,
        name,
        encoding,
        qos=qos,
        latched=is_latched(qos),
        definition=schema.definition,
    )


def _read_chunk_index(fields: _Fields) -> _Chunk:
    start_ns, end_ns = fields.number('<Q'), fields.number('<Q')
    offset, length = fields.number('<Q'), fields.number('<Q')
    places = sorted((at, key) for key, at in struct.iter_unpack('<HQ', fields.octets()))
    ends = [*(at for at, _ in places[1:]), offset + length + fields.number('<Q')]
    counts = {
        key: max(0, end - at - _INDEX_FRAME) // 16
        for (at, key), end in zip(places, ends, strict=bool(places))
    }
    places_by_key = {key: at for at, key in places}
    return _Chunk(offset, start_ns, end_ns, counts, places_by_key, ends[-1], bool(fields.text()))


def _scan_chunk(content: _Content, offset: int, data: memoryview) -> _Chunk:
    counts: Counter[int] = Counter()
    times: array[int] = array('q')
    for code, body in _records(data):
        if code == _MESSAGE_CODE:
            key, _, time_ns, _ = _MESSAGE.unpack_from(body)
            counts[key] += 1
            times.append(time_ns)
        else:
            _note_definition(content, code, body)
    return _Chunk(offset, min(times, default=0), max(times, default=0), counts)


def _unpack_chunk(
    record: bytes | memoryview, buffer: Buffer, until: int | None = None
) -> memoryview:
    """Give what a chunk holds: in the buffer where it was compressed, else where it is.

    With ``until`` so many bytes of it, or some more, whose checksum is not known.
    """
    _, _, size, checksum = _CHUNK.unpack_from(record)
    _check(size <= LARGEST, f'a chunk claims to be {size} bytes')
    (kind_size,) = _LENGTH.unpack_from(record, _CHUNK.size)
    data_at = _CHUNK.size + _LENGTH.size + kind_size + 8
    kind = bytes(record[_CHUNK.size + _LENGTH.size : data_at - 8]).decode('utf-8', 'replace')
    (packed_size,) = struct.unpack_from('<Q', record, data_at - 8)
    data = memoryview(record)[data_at : data_at + packed_size]
    _check(len(data) == packed_size, 'a record ends too early')
    if kind in _UNPACKING:
        data = _fill(buffer.take(size), _UNPACKING[kind](data, size), until)
        if until is not None and len(data) < size:
            return data
    else:
        _check(not kind, f'its chunks are compressed as {kind!r}, only zstd and lz4 are known')
    _check(len(data) == size, f'a chunk of {size} bytes has {len(data)}')
    _check(not checksum or crc32(data) == checksum, 'the checksum of a chunk is wrong')
    return data


def _fill(memory: memoryview, parts: Iterable[bytes], until: int | None = None) -> memoryview:
    """Write parts, one after the other, and give as much of the memory as they fill."""
    at = 0
    for part in parts:
        memory[at : at + len(part)] = part
        at += len(part)
        if until is not None and at >= until:
            break
    return memory[:at]


def _end_of(offset: int, offsets: NDArray[np.int64]) -> int | None:
    """Give where the next message begins, None where there is none."""
    later = offsets[offsets > offset]
    return int(later.min()) if len(later) else None
