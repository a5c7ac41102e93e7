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

"""What every kind of storage file has in common: channels, times, and messages in order."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

ROOT: Final = 'rosbag2_bagfile_information'
CDR: Final = 'cdr'
ROS1: Final = 'ros1'
READABLE: Final = (CDR, ROS1)
"""The encodings of messages that are read; a file may hold channels of others beside them."""

HEAD_BYTES: Final = 16
"""As much of a message as the header of CDR and the stamp take, and what follows to be read."""

QosProfile = Mapping[str, str]

# rmw's numbers, which rosbag2 wrote before it wrote names.
_QOS_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    'history': {'0': 'system_default', '1': 'keep_last', '2': 'keep_all', '3': 'unknown'},
    'reliability': {'0': 'system_default', '1': 'reliable', '2': 'best_effort', '3': 'unknown'},
    'durability': {'0': 'system_default', '1': 'transient_local', '2': 'volatile', '3': 'unknown'},
}


@dataclass(frozen=True)
class Channel:
    """The messages of one topic in one file.

    ``encoding`` is how they are serialized, ``definition`` the text of their type where the file
    holds it. ``qos`` are the profiles that its publishers offered.
    """

    key: int
    topic: str
    msgtype: str
    encoding: str
    count: int = 0
    qos: tuple[QosProfile, ...] = ()
    latched: bool = False
    definition: str = field(default='', repr=False)


StoredMessage = tuple[Channel, int, bytes]
"""A message's channel, when it was recorded in nanoseconds, and its bytes."""


@dataclass(frozen=True)
class Heads:
    """Messages of which no more than the first bytes were read.

    ``keys`` (N,) uint16 names their channels, ``received_ns`` (N,) int64 is when each was
    recorded, ``sizes`` (N,) int64 its bytes, ``first`` (N, HEAD_BYTES) uint8 the first of them,
    zeros where there are fewer, and ``places`` (N,) int64 where the file finds it again. Of those
    that were passed over ``sizes`` are -1 and ``first`` are zeros.
    """

    keys: NDArray[np.uint16]
    received_ns: NDArray[np.int64]
    sizes: NDArray[np.int64]
    first: NDArray[np.uint8]
    places: NDArray[np.int64]


class StorageFile(ABC):
    """A file of messages that is open, and what is known of it without reading all of it.

    ``start_ns`` and ``end_ns`` are when the first and the last message were recorded, both 0 where
    there is none. ``notes`` say what a user should know of how it was read. Whatever damage makes
    a parser raise comes out of the constructor and of :meth:`messages` as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.channels: tuple[Channel, ...] = ()
        self.start_ns = 0
        self.end_ns = 0
        # What recorders stored of the bag, in YAML; of several the last one counts.
        self.metadata_texts: list[str] = []
        self.notes: list[str] = []

    @cached_property
    def custom_data(self) -> Mapping[str, str] | None:
        """What the recorder stored of the bag inside the file, None where it stored nothing.

        Read when it is asked for: its copy in metadata.yaml counts where there is one.
        """
        found = map(read_custom_data, reversed(self.metadata_texts))
        return next((each for each in found if each), None)

    @property
    def count(self) -> int:
        """The number of messages, of whatever encoding."""
        return sum(channel.count for channel in self.channels)

    @abstractmethod
    def messages(
        self, channels: Collection[Channel], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[StoredMessage]:
        """Give the messages of ``channels`` recorded in ``[start_ns, stop_ns)``, in order."""

    def runs(
        self, channels: Collection[Channel], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[list[StoredMessage]]:
        """Give what :meth:`messages` gives, together what is in memory together."""
        for each in self.messages(channels, start_ns, stop_ns):
            yield [each]

    def heads(
        self,
        keep: Collection[Channel] = (),  # noqa: ARG002 - for those that have to unpack all
        unpacked: Collection[int] | None = None,  # noqa: ARG002
    ) -> Iterator[Heads] | None:
        """Give the heads of all messages, many at a time.

        None where the file cannot tell them with less effort than reading its messages. Messages
        of the channels ``keep`` will be asked for, too, and may be kept in memory until they are
        given. Of the :attr:`packed` parts no more are read than those numbered ``unpacked``, where
        that is given, and what holds messages of ``keep``; other messages are passed over.
        """
        return None

    @property
    def packed(self) -> int:
        """How many parts of the file are compressed."""
        return 0

    def read_at(self, places: NDArray[np.int64]) -> Iterator[bytes]:
        """Give the messages at ``places`` that :meth:`heads` named."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Close the file; twice is as good as once."""


def full_type_name(name: str) -> str:
    """Give a type's name as ROS 2 writes it: ROS 1 leaves the middle part out."""
    parts = name.split('/')
    return f'{parts[0]}/msg/{parts[1]}' if len(parts) == 2 else name


def read_qos(given: object) -> tuple[QosProfile, ...]:
    """Read profiles of QoS as metadata.yaml and files hold them: a list, or YAML of one.

    What is no profile is left out: messages can be read without.
    """
    if isinstance(given, str):
        return _qos_in_text(given)
    profiles = (
        [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    )
    return tuple(
        {
            name: _QOS_NAMES.get(name, {}).get(str(value), str(value).lower())
            for name, value in profile.items()
            if name in (*_QOS_NAMES, 'depth')
        }
        for profile in profiles
    )


# Topics of a recording, and recordings, share a few of them, and YAML is dear to read.
@lru_cache(maxsize=64)
def _qos_in_text(text: str) -> tuple[QosProfile, ...]:
    try:
        given = YAML(typ='safe').load(text)
    except YAMLError:
        return ()
    return () if isinstance(given, str) else read_qos(given)


def is_latched(profiles: Collection[QosProfile]) -> bool:
    """Say whether a publisher keeps its messages for those that come later."""
    return any(profile.get('durability') == 'transient_local' for profile in profiles)


def read_custom_data(text: str) -> dict[str, str] | None:
    """Give the ``custom_data`` of a bag's metadata in YAML, None where it has none."""
    try:
        document = YAML(typ='safe').load(text)
    # Of odd texts ruamel's parser raises whatever comes.
    except Exception:  # noqa: BLE001
        return None
    if isinstance(document, dict):
        document = document.get(ROOT, document)
    return custom_data_of(document)


def custom_data_of(document: object) -> dict[str, str] | None:
    """Give the ``custom_data`` of a bag's metadata, None where it has none."""
    custom = document.get('custom_data') if isinstance(document, dict) else None
    if not isinstance(custom, dict):
        return None
    return {str(key): str(value) for key, value in custom.items()}
