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

"""A file of one sensor's samples that people have, to become messages of a recording."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import NamedTuple

from xmodal_ros.modalities.table import SampleTable
from xmodal_ros.streams.sample import Sample


class Record(NamedTuple):
    """A serialized message, and when it was received."""

    stamp_ns: int
    topic: str
    msgtype: str
    data: bytes
    latched: bool = False


class SensorFile(ABC):
    """A file that was looked into. ``starts_at_ns`` is when it starts, where it says so itself.

    ``repeated`` counts samples with the time of the one before. ``notes`` say what of the file is
    otherwise than its header says.
    """

    starts_at_ns: int | None = None
    repeated: int = 0
    notes: tuple[str, ...] = ()

    @property
    @abstractmethod
    def duration_ns(self) -> int:
        """How long it lasts."""

    @abstractmethod
    def records(self, topic: str, frame: str, start_ns: int) -> Iterator[Record]:
        """Give its messages in order of time, the first sample taken at ``start_ns``.

        Raises :class:`~xmodal_ros.errors.BagError` where the file breaks off.
        """


class TableFile(SensorFile):
    """A table, each row of which becomes one message of ``msgtype``."""

    def __init__(
        self, table: SampleTable, msgtype: str, serialize: Callable[[Sample], bytes]
    ) -> None:
        self._table, self._msgtype, self._serialize = table, msgtype, serialize
        self.repeated = table.repeated
        self.starts_at_ns = int(table.times_ns[0]) if table.is_dated else None

    @property
    def duration_ns(self) -> int:
        """From the first row to the last."""
        return int(self._table.times_ns[-1] - self._table.times_ns[0])

    def records(self, topic: str, frame: str, start_ns: int) -> Iterator[Record]:
        """Give a message a row."""
        stamps = self._table.times_ns + (start_ns - int(self._table.times_ns[0]))
        for stamp_ns, values in zip(stamps.tolist(), self._table.values, strict=True):
            message = self._serialize(Sample(stamp_ns, frame, values))
            yield Record(stamp_ns, topic, self._msgtype, message)
