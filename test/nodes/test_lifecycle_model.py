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

"""A classifier goes through its states in any order, with messages and failures between.

A real node in this process, beside a plain model of it: the state, what it has been sent since it
was activated, and which windows that makes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
import os
from pathlib import Path
import threading
from typing import Any, ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    RuleBasedStateMachine,
    run_state_machine_as_test,
)
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Imu

from test.bundles import make_imu_bundle
from test.live.graph import RELIABLE
from test.live.transitions import REQUESTS, WAYS
from test.messages import EPOCH, imu_bytes, SECOND
from test.waiting import poll_for
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.runtime import health
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.windows.windowing import WindowingSpec

WINDOW = WindowingSpec(length_ns=SECOND, hop_ns=SECOND // 4, rate_hz=40)
STEP = SECOND // 40
# The ways from each state, the usual one first, and what of the node's is done on them.
FORTH = {
    'unconfigured': Transition.TRANSITION_CONFIGURE,
    'inactive': Transition.TRANSITION_ACTIVATE,
}
DONE: Mapping[str, Mapping[int, Sequence[str]]] = {
    'unconfigured': {
        Transition.TRANSITION_CONFIGURE: ('configure',),
        Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: ('cleanup',),
    },
    'inactive': {
        Transition.TRANSITION_ACTIVATE: ('activate',),
        Transition.TRANSITION_CLEANUP: ('cleanup',),
        Transition.TRANSITION_INACTIVE_SHUTDOWN: ('cleanup',),
    },
    'active': {
        Transition.TRANSITION_DEACTIVATE: ('deactivate',),
        Transition.TRANSITION_ACTIVE_SHUTDOWN: ('deactivate', 'cleanup'),
    },
}

# The nodes of a process share too much for a shorter way to mean the same.
ways = settings(max_examples=12, stateful_step_count=25, phases=[Phase.generate], database=None)


class Failing(ClassifierNode):
    """Fails once in what it is told to, when that is done."""

    fails_in = ''

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # A subscriber that has not read yet loses what it got of a publisher that goes.
        self.published: list[int] = []
        super().__init__(*arguments, **options)

    def _publish(self, prediction: Prediction) -> None:
        super()._publish(prediction)
        self.published.append(prediction.stamp_ns)

    def fail(self, where: str) -> None:
        if where == self.fails_in:
            self.fails_in = ''
            raise RuntimeError(where)

    def configure(self) -> None:
        super().configure()
        self.fail('configure')

    def activate(self) -> None:
        super().activate()
        self.fail('activate')

    def deactivate(self) -> None:
        super().deactivate()
        self.fail('deactivate')

    def cleanup(self) -> None:
        super().cleanup()
        self.fail('cleanup')


class Lifecycle(RuleBasedStateMachine):
    """``first_ns`` is the stamp of the first message since windows began anew."""

    graph: ClassVar[tuple[Context, Node]]
    models: ClassVar[tuple[str, ...]]
    # What a node holds in each state, as first seen in it.
    held: ClassVar[dict[str, tuple[int, ...]]]

    @initialize(active=st.booleans())
    def begins(self, *, active: bool) -> None:
        self.start(active=active)

    def start(self, *, active: bool) -> None:
        context, self.watcher = self.graph
        # Of its own: Fast DDS hands over at once only the first 5000 or so of a publisher.
        self.publisher = self.watcher.create_publisher(Imu, '/imu/data', RELIABLE)

        given = {'autostart': False, 'model': self.models[0], 'device': 'cpu'}
        # Those of tests before, whose threads are about to end.
        self.before = set(threading.enumerate())
        self.node = Failing(
            'imu',
            context=context,
            parameter_overrides=[Parameter(name, value=value) for name, value in given.items()],
        )
        self.executor = SingleThreadedExecutor(context=context)
        for each in (self.node, self.watcher):
            self.executor.add_node(each)
        self.state, self.model = 'unconfigured', self.models[0]
        self.stamp_ns = EPOCH
        self.asked_in: set[str] = set()
        self.expected: list[int] = []
        self.activated()
        for state in FORTH if active else ():
            self.request(FORTH[state], '')

    @precondition(lambda self: self.state == 'finalized')
    @rule(active=st.booleans())
    def another_is_started(self, *, active: bool) -> None:
        self.teardown()
        self.start(active=active)

    def activated(self) -> None:
        self.first_ns: int | None = None
        self.received = self.refused = self.windows = 0

    def until(self, condition: Callable[[], bool]) -> None:
        def holds() -> bool:
            self.executor.spin_once(timeout_sec=0)
            return condition()

        poll_for(holds)

    @precondition(lambda self: self.state not in self.asked_in)
    @rule()
    def nothing_else_is_possible(self) -> None:
        self.asked_in.add(self.state)
        for number in REQUESTS:
            if (self.state, number) not in WAYS:
                self.request(number, '')

    @precondition(lambda self: self.state in DONE)
    @rule(
        way=st.sampled_from([0, 0, 0, 1, 2]),
        fails=st.booleans(),
        first=st.booleans(),
        amid=st.booleans(),
    )
    def goes(self, way: int, *, fails: bool, first: bool, amid: bool) -> None:
        ways = [*DONE[self.state].items()]
        number, done = ways[way % len(ways)]
        if amid:
            self.send(60, bad=1)
        self.request(number, (done[0] if first else done[-1]) if fails else '')

    def request(self, number: int, where: str) -> None:
        before = self.state
        self.node.fails_in = where
        wanted = ChangeState.Request()
        wanted.transition.id = number
        answer = self.node._change_state(wanted, ChangeState.Response())
        fired, self.node.fails_in = where and not self.node.fails_in, ''
        after = WAYS.get((before, number), before)
        if (before, after) == ('unconfigured', 'inactive') and self.model not in self.models:
            after, fired = 'unconfigured', True
        elif fired and not (before == 'active' and after == 'finalized' and where != 'cleanup'):
            # Where something fails that was not to be everything is let go.
            after = 'unconfigured'
        elif fired:
            # Shutting down goes on where only the way from active has failed.
            fired = False
        assert answer.success == ((before, number) in WAYS and not fired), (before, number, where)
        if after == 'active' and before != 'active':
            self.activated()
        elif before == 'active' and after != 'active':
            # What has come is decided on first, or nobody would hear of it any more.
            self.until(lambda: len(self.node.published) >= len(self.expected))
        self.state = after

    @rule(count=st.sampled_from([1, 7, 60]), bad=st.integers(0, 3), waits=st.booleans())
    def messages_come(self, count: int, bad: int, *, waits: bool) -> None:
        self.send(count, bad)
        if waits and self.state == 'active':
            self.settle()

    def send(self, count: int, bad: int) -> None:
        """Publish good messages, then bad ones; what is due of them is expected."""
        active = self.state == 'active'
        if active:
            self.until(self.connected)
        first_ns = self.stamp_ns
        for _ in range(count):
            self.publisher.publish(imu_bytes(self.stamp_ns, (1.0, 2.0, 9.0)))
            self.stamp_ns += STEP
        for _ in range(bad):
            self.publisher.publish(b'\0\1\0\0no IMU says that')
        if not active:
            return
        assert self.publisher.wait_for_all_acked()
        self.first_ns = first_ns if self.first_ns is None else self.first_ns
        self.received += count + bad
        self.refused += bad
        ends = range(WINDOW.first_end(self.first_ns), self.stamp_ns - STEP + 1, WINDOW.hop_ns)
        new = [end for end in ends if end > max(self.expected, default=0)]
        self.expected += new
        self.windows += len(new)

    def settle(self) -> None:
        """Wait until all that was sent is decided on."""
        self.until(lambda: self.values()[health.RECEIVED] == str(self.received))
        self.until(lambda: self.values()[health.WINDOWS] == str(self.windows))
        self.until(lambda: len(self.node.published) >= len(self.expected))
        values = self.values()
        counted = sum(int(n) for key, n in values.items() if key.startswith(health.DROPPED))
        assert (counted, values[health.FAILURES]) == (self.refused, '0')

    def connected(self) -> bool:
        counted = int(self.publisher.get_subscription_count())
        return counted == 1 and self.values()[health.INPUTS] == '1'

    def values(self) -> dict[str, str]:
        return dict(self.node.report().values)

    @precondition(lambda self: self.state == 'active')
    @rule()
    def time_jumps(self) -> None:
        # What has come is of the time before.
        self.settle()
        self.node.time_jumped()
        self.first_ns = None

    @rule(which=st.integers(0, 2))
    def model_is_set(self, which: int) -> None:
        model = (*self.models, '/there/is/no/bundle')[which]
        result = self.node.set_parameters([Parameter('model', value=model)])[0]
        configured = self.state in ('inactive', 'active')
        assert result.successful == (model in self.models or not configured)
        if result.successful:
            self.model = model

    @invariant()
    def answers_and_holds_what_its_state_needs(self) -> None:
        assert self.node.state == self.state
        values = self.values()
        assert values[health.STATE] == self.state
        assert self.node.published == self.expected[: len(self.node.published)]
        # A model may still be on its way in a thread of its own.
        self.until(lambda: not self.node._loading.pending)
        self.until(lambda: self.holds() == self.held.setdefault(self.state, self.holds()))

    def holds(self) -> tuple[int, ...]:
        """Endpoints, threads of ours, and files."""
        names = [thread.name for thread in set(threading.enumerate()) - self.before]
        node = self.node
        return (
            *(len(list(each)) for each in (node.publishers, node.subscriptions, node.guards)),
            *(names.count(name) for name in ('intake', 'inference')),
            len(names),
            len(os.listdir('/proc/self/fd')),  # noqa: PTH208 - names alone, which may go meanwhile
        )

    def teardown(self) -> None:
        self.node.stop()
        self.until(lambda: len(self.node.published) >= len(self.expected))
        assert self.node.published == self.expected
        self.executor.shutdown()
        self.node.destroy_node()
        self.watcher.destroy_publisher(self.publisher)
        names = {thread.name for thread in set(threading.enumerate()) - self.before}
        assert not names & {'intake', 'inference'}


@contextmanager
def graph() -> Iterator[tuple[Context, Node]]:
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = Node('watcher', context=context, enable_rosout=False)
    yield context, node
    node.destroy_node()
    context.try_shutdown()


def test_any_way_through_the_states_is_that_of_a_plain_model(tmp_path: Path) -> None:
    Lifecycle.models = tuple(
        str(make_imu_bundle(tmp_path / f'{k}', seed=k, window=WINDOW)) for k in range(2)
    )
    Lifecycle.held = {}
    with graph() as Lifecycle.graph:
        run_state_machine_as_test(Lifecycle, settings=ways)
