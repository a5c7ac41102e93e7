"""Read recordings: mcap, sqlite3 and ROS 1 bags as one stream of CDR messages."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
import difflib
import heapq
import json
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag1,
    ConnectionExtRosbag2,
    QosDurability,
)
from rosbags.rosbag2 import Reader as Ros2Reader

from xmodal_ros.bags.clocks import read_shifts
from xmodal_ros.bags.mcap_metadata import read_custom_data
from xmodal_ros.bags.opening import explain, FileReader, open_readers, storage_paths
from xmodal_ros.bags.person import name_person
from xmodal_ros.bags.ros1 import Ros1Converter
from xmodal_ros.bags.sensor_table import read_sensor
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.modalities.registry import modality_names, modality_of_type
from xmodal_ros.modalities.sensor import Sensor

LONGEST_NS: Final = 7 * 24 * 3600 * 1_000_000_000
"""A recording that lasts longer by its times of recording was made while the clock was set."""

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


@dataclass(frozen=True, slots=True)
class Message:
    """One recorded message.

    ``received_ns`` is the time of recording, ``data`` CDR with its 4-byte encapsulation header.
    """

    topic: str
    msgtype: str
    received_ns: int
    data: bytes


class BagReader:
    """One recording: a folder with mcap or sqlite3 files, a single such file, or a ROS 1 bag.

    A folder without ``metadata.yaml`` is read from its files alone. ROS 1 messages are converted
    to CDR, laid out by the definitions in the bag. Use it as a context manager; memory stays flat
    however long the recording is.

    ``start_ns`` and ``end_ns`` are the times at which the first and the last message were
    recorded. ``metadata`` is the bag's ``custom_data``. ``subject`` and ``session`` come from
    there, else from the names of the bag and the folders it is in (see
    :mod:`xmodal_ros.bags.person`). ``sensors`` are those declared there, else one for each topic
    of a type we know, named after its topic. ``clocks`` are the corrections of ``clocks.yaml`` by
    topic; messages are given with their stamps corrected.

    Raises :class:`BagError` when the recording is missing, empty, truncated or no recording.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        paths = storage_paths(self.path)
        self.name = _name_of(paths[0] if len(paths) == 1 else self.path)
        self._stack = ExitStack()
        self._converter = Ros1Converter()
        self._iteration = 0
        try:
            self._readers = open_readers(paths, self._stack)
            self.topics: Mapping[str, Topic] = self._collect_topics()
            if not any(topic.count for topic in self.topics.values()):
                raise BagError(f'bag {str(self.path)!r} holds no messages: record it again')
            filled = [reader for reader in self._readers if reader.message_count]
            self.start_ns = min(reader.start_time for reader in filled)
            self.end_ns = max(reader.end_time for reader in filled) - 1
            self.metadata: Mapping[str, str] = self._collect_metadata()
            home = paths[0] if len(paths) == 1 else self.path
            people = name_person(home, self.name)
            self.subject = self.metadata.get('subject') or people.subject
            self.session = self.metadata.get('session') or people.session
            self.sensors = self._collect_sensors()
            types = {topic.name: topic.msgtype for topic in self.topics.values()}
            self.clocks = read_shifts(home, self.sensors, types, self.start_ns)
        except BaseException as error:
            self._stack.close()
            # Metadata that parses may still hold the wrong kinds of values.
            if isinstance(error, Exception) and not isinstance(error, BagError):
                raise BagError(explain(self.path, error)) from error
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
        self._readers = []
        self._stack.close()

    def sensor(self, name: str) -> Sensor:
        """Give the sensor of this name (or on the topic of this name).

        Raises :class:`BagError` that says which sensors and topics there are, and the closest.
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
        close = difflib.get_close_matches(name, [*known, *self.topics], n=1, cutoff=0.3)
        listed = ', '.join(f'{s.name} ({s.modality}, {s.topic})' for s in self.sensors)
        raise BagError(
            f'bag {str(self.path)!r} has no sensor or sensor topic {name!r}'
            + (f'; closest is {close[0]!r}' if close else '')
            + f'; sensors: {listed or "none"}; topics: {self._describe_topics()}'
        )

    def claims(self, name: str) -> int:
        """Say how many topics claim to be the sensor of this name."""
        return len({s.topic for s in self.sensors if name in (s.name, s.topic)})

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
        if not self._readers:
            raise BagError(f'bag {str(self.path)!r} is closed')
        for topic in topics or ():
            if topic not in self.topics:
                close = difflib.get_close_matches(topic, self.topics, n=1, cutoff=0.3)
                raise BagError(
                    f'bag {str(self.path)!r} has no topic {topic!r}'
                    + (f'; closest is {close[0]!r}' if close else '')
                    + f'; it has {self._describe_topics()}'
                )
        self._iteration += 1
        wanted = None if topics is None else frozenset(topics)
        return self._iterate(self._iteration, wanted, start_ns, stop_ns)

    def _iterate(
        self,
        iteration: int,
        topics: frozenset[str] | None,
        start_ns: int | None,
        stop_ns: int | None,
    ) -> Iterator[Message]:
        sources = []
        for reader in self._readers:
            wanted = [
                connection
                for connection in _readable(reader)
                if topics is None or connection.topic in topics
            ]
            if wanted:
                sources.append(reader.messages(wanted, start_ns, stop_ns))
        merged = heapq.merge(*sources, key=lambda item: item[1])
        while True:
            if iteration != self._iteration:
                raise RuntimeError(
                    'another iteration over this BagReader has begun: open a second BagReader'
                )
            try:
                connection, received_ns, data = next(merged)
                if isinstance(connection.ext, ConnectionExtRosbag1):
                    data = self._converter.to_cdr(connection, data)
                shift = self.clocks.get(connection.topic)
                data = data if shift is None else shift.apply(data)
            except StopIteration:
                return
            # As on opening: damage shows as any exception of the library or its decompressors.
            except Exception as error:
                raise BagError(explain(self.path, error)) from error
            yield Message(connection.topic, connection.msgtype, received_ns, data)

    def _collect_topics(self) -> dict[str, Topic]:
        topics: dict[str, Topic] = {}
        for reader in self._readers:
            for connection in _readable(reader):
                new = Topic(
                    connection.topic,
                    connection.msgtype,
                    connection.msgcount,
                    _is_latched(connection),
                )
                old = topics.get(connection.topic, new)
                count = connection.msgcount if old is new else old.count + new.count
                topics[new.name] = replace(old if old.count >= new.count else new, count=count)
        return dict(sorted(topics.items()))

    def _collect_metadata(self) -> dict[str, str]:
        metadata: dict[str, str] = {}
        for reader in self._readers:
            if not isinstance(reader, Ros2Reader):
                continue
            file = Path(str(reader.path))
            if file.suffix == '.mcap' and file.is_file():
                metadata.update(read_custom_data(file))
            else:
                metadata.update(reader.storage.metadata.custom or {})
        return {str(key): str(value) for key, value in metadata.items()}

    def _collect_sensors(self) -> tuple[Sensor, ...]:
        declared = self.metadata.get('sensors')
        if declared is not None:
            return self._parse_sensors(declared)
        modalities = {
            topic.name: modality
            for topic in self.topics.values()
            if (modality := modality_of_type(topic.msgtype))
        }
        short = {topic: _short_name(topic) for topic in modalities}
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


def _readable(reader: FileReader) -> list[Connection]:
    """Give the connections whose messages are ROS 1 or CDR; an mcap may hold JSON beside them."""
    return [
        connection
        for connection in reader.connections
        if not isinstance(connection.ext, ConnectionExtRosbag2)
        or connection.ext.serialization_format == 'cdr'
    ]


def _is_latched(connection: Connection) -> bool:
    if isinstance(connection.ext, ConnectionExtRosbag1):
        return bool(connection.ext.latching)
    return any(
        qos.durability is QosDurability.TRANSIENT_LOCAL
        for qos in connection.ext.offered_qos_profiles
    )


def _name_of(path: Path) -> str:
    path = path.resolve()
    return path.stem if path.is_file() else path.name


def _short_name(topic: str) -> str:
    parts = topic.strip('/').split('/')
    while len(parts) > 1 and parts[-1] in _NO_NAMES_OF_THEIR_OWN:
        parts.pop()
    return '_'.join(parts)
