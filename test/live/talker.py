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
