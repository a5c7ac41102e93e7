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

"""The node ``evaluator``: scores what a running robot says against the truth, as it comes."""

from collections.abc import Sequence
from functools import partial
import json
from pathlib import Path
import threading
import time
from typing import Any, Final

from diagnostic_msgs.msg import DiagnosticArray
from std_msgs.msg import String
from std_srvs.srv import Trigger

from xmodal_ros.bags.labels import read_segments, STRING_TYPE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import ConfigurationError, XmodalError
from xmodal_ros.evaluation.conclusion import conclude, Conclusion, Order, Publisher, write_live
from xmodal_ros.evaluation.live_report import in_words, summary
from xmodal_ros.evaluation.live_scoring import Following
from xmodal_ros.files import check_writable
from xmodal_ros.paths import user_path
from xmodal_ros.ros import messages, parameter_tables, parameters, qos
from xmodal_ros.ros.diagnostics import ListeningNode
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.ros.topic_reader import resolved, TopicReader, wait_for_any
from xmodal_ros.runtime.event_driven import EventThread
from xmodal_ros.runtime.health import idle_report, Report, STATE
from xmodal_ros.runtime.label_decoding import CLASSIFICATION_TYPE, decode_label
from xmodal_ros.runtime.peers import Listening, node_of, Peers
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError

# Measuring is done anew over everything: it may take this share of the time.
_SHARE: Final = 0.05


class Evaluator(ListeningNode):
    """Scores labels live, and writes a report at the end; see docs/evaluator.md.

    Labels and truth are taken in a thread of their own; the executor's measures, reports and
    watches for the end. ``done`` ends the process.
    """

    def __init__(self, done: threading.Event, **options: Any) -> None:
        self._done = done
        self._lock = threading.Lock()
        self._labels: dict[str, TopicReader] = {}
        self._truth: TopicReader | None = None
        self._drain: EventThread | None = None
        self._status: Any = None
        self._following = Following(1)
        self._received: dict[str, int] = {}
        self._nodes: dict[str, tuple[str, ...]] = {}
        self._peers = Peers()
        self._truth_received = self._ready = self._player_seen = self._ending = False
        self._client: Any = None
        self._resuming: Any = None
        self._measured_at = self._measuring_took = 0.0
        self._summary: dict[str, Any] = {}
        self._failure = ''
        super().__init__('evaluator', 'evaluator', parameter_tables.EVALUATOR, **options)
        self.create_subscription(
            DiagnosticArray, '/diagnostics', self._on_diagnostics, qos.RELIABLE
        )
        self.create_service(Trigger, '~/finish', self._finish)

    def start(self) -> None:
        """Configure and activate; where that fails and a player waits, end."""
        super().start()
        if self.problem:
            self._give_up(self.problem)

    def configure(self) -> None:
        """Read the truth of the recording, if one is named; find out what can be written."""
        self._topics()
        report, html = self._files()
        check_writable(report, html)
        if html is not None and not self._bag():
            raise ConfigurationError(
                "'html' is set, but pages are made of recordings: set 'bag' to the one that is "
                "played, or 'report' alone"
            )
        truth = None
        if bag := self._bag():
            with BagReader(bag) as reader:
                truth = read_segments(reader)
        window_ns = round(parameters.number(self, 'window') * 1e9)
        merge = parameters.flag(self, 'merge_labels')
        self._following = Following(window_ns, truth, merge_labels=merge)
        self._status = self.create_publisher(String, '~/status', qos.LATCHED)

    def activate(self) -> None:
        """Listen to the truth and to everything that is to be scored."""
        self._peers = Peers()
        self._truth_received = self._ready = self._player_seen = self._ending = False
        self._summary, self._measured_at, self._measuring_took = {}, 0.0, 0.0
        for topic in self._topics():
            self._labels[topic] = TopicReader(
                self,
                topic,
                (CLASSIFICATION_TYPE,),
                parameter='topics',
                remedy='start a classifier or selector',
            )
        self._received = dict.fromkeys(self._labels, 0)
        self._truth = TopicReader(
            self,
            parameters.text(self, 'truth_topic'),
            (CLASSIFICATION_TYPE, STRING_TYPE),
            parameter='truth_topic',
            remedy='start whoever knows the truth',
        )
        # Where a recording tells it, what is said of it stays where it is, unread.
        readers = [*self._labels.values(), *([] if self._bag() else [self._truth])]
        self._drain = EventThread(
            'labels',
            wait=partial(wait_for_any, readers),
            work=self._take,
            wake=readers[0].wake,
        )
        self.get_logger().info(f'evaluating {", ".join(self._labels)}')

    def deactivate(self) -> None:
        """Stop listening, and write the report."""
        drain, topics = self._drain, tuple(self._labels)
        if drain is not None:
            drain.stop()
            self._take()
        for source in (*self._labels.values(), self._truth):
            if source is not None:
                source.close()
        self._labels, self._truth, self._drain = {}, None, None
        if drain is not None:
            self._failure = self._failure or self._conclude(topics).failure

    def cleanup(self) -> None:
        """Stop advertising."""
        if self._status is not None:
            self.destroy_publisher(self._status)
        self._status = None

    def stop(self) -> None:
        """Write the report; raises where that failed, or where live and offline differ."""
        super().stop()
        if self._failure:
            raise XmodalError(self._failure)

    def time_jumped(self) -> None:
        """What comes belongs to another take."""
        self._take()
        with self._lock:
            self._following.restart()

    def look_at_graph(self) -> bool:
        """Follow publishers, let the player begin, and notice the end."""
        if self._drain is None:
            return False
        before = self._trouble()
        for topic, source in self._labels.items():
            source.follow()
            infos = self.get_publishers_info_by_topic(topic)
            if infos and not self._ending:
                self._nodes[topic] = tuple({qos.node_name(info) for info in infos})
        if self._truth is not None:
            self._truth.follow()
        self._begin()
        self._watch_for_the_end()
        return self._trouble() != before

    def report(self) -> Report:
        """Give what the labels are worth so far."""
        if self._drain is None:
            return idle_report(self.state, self.problem)
        self._measure()
        values = [(STATE, self.state), ('truth', str(self._summary.get('truth') or 'none now'))]
        words = []
        for topic, found in self._summary.get('topics', {}).items():
            scalars = found['scalars']
            values += [(f'{topic}: labels', str(found['labels']))]
            values += [
                (f'{topic}: {name}', f'{value:.4f}')
                for name, value in scalars.items()
                if value is not None
            ]
            words.append(in_words(topic, scalars, None))
        refused = self._summary.get('refused', {})
        values += [(f'refused, {why}', str(count)) for why, count in refused.items()]
        if trouble := self._trouble():
            return Report('warning', trouble, tuple(values))
        return Report('ok', '; '.join(words), tuple(values))

    def _topics(self) -> tuple[str, ...]:
        names = parameters.texts(self, 'topics')
        if not names:
            raise ConfigurationError(
                "'topics' is empty: name topics of labels, for example "
                '--ros-args -p topics:=[activity]'
            )
        return tuple(dict.fromkeys(resolved(self, name) for name in names))

    def _bag(self) -> Path | None:
        bag = parameters.text(self, 'bag')
        return user_path(bag) if bag else None

    def _files(self) -> tuple[Path | None, Path | None]:
        names = (parameters.text(self, name) for name in ('report', 'html'))
        report, html = (user_path(name) if name else None for name in names)
        return report, html

    def _trouble(self) -> str:
        problems = [source.problem for source in self._labels.values()]
        if self._truth is not None and not self._bag() and not self._truth_received:
            problems.append(self._truth.problem)
        return '; '.join(filter(None, problems))

    @guarded
    def _take(self) -> None:
        """Take what has come. In the thread of its own, and at the end."""
        with self._lock:
            if self._truth is not None and not self._bag():
                for received in self._truth.take():
                    self._take_truth(self._truth.msgtype, received.data)
            for topic, source in self._labels.items():
                for received in source.take():
                    self._received[topic] += 1
                    try:
                        self._following.note(topic, decode_label(received.data))
                    except DecodeError as error:
                        self._following.refused[error.reason] += 1

    def _take_truth(self, msgtype: str, data: bytes) -> None:
        now_ns = int(self.get_clock().now().nanoseconds)
        self._truth_received = True
        try:
            if msgtype == STRING_TYPE:
                # It has no stamp: the time of the robot, or of the recording, has to do.
                self._following.note_truth(now_ns, CdrCursor(data).string())
                return
            label = decode_label(data)
            name = label.decision if label.scores else ''
            self._following.note_truth(label.stamp_ns or now_ns, name)
        except DecodeError as error:
            self._following.refused[f'truth, {error.reason}'] += 1

    @guarded
    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        # Those that publish nothing yet too: they may say why.
        topic_of = {node_of(topic): topic for topic in self._labels}
        topic_of |= {node: topic for topic, nodes in self._nodes.items() for node in nodes}
        for status in message.status:
            node = messages.reporting_node(status)
            if node in topic_of:
                heard = self._received.get(topic_of[node], 0)
                said = messages.read_said(status)
                self._peers.note_report(node, said, heard, time.monotonic_ns())

    def _begin(self) -> None:
        """Once everybody hears everybody, say so, and let the player go on."""
        if self._ready:
            return
        now_ns = time.monotonic_ns()
        self._peers.note_nodes([node for nodes in self._nodes.values() for node in nodes], now_ns)
        topics = {
            topic: Listening(
                self._nodes.get(topic, ()) if source.publishers else (),
                self.count_subscribers(topic),
            )
            for topic, source in self._labels.items()
        }
        if missing := self._peers.waiting_for(topics, now_ns):
            self.get_logger().info(f'waiting: {missing}', throttle_duration_sec=5.0)
            if failed := self._peers.failed(topics):
                self._give_up(failed)
        elif self._resume():
            self._ready = True
            # It may be through before anybody looks again.
            self._player_seen = self._player_seen or bool(parameters.text(self, 'player'))
            self.get_logger().info('everything is connected')

    def _give_up(self, why: str) -> None:
        """Where a player waits for us, nobody is there to correct anything: end."""
        if parameters.text(self, 'player'):
            self._failure = f'nothing was evaluated: {why}'
            self._done.set()

    def _resume(self) -> bool:
        """Ask the player to begin; True once it does, or where none is named."""
        player = parameters.text(self, 'player')
        if not player:
            return True
        if self._client is None:
            self._client = self.create_client(Trigger, f'{player}/resume')
        if self._resuming is None and self._client.service_is_ready():
            self._resuming = self._client.call_async(Trigger.Request())
        return self._resuming is not None and bool(self._resuming.done())

    def _watch_for_the_end(self) -> None:
        """End once whoever plays has gone and the others have said everything about it."""
        topic = parameters.text(self, 'end_with')
        if not topic:
            return
        if not self._ending:
            there = self.count_publishers(resolved(self, topic)) > 0
            self._ending = self._player_seen and not there
            self._player_seen = self._player_seen or there
            if self._ending:
                self.get_logger().info(f'nobody publishes on {topic} any more: this is the end')
                self._peers.begin_to_end()
            return
        nodes = [node for nodes in self._nodes.values() for node in nodes]
        if self._peers.quiet(nodes, time.monotonic_ns()):
            self._done.set()

    def _measure(self) -> None:
        """Measure anew, unless that would take too much of the time."""
        begun = time.monotonic()
        if begun - self._measured_at < self._measuring_took / _SHARE:
            return
        with self._lock:
            self._summary = summary(self._following, tuple(self._labels))
        self._measured_at = time.monotonic()
        self._measuring_took = self._measured_at - begun
        self._status.publish(String(data=json.dumps(self._summary)))

    def _conclude(self, topics: Sequence[str]) -> Conclusion:
        """Write what was found so far, and log it."""
        publishers = {
            topic: Publisher(self._peers.values(nodes[0]), self._peers.losses(nodes[0]))
            if (nodes := self._nodes.get(topic))
            else Publisher({}, {})
            for topic in topics
        }
        report, html = self._files()
        order = Order(self._bag(), report, html)
        with self._lock:
            try:
                if words := write_live(self._following, publishers, order):
                    self.get_logger().info(words)
            except XmodalError as error:
                self.get_logger().error(str(error))
            found = conclude(self._following, publishers, order)
        for line in found.lines:
            self.get_logger().info(line)
        for line in found.warnings:
            self.get_logger().warning(line)
        if found.failure:
            self.get_logger().error(found.failure)
        return found

    def _finish(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Write the report of what has come so far; the evaluation goes on."""
        if self._drain is None:
            response.message = f'the node is {self.state}: activate it first'
            return response
        self._take()
        found = self._conclude(tuple(self._labels))
        response.success = not found.failure
        response.message = found.failure or '; '.join(found.lines)
        return response
