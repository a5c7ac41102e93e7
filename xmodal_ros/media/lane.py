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

"""What a sensor gave over a stretch of time, put together message by message.

Each modality has a kind of :class:`Lane`; a :class:`Strip` is what has become of its messages.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any, ClassVar, Final, get_args, Literal, Self

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.span import Span
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.sample import DecodeError

Kind = Literal['films', 'traces', 'sounds']
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Strip(ABC):
    """What one sensor gave during a span."""

    kind: ClassVar[Kind]

    @abstractmethod
    def document(self, start_ns: int) -> Any:
        """Give it as JSON for the labelling page, times from ``start_ns`` on."""

    def rows(self, _budget: int) -> tuple[Any, ...]:
        """Give what a page shows that holds all of it, in about ``budget`` bytes."""
        return ()

    def glance(self) -> 'Strip | None':
        """Give what is seen of it from afar, None for nothing."""
        return None

    @classmethod
    def scale(cls, _glances: Sequence[Any]) -> list[list[float]]:
        """Give the lower and upper end of each quantity in what was seen from afar so far."""
        return []


class Lane(ABC):
    """Takes the messages of one sensor, known from one of them, and makes a strip of a span's.

    ``share`` is the sensor's part of a page's bytes beside other kinds, ``chunk_ns`` how long one
    message lasts. Messages that are not ``stamped`` count from when they were recorded.
    """

    kind: ClassVar[Kind]
    share: ClassVar[int]
    chunk_ns: int = 0
    stamped: bool = True

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    @abstractmethod
    def probe(cls, reader: BagReader, sensor: Sensor, message: Message) -> 'Lane':
        """Find out by one message, and the recording, how a sensor is read.

        Raises :class:`DecodeError` when that message does not tell, :class:`BagError` when none
        will.
        """

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Give what the labelling page is told of the sensor, as JSON."""

    def over(self, span: Span, budget: int = 0) -> Self:
        """Give one that takes what a span holds, its pictures in at most ``budget`` bytes."""
        lane = copy(self)
        lane.begin(span, budget)
        return lane

    @abstractmethod
    def begin(self, span: Span, budget: int) -> None:
        """Forget what was taken."""

    @abstractmethod
    def take(self, message: Message) -> None:
        """Look at one message; raises :class:`DecodeError` when it cannot be used."""

    @abstractmethod
    def finish(self) -> Strip:
        """Give what was taken."""


def fill(
    reader: BagReader,
    lanes: Iterable[tuple[str, Lane]],
    start_ns: int | None = None,
    stop_ns: int | None = None,
    look: Callable[[Message], None] = lambda _message: None,
) -> None:
    """Read the topics of lanes, (topic, lane), once; from when to when is by time of recording.

    Messages that cannot be decoded are left out; ``look`` is given all of them. Raises
    :class:`BagError` where the recording is damaged.
    """
    by_topic: dict[str, list[Lane]] = {}
    for topic, lane in lanes:
        by_topic.setdefault(topic, []).append(lane)
    for message in reader.messages(by_topic, start_ns, stop_ns) if by_topic else ():
        look(message)
        for lane in by_topic[message.topic]:
            try:
                lane.take(message)
            except DecodeError:
                continue
