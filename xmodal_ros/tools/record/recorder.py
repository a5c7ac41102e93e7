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

"""Record topics of a running robot into one bag: only listens, and writes what it hears."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
import time
from types import TracebackType
from typing import Final, Self

from rclpy.node import Node

from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.registry import intake_of_type
from xmodal_ros.ros.hidden import hidden_nodes
from xmodal_ros.runtime.image_process import expect_images
from xmodal_ros.tools.doctor.subscription import DoctorSubscription
from xmodal_ros.tools.record.choice import choose, Chosen, Graph, TopicChoice, Wanted

_LOOK_PERIOD_NS: Final = 1_000_000_000
_RATE_OVER_NS: Final = 5_000_000_000
# More than two seconds of any camera; more would fill the memory where the disk is slow.
_LARGE_DEPTH: Final = 60
_DEPTH: Final = 1000
_SAMPLES: Final = 64


@dataclass
class RecordedTopic:
    """How one topic is doing: ``count`` messages of ``size`` bytes so far."""

    chosen: Chosen
    count: int = 0
    size: int = 0
    # When, how many and how much there was; the newest last.
    _history: deque[tuple[int, int, int]] = field(
        default_factory=lambda: deque(maxlen=_SAMPLES), repr=False
    )

    def note(self, now_ns: int) -> None:
        """Remember what there is now; a few times a second are enough."""
        self._history.append((now_ns, self.count, self.size))

    def rates(self) -> tuple[float, float]:
        """Give messages and bytes a second over the last seconds."""
        if len(self._history) < 2:
            return 0.0, 0.0
        last = self._history[-1]
        first = next(each for each in self._history if last[0] - each[0] <= _RATE_OVER_NS)
        seconds = (last[0] - first[0]) / 1e9
        if seconds <= 0:
            return 0.0, 0.0
        return (last[1] - first[1]) / seconds, (last[2] - first[2]) / seconds


class Recorder:
    """A hidden node that is never spun; its subscriptions follow the graph and are drained.

    Used in a ``with`` statement: :meth:`look` until everything is there, then :meth:`begin`, and
    :meth:`step` again and again. Raises :class:`ConfigurationError` when ROS cannot be started.
    """

    def __init__(
        self, wanted: Sequence[Wanted], clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.topics: dict[str, RecordedTopic] = {}
        self._wanted = tuple(wanted)
        self._clock = clock
        self._stack = ExitStack()
        self._node: Node = None
        self._subscriptions: dict[str, DoctorSubscription] = {}
        self._looked_at_ns = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            (self._node,) = hidden_nodes(['_xmodal_record'], stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def look(self) -> TopicChoice:
        """Say what of the wanted is published now; raises :class:`ConfigurationError`."""
        return choose(self._wanted, self._graph())

    def begin(self, topics: Sequence[Chosen]) -> None:
        """Subscribe to these topics, as their publishers offer them.

        Raises :class:`ConfigurationError` for a type that is not installed, or that cannot be
        written here.
        """
        for chosen in topics:
            self._follow(chosen)
        self._looked_at_ns = self._clock()

    def step(self, writer: BagWriter) -> None:
        """Write what has come; now and then look whether publishers have changed."""
        for topic, subscription in self._subscriptions.items():
            state = self.topics[topic]
            for data, received_ns in subscription.take():
                writer.write(
                    topic,
                    subscription.msgtype,
                    received_ns,
                    data,
                    latched=subscription.latched,
                    reliable=subscription.reliable,
                )
                state.count += 1
                state.size += len(data)
        now_ns = self._clock()
        if now_ns - self._looked_at_ns >= _LOOK_PERIOD_NS:
            self._looked_at_ns = now_ns
            self._look_again()

    def _look_again(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.follow()
        # The truth, for one, may be published only when there is something to say.
        for chosen in self.look().topics:
            if chosen.topic not in self.topics and chosen.msgtype in TYPESTORE.fielddefs:
                self._follow(chosen)

    def _follow(self, chosen: Chosen) -> None:
        if chosen.msgtype not in TYPESTORE.fielddefs:
            raise ConfigurationError(
                f'{chosen.topic} carries {chosen.msgtype}, whose definition is not known here: '
                'add --ros2-bag where the command "ros2 bag" is installed, or leave it out'
            )
        large = intake_of_type(chosen.msgtype).large
        if large:
            expect_images()
        subscription = DoctorSubscription(
            self._node, chosen.topic, chosen.msgtype, _LARGE_DEPTH if large else _DEPTH
        )
        subscription.follow()
        if subscription.problem:
            raise ConfigurationError(f'{chosen.topic}: {subscription.problem}')
        self._subscriptions[chosen.topic] = subscription
        self.topics[chosen.topic] = RecordedTopic(chosen)

    def _graph(self) -> Graph:
        known = dict(self._node.get_topic_names_and_types())
        return {
            topic: sorted({info.topic_type for info in infos})
            for topic in known
            if (infos := self._node.get_publishers_info_by_topic(topic))
        }
