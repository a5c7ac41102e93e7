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

"""What does a robot do when its graph goes wrong? Each row does it to one graph of real processes.

    python benchmarks/chaos.py [--rows NAME …] [--json FILE]

Classifiers of an IMU and a camera, the selector and both drivers are processes of their own.
Each row breaks something, holds what is seen against what is documented, mends it, and waits until
the IMU answers again. Fails where something is not as documented.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, ExitStack
from dataclasses import asdict, dataclass, field
import itertools
import json
from pathlib import Path
import signal
import struct
import subprocess
import sys
import tempfile
import time
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.soak import look_at
from test.bundles import make_camera_bundle, make_imu_bundle
from test.live.graph import LATCHED, NodeProcess, RELIABLE, running, Watcher, watching
from test.messages import image_bytes, imu_bytes, SECOND
from xmodal_ros.ros.isolation import isolated_process, reserved_domain
from xmodal_ros.ros.messages import to_nanoseconds, to_time
from xmodal_ros.runtime import health
from xmodal_ros.runtime.selector_health import RESETS
from xmodal_ros.windows.windowing import WindowingSpec

HOP_NS: Final = SECOND // 4
TIMEOUT_S: Final = 2.0
RETURN_AFTER_S: Final = 1.0
RATES: Final = {'imu': 40, 'camera': 8}
# How long anything is waited for that is to come; that it did not is then a result.
_PATIENCE_S: Final = 120.0
# Beside a timeout and a hop: processes wait for each other on a machine that does other things.
_SLACK_S: Final = 1.5
_MOST_GROWTH_MIB: Final = 64
_FLOOD: Final = 100
_FLOOD_S: Final = 6.0
_DISK: Final = '1m'


@dataclass
class Row:
    """What was done, what is documented, and what was seen; ``wrong`` is what differed."""

    name: str
    documented: str
    seen: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def hold(self, holds: object, words: str) -> None:
        """Take note of what was to be; one that does not hold is wrong."""
        (self.seen if holds else self.wrong).append(words)


@dataclass(frozen=True)
class Heard:
    """A label, and when it came by the steady clock."""

    at_s: float
    stamp_ns: int
    label: str


class Robot:
    """The graph, what is started of it, and what is heard of it."""

    def __init__(self, watcher: Watcher, folder: Path, stack: ExitStack) -> None:
        from std_msgs.msg import String
        from vision_msgs.msg import Classification

        self.watcher, self.folder = watcher, folder
        self._stack = stack
        self.models = make_models(folder)
        self.processes: dict[str, NodeProcess] = {}
        self.drivers: dict[str, subprocess.Popen[bytes]] = {}
        self.labels: dict[str, list[Heard]] = {}
        self.sources: list[tuple[float, str]] = []
        for topic in ('/activity', *(f'/{name}_classifier/activity' for name in RATES)):
            heard = self.labels.setdefault(topic, [])
            watcher.node.create_subscription(
                Classification, topic, lambda m, heard=heard: self._hear(heard, m), RELIABLE
            )
        watcher.node.create_subscription(String, '/activity/source', self._hear_source, LATCHED)

    def _hear(self, heard: list[Heard], message: Any) -> None:
        stamp_ns = to_nanoseconds(message.header.stamp)
        heard.append(Heard(time.monotonic(), stamp_ns, message.results[0].class_id))

    def _hear_source(self, message: Any) -> None:
        self.sources.append((time.monotonic(), message.data))

    def start(self, name: str, **options: Any) -> NodeProcess:
        """Start one of its nodes, again where it was started before."""
        given: dict[str, object] = {'diagnostics_period': 0.2}
        if name == 'activity_selector':
            given |= {'source_names': list(RATES), 'timeout': TIMEOUT_S, 'stand_in': False}
            given |= {'return_after': RETURN_AFTER_S, 'sources.imu.priority': 1}
        else:
            given['selector'] = False
            for sensor, model in self.models.items():
                said = {'topic': f'/{sensor}', 'model': str(model), 'device': 'cpu'}
                given |= {f'sensors.{sensor}.{key}': value for key, value in said.items()}
        folder = self.folder / f'{name}{len(list(self.folder.iterdir()))}'
        process = self._stack.enter_context(running(folder, name, given, **options))
        self.processes[name] = process
        return process

    def drive(self, name: str, **settings: object) -> None:
        """Start a sensor's driver; ``settings`` are those of :func:`drive`."""
        self.end_driver(name)
        said = {'kind': name, 'topic': f'/{name}', 'rate_hz': RATES[name], **settings}
        self.drivers[name] = start_part('drive', said)

    def end_driver(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a driver, if there is one."""
        if process := self.drivers.pop(name, None):
            end_part(process, number)

    def within(self, condition: Callable[[], object], most_s: float = _PATIENCE_S) -> bool:
        """Wait for something, and tell whether it came."""
        deadline = time.monotonic() + most_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def says(self, node: str, words: str, most_s: float = _PATIENCE_S) -> bool:
        """Wait for words in a node's diagnostics."""
        self.watcher.forget_statuses(node)
        return self.within(
            lambda: any(words in each[1] for each in list(self.watcher.statuses.get(node, []))),
            most_s,
        )

    def said(self, node: str) -> str:
        """Give what a node says of itself."""
        self.watcher.forget_statuses(node)
        self.within(lambda: self.watcher.statuses.get(node))
        return str(self.watcher.status(node)[1])

    def value(self, node: str, key: str) -> str:
        """Give a value of a node's next diagnostics."""
        self.watcher.forget_statuses(node)
        self.within(lambda: self.watcher.statuses.get(node))
        return self.watcher.status(node)[2].get(key, '')

    def source(self) -> str:
        """Give the source selected last."""
        return self.sources[-1][1] if self.sources else ''

    def answers(self, source: str, most_s: float = _PATIENCE_S) -> bool:
        """Wait until the selector goes by this source, and three more labels came of it."""
        heard = self.labels['/activity']
        found = self.within(lambda: self.source() == source, most_s)
        count = len(heard)
        return found and self.within(lambda: len(heard) >= count + 3)

    def well(self) -> bool:
        """Wait until all is as in the beginning."""
        found = self.answers('imu')
        for name in RATES:
            found = found and self.within(
                lambda name=name: self.value(f'/{name}_classifier', health.STATE) == 'active'  # type: ignore[misc]
            )
            heard = self.labels[f'/{name}_classifier/activity']
            count = len(heard)
            found = found and self.within(
                lambda heard=heard, count=count: len(heard) >= count + 6  # type: ignore[misc]
            )
        return found

    def mark(self) -> dict[str, int]:
        """Remember how many labels were heard, and what the nodes have counted."""
        return {topic: len(heard) for topic, heard in self.labels.items()} | self._counted()

    def _counted(self) -> dict[str, int]:
        drops = {n: self.value(f'/{n}_classifier', health.QUEUE_DROPS) for n in RATES}
        counted = drops | {'resets': self.value('/activity_selector', RESETS)}
        return {key: int(value or 0) for key, value in counted.items()}

    def rises(self, row: Row, since: Mapping[str, int], topic: str = '/activity') -> None:
        """Hold that stamps rise, but where the selector has counted that time began anew."""
        stamps = [each.stamp_ns for each in self.labels[topic][since[topic] :]]
        count = sum(b <= a for a, b in itertools.pairwise(stamps))
        resets = self._counted()['resets'] - since['resets'] if topic == '/activity' else 0
        words = f'{len(stamps)} stamps of {topic}, {count} of them do not rise'
        row.hold(count <= resets, f'{words}, {resets} resets counted' if count else words)

    def goes_on(self, row: Row, sensor: str, since: Mapping[str, int]) -> None:
        """Hold that a sensor's labels go on, none left out but those counted as dropped."""
        topic = f'/{sensor}_classifier/activity'
        stamps = [each.stamp_ns for each in self.labels[topic][since[topic] :]]
        lost = sum((b - a) // HOP_NS - 1 for a, b in itertools.pairwise(stamps))
        drops = self._counted()[sensor] - since[sensor]
        words = f'{sensor}: {len(stamps)} labels, {lost} left out'
        row.hold(
            stamps and lost <= drops, f'{words}, {drops} counted as dropped' if lost else words
        )

    def lives(self, row: Row, *names: str) -> None:
        """Hold that nodes are there and nothing unexpected was logged."""
        for name in names or tuple(self.processes):
            process = self.processes[name]
            well = process.running and 'Traceback' not in process.log
            row.hold(well, f'{name} goes on' if well else f'{name}: {process.log[-1500:]}')

    def gap_s(self, since: Mapping[str, int], *, decided: bool = True) -> float:
        """Give the longest time without a label of the selector, in seconds as they came."""
        heard = self.labels['/activity'][max(0, since['/activity'] - 1) :]
        times = [each.at_s for each in heard if not decided or each.label != 'unknown']
        return max((b - a for a, b in itertools.pairwise(times)), default=float('inf'))


def make_models(folder: Path) -> dict[str, Path]:
    """Save a model for each sensor."""

    def spec(rate_hz: int, margin_ns: int) -> WindowingSpec:
        return WindowingSpec(
            length_ns=SECOND,
            hop_ns=HOP_NS,
            rate_hz=rate_hz,
            margin_ns=margin_ns,
            min_coverage=0.5,
        )

    return {
        'imu': make_imu_bundle(folder / 'imu', window=spec(RATES['imu'], SECOND // 10)),
        'camera': make_camera_bundle(folder / 'camera', window=spec(RATES['camera'], SECOND // 4)),
    }


# Parts of the graph that are no nodes of ours: processes of this file.


def start_part(part: str, settings: Mapping[str, object]) -> 'subprocess.Popen[bytes]':
    """Run a part in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__)), '--part', part, json.dumps(settings)]
    )


def end_part(process: 'subprocess.Popen[bytes]', number: signal.Signals = signal.SIGTERM) -> None:
    """End a part, one that was stopped too."""
    process.send_signal(number)
    process.send_signal(signal.SIGCONT)
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def drive(
    kind: str,
    topic: str,
    rate_hz: float,
    *,
    ahead_s: float = 0.0,
    reliable: bool = True,
    for_s: float = 1e9,
) -> None:
    """Publish a sensor's messages, stamped as they are due, ``ahead_s`` more after each SIGUSR1.

    What could not be published in time is published as soon as it can be: a driver that was
    stopped for a while gives a burst.
    """
    import rclpy
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from sensor_msgs.msg import Image, Imu
    from vision_msgs.msg import Classification

    from xmodal_ros.ros.messages import classification

    noise = np.random.default_rng(0)
    made: dict[str, tuple[Any, list[bytearray]]] = {
        'imu': (
            Imu,
            [
                bytearray(imu_bytes(0, noise.normal(0, 5, 3), noise.normal(0, 1, 3)))
                for _ in range(64)
            ],
        ),
        'camera': (
            Image,
            [
                bytearray(image_bytes(0, noise.integers(0, 255, (48, 64), np.uint8), 'mono8'))
                for _ in range(8)
            ],
        ),
    }
    if kind == 'labels':
        from rclpy.serialization import serialize_message

        said = classification(0, 'nowhere', [('walk', 0.9), ('sit', 0.1)])
        made['labels'] = (Classification, [bytearray(serialize_message(said))])
    steps = itertools.count(1)
    ahead_ns = 0

    def step(_number: int, _frame: object) -> None:
        nonlocal ahead_ns
        # There, and back again.
        ahead_ns = round(ahead_s * 1e9) * (next(steps) % 2)

    signal.signal(signal.SIGUSR1, step)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    rclpy.init()
    node = rclpy.create_node(f'driver_of_{kind}', enable_rosout=False)
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    msgtype, messages = made[kind]
    publisher = node.create_publisher(
        msgtype, topic, QoSProfile(depth=1000, reliability=reliability)
    )
    period_ns = round(1e9 / rate_hz)
    due_ns = began_ns = time.time_ns() // period_ns * period_ns
    for message in itertools.cycle(messages):
        if due_ns - began_ns > for_s * 1e9:
            break
        time.sleep(max(0.0, (due_ns - time.time_ns()) / 1e9))
        # Behind four bytes that say how the rest is laid out.
        struct.pack_into('<iI', message, 4, *divmod(due_ns + ahead_ns, SECOND))
        publisher.publish(bytes(message))
        due_ns += period_ns
    took_s = (time.time_ns() - began_ns) / 1e9
    print(f'{rate_hz * for_s / took_s:.0f} messages a second')
    # Until everything has been heard, as far as somebody listens.
    publisher.wait_for_all_acked(rclpy.duration.Duration(seconds=10))


def listen_slowly(topics: Mapping[str, str]) -> None:
    """Subscribe to everything, reliably and without a limit, and never take a message."""
    import rclpy
    from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

    from xmodal_ros.ros.messages import message_class

    rclpy.init()
    node = rclpy.create_node('slow', enable_rosout=False)
    profile = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
    for topic, msgtype in topics.items():
        node.create_subscription(message_class(msgtype), topic, lambda _: None, profile)
    time.sleep(1e6)


# The rows: each is given the robot as it is when it is well, and leaves it so that it gets well.

ROWS: Final[dict[str, tuple[str, Callable[[Robot, Row], None]]]] = {}


def row(
    documented: str,
) -> Callable[[Callable[[Robot, Row], None]], Callable[[Robot, Row], None]]:
    """Register a row under its function's name, with what the pages say is to be seen."""

    def register(function: Callable[[Robot, Row], None]) -> Callable[[Robot, Row], None]:
        ROWS[function.__name__] = (documented, function)
        return function

    return register


@row(
    'another source within the timeout plus one hop; it returns after `return_after`; the '
    'classifier tells of silence, and of no sensor that is not there'
)
def driver_killed(robot: Robot, row: Row) -> None:
    """SIGKILL to the driver of the sensor that answers, and another one in its place."""
    since = robot.mark()
    robot.end_driver('imu', signal.SIGKILL)
    row.hold(robot.answers('camera'), 'the camera answers')
    gap_s = robot.gap_s(since)
    most_s = TIMEOUT_S + HOP_NS / 1e9 + _SLACK_S
    row.hold(gap_s <= most_s, f'{gap_s:.1f} s between two decisions, at most {most_s:.2f}')
    row.hold(robot.says('/imu_classifier', 'silence', 10), 'the classifier tells of silence')
    back = time.monotonic()
    robot.drive('imu')
    row.hold(robot.answers('imu'), f'the IMU answers {time.monotonic() - back:.1f} s after')
    # The one that was killed is in the graph for a while yet.
    well = robot.within(lambda: 'publishers share' not in robot.said('/imu_classifier'))
    row.hold(well, 'the classifier tells of one driver')
    robot.rises(row, since)
    robot.lives(row)


@row('the selector says `unknown` within its timeout, and goes on with what is started again')
def perception_killed(robot: Robot, row: Row) -> None:
    """SIGKILL to the process of both classifiers."""
    since = robot.mark()
    killed = time.monotonic()
    robot.processes['perception'].kill()
    heard = robot.labels['/activity']
    row.hold(robot.within(lambda: heard[-1].label == 'unknown'), 'the selector says unknown')
    late_s = heard[-1].at_s - killed
    most_s = TIMEOUT_S + HOP_NS / 1e9 + _SLACK_S
    row.hold(late_s <= most_s, f'it does so after {late_s:.1f} s, at most {most_s:.2f}')
    row.hold(robot.says('/activity_selector', 'every source is silent'), 'and that all are silent')
    robot.start('perception')
    row.hold(robot.answers('imu'), 'it goes by the new process')
    robot.rises(row, since)
    robot.lives(row)


@row('classifiers go on; a new selector goes by them; what listens to it sees stamps that rise')
def selector_killed(robot: Robot, row: Row) -> None:
    """SIGKILL to the selector."""
    since = robot.mark()
    robot.processes['activity_selector'].kill()
    robot.start('activity_selector')
    count = len(robot.labels['/activity'])
    row.hold(robot.within(lambda: len(robot.labels['/activity']) > count + 3), 'it decides again')
    row.hold(robot.answers('imu'), 'by the IMU')
    robot.rises(row, since)
    for sensor in RATES:
        robot.goes_on(row, sensor, since)
    robot.lives(row)


def _flood(robot: Robot, row: Row, process: str, settings: Mapping[str, object]) -> None:
    pid = robot.processes[process].pid
    before = look_at(pid, 0.0)
    flood = start_part('drive', {**settings, 'for_s': _FLOOD_S})
    most_mib, longest_s = 0.0, 0.0
    node = '/activity_selector' if process == 'activity_selector' else '/imu_classifier'
    while flood.poll() is None:
        asked = time.monotonic()
        state = robot.watcher.state(node)
        longest_s = max(longest_s, time.monotonic() - asked)
        most_mib = max(most_mib, look_at(pid, 0.0).memory_mib)
        if state != 'active':
            row.hold(False, f'{node} is {state}')
        time.sleep(0.1)
    grown_mib = most_mib - before.memory_mib
    row.hold(grown_mib <= _MOST_GROWTH_MIB, f'{grown_mib:.0f} MiB more than before')
    row.hold(longest_s < 2, f'answers a question within {longest_s:.2f} s')


def _sensor_floods(robot: Robot, row: Row, sensor: str) -> None:
    since = robot.mark()
    robot.end_driver(sensor)
    settings = {'kind': sensor, 'topic': f'/{sensor}', 'rate_hz': RATES[sensor] * _FLOOD}
    _flood(robot, row, 'perception', settings)
    robot.drive(sensor)
    row.hold(robot.answers('imu'), 'the IMU answers after it')
    for other in RATES.keys() - {sensor}:
        robot.goes_on(row, other, since)
    robot.rises(row, since)
    robot.lives(row)


@row('messages are taken in order, queues bounded and drops counted; other sensors go on')
def imu_floods(robot: Robot, row: Row) -> None:
    """The IMU's driver publishes at a hundred times its rate."""
    _sensor_floods(robot, row, 'imu')


@row('pictures are taken in order, queues bounded and drops counted; other sensors go on')
def camera_floods(robot: Robot, row: Row) -> None:
    """The camera's driver publishes at a hundred times its rate."""
    _sensor_floods(robot, row, 'camera')


@row('labels that come twice or out of order are dropped and counted; decisions go on')
def labels_flood(robot: Robot, row: Row) -> None:
    """Somebody publishes labels of the camera at a hundred times their rate, beside its own."""
    since = robot.mark()
    rate_hz = _FLOOD * SECOND / HOP_NS
    topic = '/camera_classifier/activity'
    said = {'kind': 'labels', 'topic': topic, 'rate_hz': rate_hz}
    _flood(robot, row, 'activity_selector', said)
    row.hold(robot.answers('imu'), 'the IMU answers')
    robot.goes_on(row, 'imu', since)
    robot.rises(row, since)
    robot.lives(row)


@row('nothing waits for a subscriber: labels go on, and nodes end in order')
def slow_subscriber(robot: Robot, row: Row) -> None:
    """Reliable subscribers of everything that never take a message, one of them stopped too."""
    topics = dict.fromkeys(robot.labels, 'vision_msgs/msg/Classification')
    topics |= {'/diagnostics': 'diagnostic_msgs/msg/DiagnosticArray'}
    topics |= {'/activity/label': 'std_msgs/msg/String'}
    slow = [start_part('listen_slowly', {'topics': topics}) for _ in range(2)]
    count = robot.watcher.node.count_subscribers
    # They subscribe in this order; one of us listens to labels too.
    row.hold(robot.within(lambda: count('/activity/label') == len(slow)), 'both listen')
    slow[0].send_signal(signal.SIGSTOP)
    since = robot.mark()
    before = look_at(robot.processes['perception'].pid, 0.0)
    heard = robot.labels['/activity']
    wanted = len(heard) + 120
    row.hold(robot.within(lambda: len(heard) >= wanted), '120 decisions')
    gap_s = robot.gap_s(since)
    row.hold(gap_s <= HOP_NS / 1e9 + _SLACK_S, f'{gap_s:.2f} s at most between two')
    grown = look_at(robot.processes['perception'].pid, 0.0).memory_mib - before.memory_mib
    row.hold(grown <= _MOST_GROWTH_MIB, f'{grown:.0f} MiB more than before')
    for sensor in RATES:
        robot.goes_on(row, sensor, since)
    began = time.monotonic()
    code = robot.processes['activity_selector'].end()
    took_s = time.monotonic() - began
    row.hold(not code and took_s < 10, f'the selector ends with {code} after {took_s:.1f} s')
    robot.start('activity_selector')
    robot.answers('imu')
    robot.lives(row)
    for part in slow:
        end_part(part, signal.SIGKILL)


@row('a source by another clock is replaced within the timeout plus one hop, told, and returns')
def sensor_clock_steps(robot: Robot, row: Row) -> None:
    """The clock of the IMU's computer steps ahead by an hour, and back."""
    robot.end_driver('imu')
    robot.drive('imu', ahead_s=3600.0)
    robot.answers('imu')
    since = robot.mark()
    for where in ('ahead', 'back'):
        mark = robot.mark()
        robot.drivers['imu'].send_signal(signal.SIGUSR1)
        if where == 'ahead':
            row.hold(robot.answers('camera'), 'the camera answers')
            gap_s = robot.gap_s(mark)
            most_s = TIMEOUT_S + HOP_NS / 1e9 + _SLACK_S
            row.hold(gap_s <= most_s, f'{gap_s:.1f} s between two decisions, at most {most_s:g}')
            words = robot.says('/activity_selector', 'ahead of')
            row.hold(words, f'the selector says: {robot.said("/activity_selector")}')
    row.hold(robot.answers('imu'), 'back in time, the IMU answers')
    row.hold(robot.says('/activity_selector', 'imu answers'), 'nothing is said of it any more')
    robot.rises(row, since)
    robot.goes_on(row, 'camera', since)
    robot.lives(row)


@row('windows and the choice start anew where ROS time jumps back; then all goes on')
def ros_time_steps(robot: Robot, row: Row) -> None:
    """ROS time is simulated and goes ahead by an hour, back by a day, and then is real again."""
    from rosgraph_msgs.msg import Clock

    nodes = ('/imu_classifier', '/camera_classifier', '/activity_selector')
    with robot.watcher.publisher(Clock, '/clock') as publisher:
        for name in nodes:
            robot.watcher.set_parameter(name, 'use_sim_time', value=True)
        now_ns = time.time_ns()
        for offset_s in (0, 3600, -86_400, 0):
            at_ns = now_ns + offset_s * SECOND
            robot.watcher.tell_time(publisher, Clock(clock=to_time(at_ns)), at_ns)
        for name in nodes:
            robot.watcher.set_parameter(name, 'use_sim_time', value=False)
    for process in ('perception', 'activity_selector'):
        anew = 'ROS time jumped back' in robot.processes[process].log
        row.hold(anew, f'{process} starts anew')
    since = robot.mark()
    row.hold(robot.answers('imu'), 'the IMU answers')
    robot.rises(row, since)
    robot.lives(row)


@row(
    'decisions go on, one a stamp until time begins anew; diagnostics and `xmodal doctor` tell of '
    'both'
)
def one_name_twice(robot: Robot, row: Row) -> None:
    """A second classifier of the same name, topic and model."""
    since = robot.mark()
    given = {'model': str(robot.models['imu']), 'topic': '/imu', 'device': 'cpu'}
    with running(robot.folder / 'twin', 'imu_classifier', given) as twin:
        heard = robot.labels['/imu_classifier/activity']

        def twice() -> bool:
            stamps = [each.stamp_ns for each in heard[-20:]]
            return len(set(stamps)) < len(stamps) - 3

        row.hold(robot.within(twice), 'both publish')
        told = robot.says('/activity_selector', '2 publishers share /imu_classifier/activity')
        row.hold(told, f'the selector says: {robot.said("/activity_selector")}')
        found = subprocess.run(
            [sys.executable, '-m', 'xmodal_ros.cli.entry', 'doctor'],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        words = ' '.join(found.stdout.split())
        told = 'imu_classifier' in words and 'name' in words
        row.hold(told, 'the doctor tells' if told else f'the doctor: {words}{found.stderr}')
        robot.answers('imu')
        row.hold(not twin.end(), 'the second ends in order')
    robot.rises(row, since)
    robot.lives(row)


@row('told within 2 s with what to do; taken up when the type is right again; others go on')
def type_changes(robot: Robot, row: Row) -> None:
    """The driver of the IMU is replaced by one that publishes pictures on its topic."""
    since = robot.mark()
    robot.end_driver('imu')
    robot.drive('imu', kind='camera')
    node = robot.watcher.node
    wrong = 'sensor_msgs/msg/Image'
    robot.within(
        lambda: any(each.topic_type == wrong for each in node.get_publishers_info_by_topic('/imu'))
    )
    began = time.monotonic()
    row.hold(robot.says('/imu_classifier', f'carries {wrong}'), 'the classifier tells')
    took_s = time.monotonic() - began
    most_s = 2 + _SLACK_S
    row.hold(took_s <= most_s, f'{took_s:.1f} s after it was in the graph, at most {most_s:g}')
    row.hold(robot.answers('camera'), 'the camera answers')
    robot.drive('imu')
    row.hold(robot.answers('imu'), 'the IMU answers when its type is right')
    robot.goes_on(row, 'camera', since)
    robot.rises(row, since)
    robot.lives(row)


@row('the subscription follows what is offered')
def quality_changes(robot: Robot, row: Row) -> None:
    """The driver of the IMU is replaced by one that is best effort, and by a reliable one."""
    since = robot.mark()
    for reliable, words in ((False, 'best effort'), (True, 'reliable')):
        robot.drive('imu', reliable=reliable)
        followed = robot.within(
            lambda words=words: robot.value('/imu_classifier', 'reliability') == words  # type: ignore[misc]
        )
        row.hold(followed, f'listens {words}')
        row.hold(robot.answers('imu'), 'the IMU answers')
    robot.goes_on(row, 'camera', since)
    robot.rises(row, since)
    robot.lives(row)


@row('a burst is not life: it does not take over by it; no stamp twice; stamps rise')
def bursts(robot: Robot, row: Row) -> None:
    """The IMU's driver stands still for longer than the timeout, and gives all of it at once."""
    since = robot.mark()
    for _ in range(2):
        robot.drivers['imu'].send_signal(signal.SIGSTOP)
        row.hold(robot.answers('camera'), 'the camera answers')
        back = time.monotonic()
        robot.drivers['imu'].send_signal(signal.SIGCONT)
        row.hold(robot.answers('imu'), 'the IMU answers')
        returned_s = next(at for at, name in robot.sources if at > back and name == 'imu') - back
        row.hold(
            returned_s >= RETURN_AFTER_S - HOP_NS / 1e9, f'{returned_s:.1f} s after it went on'
        )
    robot.rises(row, since, '/imu_classifier/activity')
    robot.goes_on(row, 'camera', since)
    robot.rises(row, since)
    robot.lives(row)


@row('decisions go on; a report that cannot be written is told, in words and by the exit code')
def disk_full(robot: Robot, row: Row) -> None:
    """Logs and a report are on a disk without a byte left."""
    with full_disk(robot.folder) as disk:
        if disk is None:
            row.wrong.append('not tried: a file system of its own can be mounted by root only')
            return
        given = {'model': str(robot.models['imu']), 'topic': '/imu', 'device': 'cpu'}
        report = {'report': str(disk / 'scores.json'), 'diagnostics_period': 0.2}
        name = ['-r', '__node:=on_full_disk']
        classifier, evaluator = disk / 'classifier', disk / 'evaluator'
        with (
            running(classifier, 'imu_classifier', given, arguments=name) as node,
            running(evaluator, 'evaluator', report) as scoring,
        ):
            labels: list[int] = []
            from vision_msgs.msg import Classification

            subscription = robot.watcher.node.create_subscription(
                Classification, '/on_full_disk/activity', lambda _: labels.append(0), RELIABLE
            )
            row.hold(robot.within(lambda: len(labels) > 3), 'it decides')
            row.hold(robot.within(lambda: robot.watcher.statuses.get('/evaluator')), 'it scores')
            fill(disk)
            count = len(labels)
            robot.watcher.set_parameter('/on_full_disk', 'model', 'nowhere')
            row.hold(robot.within(lambda: len(labels) > count + 10), 'and with the disk full')
            code = node.end()
            row.hold(code == 0, f'the classifier ends with {code}')
            code = scoring.end()
            row.hold(code == 1, f'the evaluator ends with {code}')
            row.hold(not (disk / 'scores.json').exists(), 'no half of a report is left')
            row.hold('Traceback' not in node.log + scoring.log, 'no traceback')
            robot.watcher.node.destroy_subscription(subscription)
    robot.lives(row)


@contextmanager
def full_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small file system; None where that is not allowed."""
    disk = folder / 'disk'
    disk.mkdir()
    command = ['mount', '-t', 'tmpfs', '-o', f'size={_DISK}', 'tmpfs', str(disk)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(['umount', '-l', str(disk)], check=True)


def fill(disk: Path) -> None:
    """Leave no byte."""
    with (disk / 'filler').open('wb', buffering=0) as filler:
        while True:
            try:
                filler.write(bytes(4096))
            except OSError:
                return


def run(names: list[str], folder: Path, console: Console) -> list[Row]:
    """Do these rows to one robot."""
    rows = []
    with ExitStack() as stack:
        stack.enter_context(isolated_process(stack.enter_context(reserved_domain())))
        robot = Robot(stack.enter_context(watching()), folder, stack)
        stack.callback(lambda: [robot.end_driver(name) for name in list(robot.drivers)])
        for node in ('perception', 'activity_selector'):
            robot.start(node)
        for sensor in RATES:
            robot.drive(sensor)
        for name in names:
            documented, function = ROWS[name]
            result = Row(name, documented)
            began = time.monotonic()
            if robot.well():
                try:
                    function(robot, result)
                except AssertionError as error:
                    result.wrong.append(str(error))
                result.hold(robot.well(), 'afterwards all is well')
            else:
                words = [robot.said(f'/{each}_classifier') for each in RATES]
                words.append(robot.said('/activity_selector'))
                result.wrong.append(f'was not well before: {words}, source {robot.source()!r}')
            rows.append(result)
            console.print(f'{name} ({time.monotonic() - began:.0f} s): {result.seen}')
            for each in result.wrong:
                console.print(f'  [red]wrong: {each}[/red]')
        ends = [process.end() for process in robot.processes.values() if process.running]
        console.print(f'at the end the processes leave with {ends}')
    return rows


def main() -> int:
    """Run, print, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--rows', nargs='*', choices=list(ROWS), help='all of them unless given')
    parser.add_argument('--json', type=Path, help='write everything there')
    parser.add_argument('--part', nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        part, settings = arguments.part
        {'drive': drive, 'listen_slowly': listen_slowly}[part](**json.loads(settings))
        return 0
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        rows = run(arguments.rows or list(ROWS), Path(folder), console)
    table = Table('row', 'documented', 'seen', 'right')
    for each in rows:
        table.add_row(each.name, each.documented, '; '.join(each.seen), str(not each.wrong))
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(each) for each in rows], indent=1))
    return int(any(each.wrong for each in rows))


if __name__ == '__main__':
    sys.exit(main())
