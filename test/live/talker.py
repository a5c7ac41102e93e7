"""Drivers for tests: topics on which messages come at their rate, by the system's clock."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import threading
import time
from typing import Any

from test.messages import SECOND


@dataclass(frozen=True)
class Stream:
    """What a publisher sends at ``rate``: the message for a stamp."""

    publisher: Any
    rate: int
    message: Callable[[int], Any]


@contextmanager
def talking(streams: Sequence[Stream]) -> Iterator[None]:
    """Publish on all streams while the block lasts."""
    over = threading.Event()

    def talk() -> None:
        begun_ns = time.time_ns()
        sent = [0] * len(streams)
        while not over.wait(0.005):
            for number, stream in enumerate(streams):
                while (stamp := begun_ns + sent[number] * SECOND // stream.rate) < time.time_ns():
                    stream.publisher.publish(stream.message(stamp))
                    sent[number] += 1

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
