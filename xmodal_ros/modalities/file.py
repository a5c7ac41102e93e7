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
from collections.abc import Callable, Iterator, Sequence
import statistics
from typing import Final, NamedTuple

from xmodal_ros.modalities.label_runs import label_runs, LabelledRun
from xmodal_ros.modalities.table import SampleTable
from xmodal_ros.streams.sample import Sample
from xmodal_ros.windows.windowing import SECOND_NS

# Runs of one label that are usually shorter are no segments of an activity.
_SHORTEST_S: Final = 0.5


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
    otherwise than its header says. ``label_runs`` are what it says is done when, from its first
    sample on.
    """

    starts_at_ns: int | None = None
    repeated: int = 0
    notes: tuple[str, ...] = ()
    label_runs: tuple[LabelledRun, ...] = ()

    @property
    @abstractmethod
    def duration_ns(self) -> int:
        """How long it lasts."""

    @abstractmethod
    def records(self, topic: str, frame: str, start_ns: int) -> Iterator[Record]:
        """Give its messages in order of time, its beginning at ``start_ns``.

        Raises :class:`~xmodal_ros.errors.BagError` where the file breaks off.
        """


class TableFile(SensorFile):
    """A table, each row of which becomes one message of ``msgtype``."""

    def __init__(
        self, table: SampleTable, msgtype: str, serialize: Callable[[Sample], bytes]
    ) -> None:
        self._table, self._msgtype, self._serialize = table, msgtype, serialize
        self.repeated = table.repeated
        self.starts_at_ns = table.begins_ns if table.is_dated else None
        self.notes = table.notes
        if table.labels:
            self.label_runs = label_runs(table.times_ns - table.begins_ns, table.labels)
            self.notes += tuple(_doubts(self.label_runs))

    @property
    def duration_ns(self) -> int:
        """From the first row to the last, with rows that are left out."""
        return int(self._table.times_ns[-1]) - self._table.begins_ns

    def records(self, topic: str, frame: str, start_ns: int) -> Iterator[Record]:
        """Give a message a row."""
        stamps = self._table.times_ns + (start_ns - self._table.begins_ns)
        for stamp_ns, values in zip(stamps.tolist(), self._table.values, strict=True):
            message = self._serialize(Sample(stamp_ns, frame, values))
            yield Record(stamp_ns, topic, self._msgtype, message)


def _doubts(runs: Sequence[LabelledRun]) -> Iterator[str]:
    """Say what speaks against a column of labels."""
    if runs:
        usual_s = statistics.median(run.end_ns - run.start_ns for run in runs) / SECOND_NS
        if usual_s < _SHORTEST_S:
            yield (
                f'half of the {len(runs)} runs of one label last less than {usual_s:.2g} s, which '
                'nobody does anything for: is that the column of labels, and is it smooth?'
            )
