"""What a sensor gave over a stretch of time, put together message by message.

Each kind of sensor has a :class:`LaneMaker`, chosen once for a recording; a :class:`Lane`, that
takes the messages of one stretch; and a :class:`Strip`, which is what has become of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, get_args, Literal, Protocol

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.span import Span
from xmodal_ros.streams.sample import DecodeError

Kind = Literal['films', 'traces', 'sounds']
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Row(Protocol):
    """A row of a page that holds what is shown."""

    def row(self) -> dict[str, Any]:
        """Give it as JSON."""


class Strip(ABC):
    """What one sensor gave during a span."""

    kind: ClassVar[Kind]

    @abstractmethod
    def document(self, start_ns: int) -> Any:
        """Give it as JSON for the labelling page, times from ``start_ns`` on."""

    def rows(self, _budget: int) -> tuple['Row', ...]:
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
    """Takes the messages of one sensor during one span."""

    @abstractmethod
    def take(self, message: Message) -> None:
        """Look at one message; raises :class:`DecodeError` when it cannot be used."""

    @abstractmethod
    def finish(self) -> Strip:
        """Give what was taken."""


class LaneMaker(ABC):
    """How the messages of one sensor are read, known from one of them.

    ``share`` is the sensor's part of a page's bytes beside other kinds, ``chunk_ns`` how long one
    message lasts.
    """

    kind: ClassVar[Kind]
    share: ClassVar[int]
    chunk_ns: int = 0

    @property
    def stamped(self) -> bool:
        """Whether the messages say when they were recorded."""
        return True

    @abstractmethod
    def lane(self, name: str, span: Span, budget: int) -> Lane:
        """Begin a lane whose pictures take at most ``budget`` bytes."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Give what the labelling page is told of the sensor, as JSON."""


def fill(
    reader: BagReader,
    lanes: Mapping[str, Iterable[Lane]],
    start_ns: int | None = None,
    stop_ns: int | None = None,
) -> None:
    """Read the topics that lanes are named by once, from when to when is by time of recording.

    Messages that cannot be decoded are left out. Raises :class:`BagError` where the recording is
    damaged.
    """
    for message in reader.messages(list(lanes), start_ns, stop_ns) if lanes else ():
        for lane in lanes[message.topic]:
            try:
                lane.take(message)
            except DecodeError:
                continue
