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

"""Read recordings: mcap, sqlite3 and ROS 1 bags as one stream of CDR messages."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass, replace
import difflib
import heapq
from itertools import chain, islice
import json
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.clocks import read_shifts
from xmodal_ros.bags.compression import decompress_zstd, ZSTD_MAGIC
from xmodal_ros.bags.message_types import is_as_defined, is_readable, TYPESTORE
from xmodal_ros.bags.metadata_file import contradictions
from xmodal_ros.bags.names import name_of
from xmodal_ros.bags.opening import explain, open_bag, OpenBag, storage_paths
from xmodal_ros.bags.person import name_person
from xmodal_ros.bags.ros1 import Ros1Converter
from xmodal_ros.bags.sensor_table import read_sensor
from xmodal_ros.bags.storage import (
    Channel,
    HEAD_BYTES,
    Heads,
    is_latched,
    READABLE,
    ROS1,
    StorageFile,
    StoredMessage,
)
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.modalities.registry import modality_names, modality_of_type
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.timing import are_in_order

LONGEST_NS: Final = 7 * 24 * 3600 * 1_000_000_000
"""A recording that lasts longer by its times of recording was made while the clock was set."""

# So many messages are tried where a recording does not say how they are laid out.
_TRIED: Final = 10

_NO_NAMES_OF_THEIR_OWN: Final = frozenset(
    {'image', 'image_raw', 'image_color', 'image_rect', 'compressed', 'data', 'data_raw', 'raw'}
)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a recording holds on one topic; ``latched`` means transient local durability."""

    name: str
    msgtype: str
    count: int
    latched: bool = False


class Message(NamedTuple):
    """One recorded message.

    ``received_ns`` is the time of recording, ``data`` CDR with its 4-byte encapsulation header.
    """

    topic: str
    msgtype: str
    received_ns: int
    data: bytes


class MessageBlock(NamedTuple):
    """Messages of one topic that follow each other: what is said of a :class:`Message`."""

    received_ns: list[int]
    data: list[bytes]


# Of one file and topic: its number, and what an outline says.
_Part = tuple[NDArray[np.int64], ...]


@dataclass(frozen=True)
class Outline:
    """The messages of a topic in the order in which they were recorded, by their first bytes.

    (N,) each, in nanoseconds and bytes: when they were recorded, what stands where a header has
    its stamp (-1 where the message is too short for one), and how large they are, -1 where that
    was not read. ``files`` and ``places`` say where they are found again.
    """

    received_ns: NDArray[np.int64]
    stamps_ns: NDArray[np.int64]
    sizes: NDArray[np.int64]
    files: NDArray[np.int64]
    places: NDArray[np.int64]


class BagReader:
    """One recording: a folder with mcap or sqlite3 files, a single such file, or a ROS 1 bag.

    Its files are read by what they hold: of ``metadata.yaml`` only the names of the files and
    ``custom_data`` are taken, and without one a folder is read from its files alone. ROS 1
    messages are converted to CDR, laid out by the definitions in the bag. Use it as a context
    manager; memory stays flat however long the recording is.

    ``start_ns`` and ``end_ns`` are the times at which the first and the last message were
    recorded. ``metadata`` is the bag's ``custom_data``. ``subject`` and ``session`` come from
    there, else from the names of the bag and the folders it is in (see
    :mod:`xmodal_ros.bags.person`). ``sensors`` are those declared there, else one for each topic
    of a type we know, named after its topic. ``clocks`` are the corrections of ``clocks.yaml`` by
    topic; messages are given with their stamps corrected. ``unread`` are the topics that are
    recorded in an encoding that is not known, with it. ``notes`` are sentences about what was
    found to be otherwise than declared, or is not read.

    Raises :class:`BagError` when the recording is missing, empty, truncated or no recording.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        paths = storage_paths(self.path)
        self.name = name_of(paths[0] if len(paths) == 1 else self.path)
        self._stack = ExitStack()
        self._converter = Ros1Converter()
        self._iteration = 0
        self._files: list[StorageFile] = []
        try:
            opened = open_bag(paths, self._stack)
            self._files, self._in_turn = opened.files, opened.in_turn
            self.topics: Mapping[str, Topic] = self._collect_topics(opened)
            self.unread: Mapping[str, str] = self._collect_unread()
            if not any(topic.count for topic in self.topics.values()):
                raise BagError(self._explain_emptiness())
            self.notes: tuple[str, ...] = tuple(self._collect_notes(opened))
            filled = [file for file in self._files if any(map(_holds_some, file.channels))]
            self.start_ns = min(file.start_ns for file in filled)
            self.end_ns = max(file.end_ns for file in filled)
            self.metadata: Mapping[str, str] = _collect_metadata(opened)
            home = paths[0] if len(paths) == 1 else self.path
            people = name_person(home, self.name)
            self.subject = self.metadata.get('subject') or people.subject
            self.session = self.metadata.get('session') or people.session
            self.sensors = self._collect_sensors()
            types = {topic.name: topic.msgtype for topic in self.topics.values()}
            self.clocks = read_shifts(home, self.sensors, types, self.start_ns)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; the facts about the recording stay readable, its messages do not."""
        self._files = []
        self._stack.close()

    def sensor(self, name: str) -> Sensor:
        """Give the sensor of this name (or on the topic of this name).

        Raises :class:`BagError` that says the closest and which sensors there are, or else topics.
        """
        if self.claims(name) > 1:
            topics = [s.topic for s in self.sensors if name in (s.name, s.topic)]
            raise BagError(
                f'bag {str(self.path)!r} has {len(topics)} topics that claim to be sensor '
                f'{name!r}: {" and ".join(topics)}: name the topic instead, or correct the '
                "'sensors' of its metadata"
            )
        for sensor in self.sensors:
            if name in (sensor.name, sensor.topic):
                if self.topics.get(sensor.topic, Topic('', '', 0)).count:
                    return sensor
                raise BagError(
                    f'sensor {name!r} of bag {str(self.path)!r} is declared on topic '
                    f'{sensor.topic!r}, which holds no messages; the bag has '
                    f'{self._describe_topics()}'
                )
        known = [text for sensor in self.sensors for text in (sensor.name, sensor.topic)]
        close = difflib.get_close_matches(name, known or self.topics, n=1, cutoff=0.3)
        listed = ', '.join(f'{s.name} ({s.modality}, {s.topic})' for s in self.sensors)
        raise BagError(
            f'bag {str(self.path)!r} has no sensor or sensor topic {name!r}'
            + (
                f' that can be read, {self._describe_unread([name])}'
                if name in self.unread
                else ''
            )
            + (f'; closest is {close[0]!r}' if close else '')
            + (f'; sensors: {listed}' if listed else f'; it has {self._describe_topics()}')
        )

    def claims(self, name: str) -> int:
        """Say how many topics claim to be the sensor of this name."""
        return len({s.topic for s in self.sensors if name in (s.name, s.topic)})

    def is_as_defined(self, topic: str) -> bool:
        """Say whether a topic's messages are laid out as ``TYPESTORE`` defines their type.

        The definition in the recording decides, where there is none the first messages: one of
        them has to be readable. Ends an iteration over messages.
        """
        msgtype = self.topics[topic].msgtype
        if msgtype not in TYPESTORE.fielddefs:
            return False
        told = {
            is_as_defined(msgtype, channel.definition)
            for file in self._files
            for channel in _readable(file)
            if channel.topic == topic and channel.count and channel.msgtype in ('', msgtype)
        }
        if None not in told or False in told:
            return False not in told
        mine = (each for each in self.messages([topic]) if each.msgtype == msgtype)
        return any(is_readable(msgtype, each.data) for each in islice(mine, _TRIED))

    def messages(
        self,
        topics: Collection[str] | None = None,
        start_ns: int | None = None,
        stop_ns: int | None = None,
    ) -> Iterator[Message]:
        """Iterate over all messages, or those of ``topics``, in the order they were recorded.

        With ``start_ns`` and ``stop_ns`` only those recorded in ``[start_ns, stop_ns)``; of an
        indexed file no more than the parts that hold them are read.
        The files of a bag that was split while recording follow each other as rosbag2 plays
        them. One iteration at a time: starting another ends the one before it with a
        RuntimeError. Raises :class:`BagError` for an unknown topic and when damage is found.
        """
        self._check_topics(topics or ())
        self._iteration += 1
        wanted = None if topics is None else frozenset(topics)
        return self._iterate(self._iteration, wanted, start_ns, stop_ns)

    def blocks(self, topic: str, size: int) -> Iterator[MessageBlock]:
        """Iterate over the messages of a topic, up to ``size`` at a time, in less time for each.

        All else is as in :meth:`messages`.
        """
        self._check_topics([topic])
        self._iteration += 1
        return self._iterate_blocks(self._iteration, topic, size)

    def _check_topics(self, topics: Collection[str]) -> None:
        if not self._files:
            raise BagError(f'bag {str(self.path)!r} is closed')
        for topic in topics:
            if topic not in self.topics:
                close = difflib.get_close_matches(topic, self.topics, n=1, cutoff=0.3)
                raise BagError(
                    f'bag {str(self.path)!r} has no topic {topic!r}'
                    + (
                        f' that can be read, {self._describe_unread([topic])}'
                        if topic in self.unread
                        else ''
                    )
                    + (f'; closest is {close[0]!r}' if close else '')
                    + f'; it has {self._describe_topics()}'
                )

    def outlines(
        self, keep: Collection[str] = (), most_packed: int | None = None
    ) -> Mapping[str, Outline] | None:
        """Give the times of all messages by topic without reading them, where files can tell.

        The messages of the topics ``keep``, few and small ones, will be asked for next: they may
        be kept in memory, which saves unpacking what they lie in once more. With ``most_packed``
        so many compressed chunks are read, from all over the recording, beside those that
        hold messages of ``keep``: stamps and sizes are then of the messages in these.

        None where that takes as much effort as reading, or messages are changed on the way: in
        files without an index, ROS 1 bags, compressed one by one, with corrected clocks. So it is
        where an index does not fit what it is of; reading tells then what the messages are.
        """
        if self.clocks or any(
            channel.encoding == ROS1 for file in self._files for channel in _readable(file)
        ):
            return None
        found: dict[str, list[_Part]] = {topic: [] for topic in self.topics}
        spread = _spread([file.packed for file in self._files], most_packed)
        for number, (file, unpacked) in enumerate(zip(self._files, spread, strict=True)):
            try:
                parts = _read_parts(file, number, keep, unpacked)
            # As on opening: damage shows as any exception of the parsers and decompressors.
            except Exception:  # noqa: BLE001
                return None
            if parts is None:
                return None
            for topic, part in parts:
                found[topic].append(part)
        return {topic: _join(parts, in_turn=self._in_turn) for topic, parts in found.items()}

    def read_at(
        self, chosen: Sequence[tuple[Outline, NDArray[np.int64]]]
    ) -> Iterator[tuple[int, int, bytes]]:
        """Give messages, by their numbers in outlines; raises :class:`BagError`.

        Each comes with which outline it is of, and which of the numbers chosen there. Those of an
        outline and a file come in order, and with them those of others that lie nearby.
        """
        for number, file in enumerate(self._files):
            parts = []
            for which, (outline, numbers) in enumerate(chosen):
                at = np.flatnonzero(outline.files[numbers] == number)
                places = outline.places[numbers[at]]
                # What lies before the last one comes with that: order counts more.
                key = np.maximum.accumulate(places) if len(places) else places
                parts.append((key, np.full(len(at), which), at, places))
            key, of, at, places = (np.concatenate(each) for each in zip(*parts, strict=True))
            order = np.argsort(key, kind='stable')
            with _telling_damage(file):
                found = file.read_at(places[order])
                for which, index, data in zip(of[order], at[order], found, strict=True):
                    yield int(which), int(index), data

    def _iterate(
        self,
        iteration: int,
        topics: frozenset[str] | None,
        start_ns: int | None,
        stop_ns: int | None,
    ) -> Iterator[Message]:
        self._check_turn(iteration)
        for run in self._runs(topics, start_ns, stop_ns):
            for channel, received_ns, data in run:
                msgtype = channel.msgtype or self.topics[channel.topic].msgtype
                yield Message(channel.topic, msgtype, received_ns, data)
                self._check_turn(iteration)

    def _iterate_blocks(self, iteration: int, topic: str, size: int) -> Iterator[MessageBlock]:
        self._check_turn(iteration)
        received_ns: list[int] = []
        waiting: list[bytes] = []
        for run in self._runs(frozenset({topic}), None, None):
            received_ns += [each_ns for _, each_ns, _ in run]
            waiting += [data for _, _, data in run]
            while len(waiting) >= size:
                yield MessageBlock(received_ns[:size], waiting[:size])
                del received_ns[:size], waiting[:size]
                self._check_turn(iteration)
        if waiting:
            yield MessageBlock(received_ns, waiting)

    def _runs(
        self, topics: frozenset[str] | None, start_ns: int | None, stop_ns: int | None
    ) -> Iterator[Sequence[StoredMessage]]:
        sources = [
            self._runs_of(file, topics, start_ns, stop_ns)
            for file in self._files
            if any(topics is None or channel.topic in topics for channel in _readable(file))
        ]
        if self._in_turn or len(sources) == 1:
            yield from chain.from_iterable(sources)
            return
        merged = heapq.merge(*map(chain.from_iterable, sources), key=itemgetter(1))
        for message in merged:
            yield (message,)

    def _check_turn(self, iteration: int) -> None:
        if iteration != self._iteration:
            raise RuntimeError(
                'another iteration over this BagReader has begun: open a second BagReader'
            )

    def _runs_of(
        self,
        file: StorageFile,
        topics: frozenset[str] | None,
        start_ns: int | None,
        stop_ns: int | None,
    ) -> Iterator[list[StoredMessage]]:
        """Give messages of a file as their clocks and compression have it."""
        wanted = [
            channel for channel in _readable(file) if topics is None or channel.topic in topics
        ]
        # Of most channels messages are given as they are.
        changed = {
            channel.key
            for channel in wanted
            if channel.encoding == ROS1 or channel.topic in self.clocks
        }
        with _telling_damage(file):
            for run in file.runs(wanted, start_ns, stop_ns):
                compressed = [data for _, _, data in run if data.startswith(ZSTD_MAGIC)]
                if not compressed and not (changed and any(c.key in changed for c, _, _ in run)):
                    yield run
                    continue
                # One by one: each may become much larger, and those before one that is damaged
                # are whole.
                for channel, received_ns, data in run:
                    yield [(channel, received_ns, self._read_data(channel, data))]

    def _read_data(self, channel: Channel, data: bytes) -> bytes:
        # No message of ROS begins so, whatever is said of their compression.
        if data[: len(ZSTD_MAGIC)] == ZSTD_MAGIC and channel.encoding != ROS1:
            data = decompress_zstd(data)
        if channel.encoding == ROS1:
            data = self._converter.to_cdr(channel, data)
        shift = self.clocks.get(channel.topic)
        return data if shift is None else shift.apply(data)

    def _collect_topics(self, opened: OpenBag) -> dict[str, Topic]:
        topics: dict[str, dict[str, Topic]] = {}
        declared = opened.metadata.topics if opened.metadata else {}
        for file in self._files:
            for channel in _readable(file):
                stated = declared.get(channel.topic)
                msgtype = channel.msgtype or (stated.msgtype if stated else '')
                profiles = channel.qos or (stated.qos if stated else ())
                latched = channel.latched or is_latched(profiles)
                of_topic = topics.setdefault(channel.topic, {})
                old = of_topic.get(msgtype, Topic(channel.topic, msgtype, 0))
                of_topic[msgtype] = replace(
                    old,
                    count=old.count + channel.count,
                    latched=old.latched or latched,
                )
        # Of several types that which most messages have counts.
        return {
            name: replace(
                max(of_topic.values(), key=lambda each: each.count),
                count=sum(each.count for each in of_topic.values()),
            )
            for name, of_topic in sorted(topics.items())
        }

    def _collect_unread(self) -> dict[str, str]:
        return {
            channel.topic: channel.encoding or 'something that is not said'
            for file in self._files
            for channel in file.channels
            if channel.encoding not in READABLE and channel.topic not in self.topics
        }

    def _collect_notes(self, opened: OpenBag) -> Iterator[str]:
        yield from opened.notes
        for file in self._files:
            yield from file.notes
        if opened.metadata is not None:
            yield from contradictions(opened.metadata, self._files)
        if self.unread:
            yield f'{self._describe_unread(self.unread)}: it is left out'
        types: dict[str, set[str]] = {}
        for file in self._files:
            for channel in _readable(file):
                if channel.count and channel.msgtype:
                    types.setdefault(channel.topic, set()).add(channel.msgtype)
        for topic, found in sorted(types.items()):
            if len(found) > 1:
                yield (
                    f'{topic} holds messages of {len(found)} types, {" and ".join(sorted(found))}:'
                    f' those of {self.topics[topic].msgtype} can be used'
                )

    def _explain_emptiness(self) -> str:
        if self.unread:
            return (
                f'bag {str(self.path)!r} cannot be read: {self._describe_unread(self.unread)}; '
                'only cdr (ROS 2) and ros1 are: convert it, or record the topics of ROS'
            )
        return f'bag {str(self.path)!r} holds no messages: record it again'

    def _describe_unread(self, topics: Iterable[str]) -> str:
        by_encoding: dict[str, list[str]] = {}
        for topic in topics:
            by_encoding.setdefault(self.unread[topic], []).append(topic)
        return ', '.join(
            f'{" and ".join(sorted(names))} is encoded as {encoding}'
            for encoding, names in sorted(by_encoding.items())
        )

    def _collect_sensors(self) -> tuple[Sensor, ...]:
        declared = self.metadata.get('sensors')
        if declared is not None:
            return self._parse_sensors(declared)
        modalities = {
            topic.name: modality
            for topic in self.topics.values()
            if (modality := modality_of_type(topic.msgtype))
        }
        short = {topic: short_name(topic) for topic in modalities}
        names = list(short.values())
        return tuple(
            Sensor(
                name if names.count(name) == 1 else topic.strip('/').replace('/', '_'),
                modalities[topic],
                topic,
            )
            for topic, name in short.items()
        )

    def _parse_sensors(self, text: str) -> tuple[Sensor, ...]:
        try:
            sensors = tuple(map(read_sensor, json.loads(text)))
        except ConfigurationError as error:
            raise BagError(
                f"bag {str(self.path)!r}: custom_data 'sensors': {error}; correct its "
                'metadata.yaml'
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BagError(
                f"bag {str(self.path)!r}: custom_data 'sensors' is no JSON list of "
                '{name, modality, topic, frame, mounting_rotation, region_of_interest} '
                f'({error!r}): correct its metadata.yaml'
            ) from None
        for sensor in sensors:
            if sensor.modality not in modality_names():
                raise BagError(
                    f'bag {str(self.path)!r}: sensor {sensor.name!r} has modality '
                    f'{sensor.modality!r}, known are {", ".join(modality_names())}'
                )
        return sensors

    def _describe_topics(self) -> str:
        return ', '.join(f'{topic.name} ({topic.msgtype})' for topic in self.topics.values())


def _readable(file: StorageFile) -> list[Channel]:
    """Give the channels whose messages are ROS 1 or CDR; a file may hold others beside them."""
    return [channel for channel in file.channels if channel.encoding in READABLE]


@contextmanager
def _telling_damage(file: StorageFile) -> Iterator[None]:
    """Raise :class:`BagError` for any exception of the parsers and decompressors: damage."""
    try:
        yield
    except BagError:
        raise
    except Exception as error:
        raise BagError(explain(file.path, error)) from error


def _spread(counts: Sequence[int], most: int | None) -> list[Collection[int] | None]:
    """Choose parts from all over files of so many; gives their numbers in each, None for all."""
    total = sum(counts)
    if most is None or total <= most:
        return [None] * len(counts)
    chosen = np.linspace(0, total - 1, most).astype(int)
    ends = np.cumsum(counts)
    of = np.searchsorted(ends, chosen, side='right')
    return [
        {*(chosen[of == file] - (end - count)).tolist()}
        for file, (count, end) in enumerate(zip(counts, ends, strict=True))
    ]


def _read_parts(
    file: StorageFile, number: int, keep: Collection[str], unpacked: Collection[int] | None
) -> list[tuple[str, _Part]] | None:
    """Give what a file tells of each topic: received, stamps, sizes, places; None for nothing."""
    pieces: list[tuple[NDArray[np.integer], ...]] = []
    kept = [channel for channel in _readable(file) if channel.topic in keep]
    heads = file.heads(kept, unpacked)
    if heads is None:
        return None
    for each in heads:
        packed = np.ascontiguousarray(each.first[:, : len(ZSTD_MAGIC)]).view('<u4')
        if (packed == int.from_bytes(ZSTD_MAGIC, 'little')).any():
            return None
        pieces.append((each.keys, each.received_ns, _stamps(each), each.sizes, each.places))
    if not pieces:
        return []
    keys, *fields = (np.concatenate(each) for each in zip(*pieces, strict=True))
    order = np.argsort(keys, kind='stable')
    keys, fields = keys[order], [each[order] for each in fields]
    parts = []
    for channel in _readable(file):
        begin, end = np.searchsorted(keys, [channel.key, channel.key + 1])
        part = np.full(end - begin, number), *(each[begin:end] for each in fields)
        parts.append((channel.topic, part))
    return parts


def _join(parts: Sequence[_Part], *, in_turn: bool) -> Outline:
    fields: Sequence[NDArray[np.int64]] = (
        parts[0] if len(parts) == 1 else [np.concatenate(e) for e in zip(*parts, strict=True)]
    )
    files, received, stamps, sizes, places = fields or [np.empty(0, np.int64)] * 5
    if len(parts) == 1 and are_in_order(received):
        return Outline(received, stamps, sizes, files, places)
    # Files in turn keep their order, and so do messages of one time.
    order = np.lexsort((received, files) if in_turn else (received,))
    return Outline(received[order], stamps[order], sizes[order], files[order], places[order])


def _stamps(heads: Heads) -> NDArray[np.int64]:
    """Read the stamps as :func:`~xmodal_ros.streams.cdr.read_stamp_ns` does, -1 for none."""
    whole = heads.sizes >= HEAD_BYTES
    all_whole = bool(whole.all())
    first = heads.first if all_whole else heads.first[whole]
    words = np.ascontiguousarray(first[:, 4:12]).view('<u4')
    big = first[:, 1] != 1
    if big.any():
        words[big] = words[big].byteswap()
    # NumPy 1 would multiply by a number of 64 bits in 32 of them.
    stamps: NDArray[np.int64] = words[:, 0].view('<i4').astype(np.int64) * 1_000_000_000
    stamps += words[:, 1]
    if all_whole:
        return stamps
    found = np.full(len(whole), -1)
    found[whole] = stamps
    return found


def _holds_some(channel: Channel) -> bool:
    return channel.encoding in READABLE and channel.count > 0


def _collect_metadata(opened: OpenBag) -> dict[str, str]:
    """Give the bag's ``custom_data``: metadata.yaml's, for it is there to be edited."""
    if opened.metadata is not None and opened.metadata.custom_data is not None:
        return {**opened.metadata.custom_data}
    metadata: dict[str, str] = {}
    for file in opened.files:
        metadata.update(file.custom_data or {})
    return metadata


def short_name(topic: str) -> str:
    """Name a sensor after its topic, without what any topic ends with."""
    parts = topic.strip('/').split('/')
    while len(parts) > 1 and parts[-1] in _NO_NAMES_OF_THEIR_OWN:
        parts.pop()
    return '_'.join(parts)
