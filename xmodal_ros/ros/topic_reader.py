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

"""The topic a classifier listens to: found in the graph, matched, and taken as raw bytes."""

from collections.abc import Iterator, Sequence
import contextlib
import difflib
import threading
import time
from typing import Any, Final

from rclpy.callback_groups import CallbackGroup
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.exceptions import InvalidTopicNameException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.topic_endpoint_info import TopicEndpointInfo
from rclpy.validate_full_topic_name import validate_full_topic_name

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.registry import intake_of_type
from xmodal_ros.ros import qos
from xmodal_ros.ros.messages import message_class
from xmodal_ros.runtime.image_process import expect_images
from xmodal_ros.runtime.pipeline import Received

# Names of topics in a message, at most.
_MOST_NAMED: Final = 5
# A thread that goes on after ROS is over must not spin.
_WITHOUT_ROS_S: Final = 0.05


class _NonExecutingCallbackGroup(CallbackGroup):
    """Keeps a subscription out of the executor's wait set.

    Waking the executor for every message costs several times what taking the message does.
    """

    def can_execute(self, _entity: object) -> bool:
        return False

    def beginning_execution(self, _entity: object) -> bool:
        return False

    def ending_execution(self, _entity: object) -> None:
        """Nothing ever begins."""


class TopicReader:
    """Follows one topic whoever publishes it.

    :meth:`follow` and :meth:`close` belong to the executor's thread. :meth:`take` may run in
    another one; so may :meth:`wait`, in one thread at a time. ``depth`` is how many messages the
    middleware keeps until they are taken, unless the user has overridden it. ``parameter`` is the
    one to correct where nothing usable is published, and ``remedy`` what else to do then.
    """

    def __init__(
        self,
        node: Node,
        topic: str,
        msgtypes: Sequence[str],
        *,
        depth: int = qos.SENSOR_DEPTH,
        parameter: str = 'topic',
        remedy: str = "start the sensor's driver",
    ) -> None:
        self.topic: Final = resolved(node, topic)
        self._depth = depth
        self._parameter = parameter
        self._remedy = remedy
        self.msgtype = _first_installed(msgtypes)
        self.problem = ''
        self._followed = False
        self._msgtypes = tuple(msgtypes)
        self._node = node
        self._group = _NonExecutingCallbackGroup()
        self._overrides = qos.read_overrides(node, self.topic)
        self._lock = threading.Lock()
        self._waiter_left = threading.Condition(self._lock)
        self._waited_on: Any = None
        self._subscription: Any = None
        self._profile: QoSProfile | None = None
        self.context: Final = node.context.handle
        with self.context:
            # Of the implementation: one of the node's would wake the executor too.
            self._guard_condition = rclpy_implementation.GuardCondition(self.context)
        if intake_of_type(self.msgtype).large:
            expect_images()
        self.follow()

    @property
    def reliability(self) -> str:
        """The reliability asked for."""
        profile = self._profile
        return '' if profile is None else str(profile.reliability.name).lower().replace('_', ' ')

    @property
    def depth(self) -> int:
        """How many messages wait to be taken at most; a smaller queue is the user's wish."""
        return min(self._depth, self._overrides.depth or self._depth)

    @property
    def publishers(self) -> int:
        """How many publishers the middleware has matched."""
        return 0 if self._subscription is None else int(self._subscription.get_publisher_count())

    def follow(self) -> bool:
        """Look at the graph and subscribe anew where the publishers ask for it.

        Sets :attr:`problem` to what keeps data from coming, in words. Gives True when the type
        of the topic has changed.
        """
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        usable = [info for info in publishers if info.topic_type in self._msgtypes]
        # What is read already goes on being read, or two publishers of two types would take turns.
        types = [info.topic_type for info in usable]
        msgtype = self.msgtype if self.msgtype in types or not types else types[0]
        heard = [info for info in usable if info.topic_type == msgtype]
        profile = qos.subscription_profile(heard, self._overrides, self._depth)
        changed = msgtype != self.msgtype
        if self._subscription is None or changed or profile != self._profile:
            try:
                self._subscribe(msgtype, profile)
            except ConfigurationError as error:
                # A type that is not installed here, or that others of this process still read as
                # another. At the start whoever made this is told; later it may become possible.
                if not self._followed:
                    raise
                self.problem = f'{self.topic}: {error}'
                return False
        self._followed = True
        self.problem = self._explain(publishers, heard, profile)
        return changed

    def wait(self, timeout_s: float) -> bool:
        """Wait for a message and tell whether there is one to :meth:`take`.

        Returns at once when one is there already; before ``timeout_s`` is over, and with False,
        when the source subscribes anew or is closed, or on :meth:`wake`. A source that is closed
        already has nothing to wait for but the timeout and :meth:`wake`; where ROS has been shut
        down there is nothing to wait for at all, and False comes after a moment.
        """
        return wait_for_any([self], timeout_s)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[tuple[Any, Any]]:
        """Give what ends a wait, and the subscription, which stays while the block lasts."""
        with self._lock:
            self._waited_on = subscription = self._subscription
        try:
            yield self._guard_condition, subscription
        finally:
            with self._lock:
                self._waited_on = None
                self._waiter_left.notify_all()

    def wake(self) -> None:
        """Let the thread in :meth:`wait` return, or else the next one that comes, at once."""
        self._guard_condition.trigger_guard_condition()

    def take(self) -> list[Received]:
        """Give what has come since the last call, oldest first; at most ``depth`` messages.

        Without that limit a sensor faster than its classifier would never let go of the thread.
        """
        received: list[Received] = []
        with self._lock:
            subscription = self._subscription
            if subscription is None:
                return received
            # A node destroyed before its sources takes their subscriptions along.
            with contextlib.suppress(rclpy_implementation.InvalidHandle), subscription.handle:
                while len(received) < self._depth and (
                    taken := subscription.handle.take_message(subscription.msg_type, True)
                ):
                    received.append(Received(taken[0], taken[1]['received_timestamp']))
        return received

    def close(self) -> None:
        """Unsubscribe, once no thread waits for messages of the subscription any more."""
        with self._lock:
            subscription, self._subscription = self._subscription, None
            if subscription is None:
                return
            self.wake()
            self._waiter_left.wait_for(lambda: self._waited_on is not subscription)
        self._node.destroy_subscription(subscription)

    def _subscribe(self, msgtype: str, profile: QoSProfile) -> None:
        message = message_class(msgtype)
        self.close()
        try:
            subscription = self._node.create_subscription(
                message,
                self.topic,
                _unused,
                profile,
                callback_group=self._group,
                event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
                raw=True,
            )
        except rclpy_implementation.RCLError as error:
            # Within a process a topic has one type, whoever has named it first.
            raise ConfigurationError(
                f'{self.topic} cannot be listened to as {msgtype}: {error}; does another node of '
                'this process read or write it as another type?'
            ) from None
        with self._lock:
            self.msgtype, self._profile, self._subscription = msgtype, profile, subscription
        self.wake()

    def _explain(
        self,
        publishers: Sequence[TopicEndpointInfo],
        heard: Sequence[TopicEndpointInfo],
        profile: QoSProfile,
    ) -> str:
        wanted = ' or '.join(self._msgtypes)
        if not publishers:
            return f'nobody publishes on {self.topic} ({wanted}): {self._advice()}'
        if not heard:
            found = ', '.join(
                sorted({f'{info.topic_type} from {qos.node_name(info)}' for info in publishers})
            )
            return f'{self.topic} carries {found}, but {wanted} is needed: {self._advice()}'
        return qos.explain_mismatch(self.topic, heard, profile)

    def _published_by_others(self, topic: str) -> bool:
        own = (self._node.get_name(), self._node.get_namespace())
        return any(
            (info.node_name, info.node_namespace) != own
            for info in self._node.get_publishers_info_by_topic(topic)
        )

    def _advice(self) -> str:
        others = [
            name
            for name, types in self._node.get_topic_names_and_types()
            if name != self.topic
            and set(types) & set(self._msgtypes)
            # A topic is known of, too, when somebody only waits for it as we do.
            and self._published_by_others(name)
        ]
        if others:
            close = difflib.get_close_matches(self.topic, others, _MOST_NAMED, cutoff=0.0)
            more = f' and {len(others) - len(close)} more' if len(others) > len(close) else ''
            names = ', '.join(sorted(close)) + more
            return (
                f"{self._remedy}, or set the parameter '{self._parameter}' to where the "
                f'same comes from (of this type there are {names})'
            )
        return f"{self._remedy}, or correct the parameter '{self._parameter}'"


def wait_for_any(readers: Sequence[TopicReader], timeout_s: float) -> bool:
    """Wait for a message of any of several, at least one, as :meth:`TopicReader.wait` does."""
    with contextlib.ExitStack() as held:
        waited = [held.enter_context(reader.waiting()) for reader in readers]
        try:
            return _wait(readers[0].context, waited, timeout_s)
        except (rclpy_implementation.RCLError, rclpy_implementation.InvalidHandle):
            time.sleep(min(timeout_s, _WITHOUT_ROS_S))
            return False


def _wait(context: Any, waited: Sequence[tuple[Any, Any]], timeout_s: float) -> bool:
    guards = [guard for guard, _ in waited]
    subscriptions = [each.handle for _, each in waited if each is not None]
    with contextlib.ExitStack() as held:
        for handle in (context, *guards, *subscriptions):
            held.enter_context(handle)
        counts = len(subscriptions), len(guards), 0, 0, 0, 0
        wait_set = rclpy_implementation.WaitSet(*counts, context)
        wait_set.clear_entities()
        for guard in guards:
            wait_set.add_guard_condition(guard)
        for subscription in subscriptions:
            wait_set.add_subscription(subscription)
        wait_set.wait(round(timeout_s * 1e9))
        return bool(wait_set.get_ready_entities('subscription'))


def _first_installed(msgtypes: Sequence[str]) -> str:
    """Give the type to wait for until somebody publishes; a robot need not have all of them."""
    for msgtype in msgtypes:
        with contextlib.suppress(ConfigurationError):
            message_class(msgtype)
            return msgtype
    return msgtypes[0]


def resolved(node: Node, topic: str) -> str:
    """Give a topic's full name; raises :class:`ConfigurationError` where it is no name of one."""
    try:
        name = str(node.resolve_topic_name(topic))
        validate_full_topic_name(name)
    except (InvalidTopicNameException, RuntimeError, ValueError) as error:
        raise ConfigurationError(f'{topic!r} is no name of a topic: {error}') from None
    return name


def _unused(_message: object) -> None:
    """Stand for the callback that rclpy asks for; messages are taken, not given."""
