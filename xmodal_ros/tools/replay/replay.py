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

"""Play a recording to the real classifier node over DDS, and collect what it decides.

The node runs as a process of its own, as on a robot; the messages are published from here, and
never further ahead of what the node says it has taken than queues can hold. So nothing is lost
at any speed, and a difference to the offline evaluation is a fault.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
import math
from pathlib import Path
import time
from typing import Final

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.configuration_bundle import BundleInfo, read_bundle_info
from xmodal_ros.parameter import Value
from xmodal_ros.ros.bag_topic import sensor_settings
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.runtime.pacing import Pace
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.tools.replay.child_node import ChildNode
from xmodal_ros.tools.replay.link import ReceivedLabel, ReplayLink, Status

_NODE: Final = 'xmodal_ros.nodes.classifier'
# Windows waiting for inference.
_WINDOWS_AHEAD: Final = 256
_REPORT_EVERY: Final = 256
# How long nothing at all may happen: at first torch is loaded, on a busy machine.
_START_S: Final = 120.0
_STALL_S: Final = 30.0


@dataclass(frozen=True)
class LivePrediction(Prediction):
    """What the live node said of one window, as far as its message tells.

    Coverage is not published: NaN. ``latency_s`` is the time from sending the message that made
    the window due until it arrived.
    """

    latency_s: float


@dataclass(frozen=True)
class LiveResult:
    """A replay's decisions in order of arrival, and what became of its messages.

    ``drops`` counts messages the node could not use and windows it lost, by reason in words.
    """

    predictions: tuple[LivePrediction, ...]
    sent: int
    received: int
    drops: dict[str, int]

    @property
    def latencies_s(self) -> tuple[float, ...]:
        """The latency of every decision."""
        return tuple(prediction.latency_s for prediction in self.predictions)


def replay(
    bundle: Path,
    bag: Path,
    sensor: Sensor,
    *,
    rate: float = 0.0,
    device: str = 'cpu',
    runtime: str = 'auto',
    progress: Callable[[int, int], None] = lambda *_: None,
    on_label: Callable[[LivePrediction], None] = lambda _: None,
) -> LiveResult:
    """Play one sensor of a bag to a live classifier and give its decisions.

    ``rate`` times real time, 0 as fast as nothing is lost. ``progress`` is called with messages
    sent and in total, ``on_label`` with each decision as it arrives. Raises
    :class:`ConfigurationError` when the node cannot start or stops, and :class:`BagError`.
    """
    info = read_bundle_info(bundle)
    if sensor.modality != info.modality:
        raise ConfigurationError(
            f'bundle {bundle} is for {info.modality}, sensor {sensor.name!r} is a '
            f'{sensor.modality}: choose another sensor or bundle'
        )
    with BagReader(bag) as reader:
        topic = reader.topics.get(sensor.topic)
        if topic is None or not topic.count:
            raise BagError(f'bag {str(bag)!r} has no messages on {sensor.topic}')
        modality = find_modality(info.modality)
        if topic.msgtype not in modality.message_types:
            raise ConfigurationError(
                f'bundle {bundle} is for {info.modality}, but {sensor.topic} of {bag} carries '
                f'{topic.msgtype}: choose another sensor or bundle'
            )
        settings: dict[str, Value] = {
            'modality': modality.name,
            'model': str(bundle.absolute()),
            'topic': sensor.topic,
            'device': device,
            'runtime': runtime,
            'queue_size': 100_000,
            'diagnostics_period': 0.02,
            **sensor_settings(reader, sensor),
        }
        with (
            ChildNode(_NODE, f'{modality.name}_classifier', settings) as child,
            ReplayLink(child.domain, child.node_name, sensor.topic, topic.msgtype) as link,
        ):
            player = _Player(child, link, info, modality.intake.ahead, rate, on_label)
            player.wait_until_ready()
            for message in reader.messages([sensor.topic]):
                player.send(message.received_ns, message.data)
                if player.sent % _REPORT_EVERY == 0:
                    progress(player.sent, topic.count)
            player.wait_until_over()
            progress(player.sent, topic.count)
            return player.result()


class _Player:
    """Sends messages when they are due and the node has room, and notes what comes back.

    At most ``ahead`` messages are on their way to the node, far fewer than its queue holds.
    """

    def __init__(
        self,
        child: ChildNode,
        link: ReplayLink,
        info: BundleInfo,
        ahead: int,
        rate: float,
        on_label: Callable[[LivePrediction], None],
    ) -> None:
        self._child = child
        self._link = link
        self._info = info
        self._chunked = find_modality(info.modality).chunked
        self._ahead = ahead
        self._pace = Pace(rate, time.monotonic_ns)
        self._on_label = on_label
        self._predictions: list[LivePrediction] = []
        self._stamps: list[int] = []
        self._sent_at_ns: list[int] = []
        self.sent = 0

    def wait_until_ready(self) -> None:
        """Return once the node is active and everyone hears everyone."""

        def ready(status: Status) -> bool:
            if status.state != 'active' and status.failed:
                raise ConfigurationError(f'the live node cannot start: {status.message}')
            matched = status.inputs > 0 and status.outputs > 0
            return status.state == 'active' and matched and self._link.matched

        self._wait(ready, _START_S, 'start')

    def send(self, recorded_ns: int, data: bytes) -> None:
        """Send one message, when it is due and the node can take it."""
        while wait_ns := self._pace.wait_ns(recorded_ns):
            self._link.wait(lambda _: bool(self._link.arrived), wait_ns / 1e9)
            self._collect()
            self._child.check()
        if not self._has_room(self._link.status):
            self._wait(self._has_room, _STALL_S, 'take the messages sent')
        self._note(data)
        self._link.publish(data)
        self.sent += 1
        self._collect()

    def wait_until_over(self) -> None:
        """Return once the node has taken everything and all its decisions are here."""

        def over(status: Status) -> bool:
            taken = status.received >= self.sent and status.pending == 0
            return taken and self._link.labels >= status.windows

        self._wait(over, _STALL_S, 'finish')

    def result(self) -> LiveResult:
        """Give what came of it."""
        status = self._link.status
        return LiveResult(tuple(self._predictions), self.sent, status.received, dict(status.drops))

    def _has_room(self, status: Status) -> bool:
        under_way = self.sent - status.received
        return under_way < self._ahead and status.pending < _WINDOWS_AHEAD

    def _wait(self, condition: Callable[[Status], bool], patience_s: float, what: str) -> None:
        """Wait for a condition as long as anything moves; else say what there was."""
        before, since = self._link.progress, time.monotonic()
        while not self._link.wait(condition, 0.5):
            self._collect()
            self._child.check()
            now = time.monotonic()
            if self._link.progress != before:
                before, since = self._link.progress, now
            elif now - since > patience_s:
                status = self._link.status
                raise ConfigurationError(
                    f'the live node did not {what} within {patience_s:g} s: {self.sent} messages '
                    f'sent, {status.received} received, {status.pending} windows waiting, '
                    f'{len(self._predictions)} of {status.windows} labels arrived; it says: '
                    f'{status.message or "nothing"}{self._child.log_tail()}'
                )
        self._collect()

    def _note(self, data: bytes) -> None:
        """Remember when a stamp was sent; after a jump back earlier ones mean another time."""
        try:
            stamp_ns = read_stamp_ns(data)
        except DecodeError:
            return
        if self._stamps and stamp_ns <= self._stamps[-1] - self._info.window.length_ns:
            self._stamps.clear()
            self._sent_at_ns.clear()
        if not self._stamps or stamp_ns > self._stamps[-1]:
            self._stamps.append(stamp_ns)
            self._sent_at_ns.append(time.monotonic_ns())

    def _collect(self) -> None:
        while self._link.arrived:
            prediction = self._prediction(self._link.arrived.popleft())
            self._predictions.append(prediction)
            self._on_label(prediction)

    def _prediction(self, arrived: ReceivedLabel) -> LivePrediction:
        chances = dict(arrived.scores)
        known = all(name in chances for name in self._info.labels)
        # Of sound it is the chunk in which the window ends, or the next one.
        due = bisect_left(self._stamps, arrived.stamp_ns) - self._chunked
        sent_at_ns = self._sent_at_ns[max(0, min(due, len(self._sent_at_ns) - 1))]
        return LivePrediction(
            stamp_ns=arrived.stamp_ns,
            frame_id=arrived.frame_id,
            scores=arrived.scores,
            probabilities=tuple(chances[name] for name in self._info.labels) if known else (),
            coverage=math.nan,
            latency_s=max(0, arrived.at_ns - sent_at_ns) / 1e9,
        )
