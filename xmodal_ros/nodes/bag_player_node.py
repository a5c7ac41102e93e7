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

"""The node ``bag_player``: publishes a recording, for machines without ``ros2 bag``."""

from collections import Counter
from collections.abc import Sequence
import difflib
import threading
import time
from typing import Any, Final

from rclpy.duration import Duration
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader, Message, Topic
from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.paths import user_path
from xmodal_ros.ros import messages, parameter_tables, parameters, qos
from xmodal_ros.ros.topic_reader import resolved
from xmodal_ros.runtime.pacing import Pace

_CLOCK_TOPIC: Final = '/clock'
_CLOCK_PERIOD_NS: Final = 10_000_000
_POLL_S: Final = 0.02
_REMIND_S: Final = 5.0
_ACKNOWLEDGE_S: Final = 10.0


class BagPlayer(Node):
    """Plays one recording and ends; see docs/bag_player.md.

    A thread of its own plays, the executor's answers the services. Raises :class:`XmodalError`
    when the recording cannot be opened or a topic asked for is not in it.
    """

    def __init__(self, done: threading.Event, **options: Any) -> None:
        super().__init__('bag_player', **options)
        parameters.declare(self, parameter_tables.BAG_PLAYER)
        self._done = done
        self._changed = threading.Condition()
        self._stopped = False
        self._error: XmodalError | None = None
        self._played = 0
        self._played_of: Counter[str] = Counter()
        self._clock_ns = 0
        self._pace = Pace(
            parameters.number(self, 'rate'),
            time.monotonic_ns,
            paused=parameters.flag(self, 'start_paused'),
        )
        self._rate = parameters.number(self, 'rate')
        self._reader = self._open()
        self._publishers_of = self._advertise()
        self._awaited = self._find(parameters.texts(self, 'wait_for_subscribers'))
        self._clock_publisher = (
            self.create_publisher(Clock, _CLOCK_TOPIC, qos.RELIABLE)
            if parameters.flag(self, 'clock')
            else None
        )
        self.create_service(Trigger, '~/pause', self._pause)
        self.create_service(Trigger, '~/resume', self._resume)
        self._thread = threading.Thread(target=self._run, name='player', daemon=True)

    @property
    def members(self) -> Sequence[Node]:
        """The nodes to spin: this one."""
        return (self,)

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    def stop(self) -> None:
        """End playing; raises the error that ended it, if one did."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        self._reader.close()
        if self._error is not None:
            raise self._error

    def _open(self) -> BagReader:
        bag = parameters.text(self, 'bag')
        if not bag:
            raise ConfigurationError(
                "the parameter 'bag' is not set: give a recording, for example "
                '--ros-args -p bag:=recordings/subject_01'
            )
        reader = BagReader(user_path(bag))
        for note in reader.notes:
            self.get_logger().warning(note)
        return reader

    def _advertise(self) -> dict[str, Any]:
        """Make a publisher for every topic that is wanted and whose type is installed."""
        wanted = self._find(parameters.texts(self, 'topics')) or tuple(self._reader.topics)
        publishers: dict[str, Any] = {}
        left_out: dict[str, list[str]] = {}
        for name in wanted:
            topic = self._reader.topics[name]
            if name == _CLOCK_TOPIC and parameters.flag(self, 'clock'):
                continue
            if why := self._why_not(topic):
                left_out.setdefault(why, []).append(f'{name} ({topic.msgtype})')
                continue
            message_class = messages.message_class(topic.msgtype)
            publishers[name] = self.create_publisher(message_class, name, qos.played(topic))
        for why, names in left_out.items():
            self.get_logger().warning(f'not played, for {why}: {", ".join(names)}')
        if not publishers:
            raise ConfigurationError(f'nothing in {self._reader.path} can be played')
        return publishers

    def _why_not(self, topic: Topic) -> str:
        """Say why a topic cannot be played; '' where it can."""
        try:
            messages.message_class(topic.msgtype)
        except ConfigurationError:
            return 'their types are not installed'
        try:
            resolved(self, topic.name)
        except ConfigurationError:
            return 'no topic of ROS 2 can be called so'
        known = topic.msgtype in TYPESTORE.fielddefs and topic.count
        if known and not self._reader.is_as_defined(topic.name):
            # ROS 1 and older distributions lay some out otherwise, as markers are.
            return 'their types were defined otherwise where they were recorded'
        return ''

    def _find(self, names: Sequence[str]) -> tuple[str, ...]:
        known: dict[str, Topic] = dict(self._reader.topics)
        found = tuple(name if name in known else f'/{name.lstrip("/")}' for name in names)
        for name in found:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
                hint = f'; closest is {close[0]}' if close else ''
                raise ConfigurationError(
                    f'{self._reader.path} has no topic {name}{hint}; it has {", ".join(known)}'
                )
        return found

    def _run(self) -> None:
        try:
            self._play()
        except XmodalError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - the process has to end, not to hang
            self._error = XmodalError(f'playing {self._reader.path} failed: {error!r}')
        finally:
            self._done.set()

    def _play(self) -> None:
        self._await_subscribers()
        topics = tuple(self._publishers_of)
        while True:
            for message in self._reader.messages(topics):
                # Whoever listens would take bytes of another type for what they are not.
                if message.msgtype != self._reader.topics[message.topic].msgtype:
                    continue
                if not self._await_due(message.received_ns):
                    return
                self._publish(message)
            if not parameters.flag(self, 'loop'):
                break
            with self._changed:
                self._pace.restart()
                self._clock_ns = 0
        for publisher in self._publishers_of.values():
            if not publisher.wait_for_all_acked(Duration(seconds=_ACKNOWLEDGE_S)):
                self.get_logger().warning(f'{publisher.topic_name}: not all was acknowledged')
        self.get_logger().info(f'played {self._played} messages of {self._reader.path}')

    def _await_subscribers(self) -> None:
        reminded = time.monotonic()
        while missing := [name for name in self._awaited if not self._listeners(name)]:
            with self._changed:
                if self._changed.wait_for(lambda: self._stopped, _POLL_S):
                    return
            if time.monotonic() - reminded > _REMIND_S:
                reminded = time.monotonic()
                self.get_logger().info(f'waiting for a subscriber on {", ".join(missing)}')

    def _listeners(self, name: str) -> int:
        publisher = self._publishers_of.get(name)
        # A topic that cannot be played is not worth waiting for.
        return 1 if publisher is None else int(publisher.get_subscription_count())

    def _await_due(self, recorded_ns: int) -> bool:
        """Wait until a message is due, keeping the clock going; False when playing is over."""
        with self._changed:
            while not self._stopped:
                wait_ns = self._pace.wait_ns(recorded_ns)
                if wait_ns == 0:
                    self._tick(recorded_ns)
                    return True
                if wait_ns is None:
                    self._changed.wait()
                    continue
                self._changed.wait(min(wait_ns, _CLOCK_PERIOD_NS) / 1e9)
                self._tick(min(self._pace.recorded_ns() or recorded_ns, recorded_ns))
        return False

    def _tick(self, recorded_ns: int) -> None:
        if self._clock_publisher is not None and recorded_ns >= self._clock_ns + _CLOCK_PERIOD_NS:
            self._clock_ns = recorded_ns
            self._clock_publisher.publish(Clock(clock=messages.to_time(recorded_ns)))

    def _publish(self, message: Message) -> None:
        publisher = self._publishers_of[message.topic]
        publisher.publish(message.data)
        self._played += 1
        self._played_of[message.topic] += 1
        # Fast DDS asks for acknowledgements at once when its history is full, and every three
        # seconds otherwise.
        full = self._played_of[message.topic] % publisher.qos_profile.depth == 0
        if self._rate == 0 and full:
            publisher.wait_for_all_acked(Duration(seconds=_ACKNOWLEDGE_S))

    def _pause(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._switch(response, paused=True)

    def _resume(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        return self._switch(response, paused=False)

    def _switch(self, response: Trigger.Response, *, paused: bool) -> Trigger.Response:
        with self._changed:
            changed = self._pace.paused != paused
            if paused:
                self._pace.pause()
            else:
                self._pace.resume()
            self._changed.notify_all()
        word = 'paused' if paused else 'playing'
        response.success = True
        response.message = word if changed else f'{word} already'
        return response
