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

"""The node ``activity_selector``: of several classifiers, the one answer to go by."""

from collections.abc import Iterator
import heapq
import threading
import time
from typing import Any, Final

from rcl_interfaces.msg import SetParametersResult
from rclpy.duration import Duration
from rclpy.parameter import Parameter as RosParameter
from std_msgs.msg import String
from vision_msgs.msg import Classification

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.ros import messages, parameters, qos, selector_parameters
from xmodal_ros.ros.diagnostics import ListeningNode
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.ros.topic_reader import resolved, TopicReader, wait_for_any
from xmodal_ros.runtime.event_driven import EventThread
from xmodal_ros.runtime.health import Report
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.label_decoding import CLASSIFICATION_TYPE, decode_label
from xmodal_ros.runtime.selector import Decision, Selector
from xmodal_ros.runtime.selector_health import Input, SelectorHealth
from xmodal_ros.runtime.selector_settings import SelectorSettings
from xmodal_ros.streams.sample import DecodeError

# Once there is silence, it is looked for again so often, in seconds.
_WATCH_PERIOD_S: Final = 0.1
_ACKNOWLEDGE: Final = Duration(seconds=0, nanoseconds=500_000_000)


class ActivitySelector(ListeningNode):
    """Publishes the best classifier's decisions, or all of them fused; docs/activity_selector.md.

    Labels are taken, and silence is watched, in a thread of their own; the executor's thread
    changes states and parameters, follows the graph and reports.
    """

    def __init__(self, **options: Any) -> None:
        self._lock = threading.Lock()
        self._sources: dict[str, TopicReader] = {}
        self._received: dict[str, int] = {}
        self._ahead_ns: dict[str, int] = {}
        self._selector: Selector | None = None
        self._drain: EventThread | None = None
        self._activity: Any = None
        self._label: Any = None
        self._source: Any = None
        self._published: tuple[str, str] | None = None
        self._failures = 0
        self._health = SelectorHealth(time.monotonic_ns)
        super().__init__(
            'activity_selector',
            'activity selector',
            selector_parameters.ACTIVITY_SELECTOR,
            **options,
        )
        self._declare_sources()
        self.add_on_set_parameters_callback(self._check_changes)

    def configure(self) -> None:
        """Check that the parameters make sense together, and advertise."""
        self._declare_sources()
        self._read_settings({})
        self._activity = self.create_lifecycle_publisher(Classification, 'activity', qos.RELIABLE)
        self._label = self.create_lifecycle_publisher(String, 'activity/label', qos.LATCHED)
        self._source = self.create_lifecycle_publisher(String, 'activity/source', qos.LATCHED)

    def activate(self) -> None:
        """Subscribe and begin to choose."""
        settings = self._read_settings({})
        self._published = None
        self._failures = 0
        self._received, self._ahead_ns = dict.fromkeys(settings.names, 0), {}
        for name in settings.names:
            self._sources[name] = self._make_reader(name)
        self._selector = Selector(settings, time.monotonic_ns)
        self._drain = EventThread(
            'intake', wait=self._wait, work=self._take_labels, wake=self._wake
        )
        topics = ', '.join(f'{name} on {each.topic}' for name, each in self._sources.items())
        self.get_logger().info(f'{settings.mode}: {topics}')

    def deactivate(self) -> None:
        """Unsubscribe; what has come is published first, and then that nothing is known."""
        if self._drain is not None:
            self._drain.stop()
            self._take_labels()
        for source in self._sources.values():
            source.close()
        self._sources, self._drain, self._selector = {}, None, None
        if self._published is not None:
            # Latched: whoever comes later must not take the last label for today's.
            self._publish_label(UNKNOWN, '')

    def cleanup(self) -> None:
        """Stop advertising."""
        for publisher in (self._activity, self._label, self._source):
            if publisher is not None:
                # A publisher that goes takes along what its subscribers have not read yet.
                if self.context.ok():
                    publisher.wait_for_all_acked(_ACKNOWLEDGE)
                self.destroy_lifecycle_publisher(publisher)
        self._activity = self._label = self._source = None

    def failed(self, where: str, error: Exception) -> None:
        """Log and count an exception nobody expected."""
        self._failures += 1
        super().failed(where, error)

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take up what was set: at once, without losing a label."""
        if 'source_names' in names:
            self._declare_sources()
        selector = self._selector
        if selector is None:
            return
        settings = self._read_settings({})
        with self._lock:
            if settings != selector.settings:
                selector.change(settings)
        # Silence may be due sooner.
        self._wake()
        for name in settings.names:
            if f'sources.{name}.topic' in names:
                self._change_topic(name)

    def _change_topic(self, name: str) -> None:
        """Listen to a source on its new topic; where that is not possible, stay."""
        old = self._sources[name]
        try:
            fresh = self._make_reader(name)
        except XmodalError as error:
            self.get_logger().error(f'{name} stays on {old.topic}: {error}')
            self.set_parameters([RosParameter(f'sources.{name}.topic', value=old.topic)])
            return
        with self._lock:
            self._sources[name] = fresh
        old.close()

    def _declare_sources(self) -> None:
        for name in parameters.texts(self, 'source_names'):
            if not self.has_parameter(f'sources.{name}.topic'):
                parameters.declare(self, selector_parameters.source_table(name))

    def _make_reader(self, name: str) -> TopicReader:
        return TopicReader(
            self,
            selector_parameters.topic_of(name, self._value),
            (CLASSIFICATION_TYPE,),
            parameter=f'sources.{name}.topic',
            remedy='start or configure its classifier',
        )

    def _value(self, name: str) -> Any:
        return self.get_parameter(name).value

    def _read_settings(self, changes: dict[str, Any]) -> SelectorSettings:
        """Give the settings as they would be with these changes; raises XmodalError."""

        def get(name: str) -> Any:
            return changes[name] if name in changes else self._value(name)

        settings = selector_parameters.read_settings(get)
        for name in settings.names:
            topic = resolved(self, selector_parameters.topic_of(name, get))
            if topic == resolved(self, 'activity'):
                raise ConfigurationError(
                    f'sources.{name}.topic is {topic}, which is what the selector itself says: '
                    "name a classifier's activity"
                )
        return settings

    def _check_changes(self, changes: list[RosParameter]) -> SetParametersResult:
        """Refuse what a configured selector could not work with, and say why."""
        known = {each.name for each in self.table}
        values = {
            each.name: each.value
            for each in changes
            if each.name in known or each.name.startswith('sources.')
        }
        if not values or self.state in ('unconfigured', 'finalized'):
            return SetParametersResult(successful=True)
        try:
            self._read_settings(values)
        except XmodalError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _wait(self, timeout_s: float) -> None:
        """Wait for a label, or until there may be silence."""
        selector = self._selector
        until_s = 0.0 if selector is None else selector.until_silence_ns / 1e9
        wait_for_any([*self._sources.values()], min(timeout_s, until_s or _WATCH_PERIOD_S))

    def _wake(self) -> None:
        for source in self._sources.values():
            source.wake()

    @guarded
    def _take_labels(self) -> None:
        """Take what has come, and watch for silence. In the intake thread."""
        with self._lock:
            selector = self._selector
            if selector is None:
                return
            streams = [list(self._decode(selector, name)) for name in self._sources]
            resets = selector.resets
            # In order of stamps, or a backlog of one source would make the others seem dead.
            for name, label in heapq.merge(*streams, key=lambda each: each[1].stamp_ns):
                for decision in selector.push(name, label):
                    self._publish(decision)
            now_ns = int(self.get_clock().now().nanoseconds)
            # Simulated time is 0 until somebody tells it: no stamp to say anything with.
            unknown = selector.watch(now_ns) if now_ns else None
            if unknown is not None:
                self._publish(unknown)
            elif selector.silent and self._published is None:
                # What has no stamp to rise from says so without one.
                self._publish_label(UNKNOWN, '')
            if selector.resets > resets:
                self.get_logger().warning(
                    'the labels are of another time than those before: stamps rise from here'
                )

    def _decode(self, selector: Selector, name: str) -> Iterator[tuple[str, Label]]:
        for received in self._sources[name].take():
            self._received[name] += 1
            try:
                label = decode_label(received.data)
            except DecodeError as error:
                selector.refuse(name, error.reason)
                continue
            if now_ns := int(self.get_clock().now().nanoseconds):
                self._ahead_ns[name] = label.stamp_ns - now_ns
            yield name, label

    def _publish(self, decision: Decision) -> None:
        self._activity.publish(
            messages.classification(decision.stamp_ns, decision.frame_id, decision.scores)
        )
        self._publish_label(decision.label, decision.source)

    def _publish_label(self, label: str, source: str) -> None:
        """Publish what has changed."""
        last_label, last_source = self._published or (None, None)
        if label != last_label:
            self._label.publish(String(data=label))
            self.get_logger().info(f'{label} ({source or "no source"})')
        if source != last_source:
            self._source.publish(String(data=source))
        self._published = label, source

    def time_jumped(self) -> None:
        """Start anew: what has come belongs to the time before the jump."""
        self._take_labels()
        with self._lock:
            if self._selector is not None:
                self._selector.reset()
                self.get_logger().info('ROS time jumped back: the choice starts anew')

    def look_at_graph(self) -> bool:
        """Follow the publishers; True when that changes what is wrong."""
        news = False
        for name, source in self._sources.items():
            before = source.problem
            source.follow()
            if source.problem != before:
                news = True
                self.warn(source.problem and f'{name}: {source.problem}')
        return news

    def report(self) -> Report:
        """Say which source is selected, and how all of them are doing."""
        with self._lock:
            selector = self._selector
            if selector is None:
                return self._health.idle(self.state, self.problem)
            inputs = {
                name: Input(
                    each.topic,
                    each.publishers,
                    self._received[name],
                    each.problem,
                    self._ahead_ns.get(name),
                )
                for name, each in self._sources.items()
            }
            listeners = int(self._activity.get_subscription_count())
            return self._health.active(selector, inputs, listeners, self._failures)
