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

"""What is heard of a real graph: what cannot be read is counted, or said, and ends nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
import json
import time
from typing import Any

from audio_common_msgs.msg import AudioDataStamped, AudioInfo
import numpy as np
import pytest
from sensor_msgs.msg import Imu
from std_msgs.msg import String
from vision_msgs.msg import Classification, LabelInfo, VisionClass

from test.live import graph
from test.live.graph import LATCHED, watching
from test.live.talker import Stream, talking
from test.messages import imu_bytes, SECOND
from test.sound_bags import audio_bytes, info_bytes
from test.waiting import PATIENCE_S, poll_for
from xmodal_ros.ros import qos
from xmodal_ros.ros.isolation import isolated_process, reserved_domain
from xmodal_ros.ros.messages import classification
from xmodal_ros.runtime.watching import WatchedNode
from xmodal_ros.tools.watch import page_server
from xmodal_ros.tools.watch.history import History
from xmodal_ros.tools.watch.listener import Watcher
from xmodal_ros.tools.watch.page_server import WatchServer
from xmodal_ros.tools.watch.sensors import SensorWatcher
from xmodal_ros.web.access import HEADER

BROKEN = b'\0\1\0\0\1'


@contextmanager
def robot() -> Iterator[graph.Watcher]:
    with reserved_domain() as domain, isolated_process(domain), watching() as node:
        yield node


def step_until(watcher: Watcher, condition: Callable[[list[WatchedNode]], bool]) -> None:
    def holds() -> bool:
        watcher.step()
        return condition(list(watcher.watch.rows(time.monotonic_ns())))

    poll_for(holds)


def test_labels_that_cannot_be_read_are_counted_and_the_classes_are_known() -> None:
    info = LabelInfo(class_map=[VisionClass(class_id=k, class_name=n) for k, n in enumerate('ab')])
    with (
        robot() as node,
        Watcher() as watcher,
        node.publisher(LabelInfo, '/imu/labels', LATCHED) as classes,
    ):
        classes.publish(info)

        def nodes_are_found() -> bool:
            watcher.step()
            return bool(watcher.nodes)

        poll_for(nodes_are_found)
        assert 'but none publishes labels' in watcher.absence()
        with (
            node.publisher(Classification, '/imu/activity') as labels,
            node.publisher(String, '/imu/activity/source') as source,
        ):
            with talking([Stream(each, 20, lambda _: BROKEN) for each in (labels, source)]):
                step_until(watcher, lambda rows: any(row.refused > 2 for row in rows))
            with talking([Stream(labels, 20, lambda t: classification(t, '', [('a', 1.0)]))]):
                step_until(watcher, lambda rows: any(row.label == 'a' for row in rows))
            step_until(watcher, lambda rows: [row.classes for row in rows] == [('a', 'b')])
        assert watcher.absence() == ''


def test_who_has_no_name_is_heard_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As writers that are of no node; names that are not known yet are the same for a while."""
    monkeypatch.setattr(qos, 'node_name', lambda _info: qos.NAMELESS)
    with (
        robot() as node,
        Watcher() as watcher,
        node.publisher(Classification, '/label') as labels,
        talking([Stream(labels, 20, lambda t: classification(t, '', [('a', 1.0)]))]),
    ):
        step_until(watcher, lambda rows: any(row.label == 'a' for row in rows))
        assert watcher.classifiers == frozenset()


def test_a_sensor_is_shown_once_it_can_be_and_until_then_it_is_said_why() -> None:
    told: list[tuple[str, str]] = []
    with (
        robot() as node,
        Watcher() as watcher,
        node.publisher(Imu, '/imu') as imu,
        node.publisher(AudioDataStamped, '/audio') as audio,
        node.publisher(AudioInfo, '/audio_info', LATCHED) as info,
    ):
        info.publish(info_bytes())
        sensors = SensorWatcher(
            watcher.node, lambda kind, topic, *_: told.append((kind, topic)), lambda: ()
        )

        def problem_of_imu() -> str | None:
            found = {each['topic']: each['problem'] for each in sensors.sensors()}
            return found.get('/imu')

        def step_until(condition: Callable[[], object]) -> None:
            def holds() -> bool:
                sensors.step(time.monotonic_ns(), time.time_ns() - time.monotonic_ns())
                return bool(condition())

            poll_for(holds, f'{sensors.sensors()}, {told}')

        with talking([Stream(imu, 50, lambda _: BROKEN)]):
            step_until(problem_of_imu)
        sound = Stream(audio, 50, lambda t: audio_bytes(t, np.full(320, 1000.0)))
        with talking([Stream(imu, 50, imu_bytes), sound]):
            step_until(lambda: {topic for _, topic in told} == {'/imu', '/audio'})
            assert problem_of_imu() == ''
        assert sensors.picture('/imu') is None
        sensors.pause()
        assert sensors.sensors() == []


def test_a_page_that_asks_for_what_is_not_there_is_told_and_nobody_listens_for_who_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history = History(time.monotonic_ns())
    with (
        robot() as node,
        node.publisher(Imu, '/imu') as imu,
        Watcher(watch=history) as watcher,
        WatchServer(watcher, history) as server,
    ):

        def ask(path: str) -> tuple[int, Any]:
            connection = HTTPConnection('127.0.0.1', server.port, timeout=PATIENCE_S)
            connection.request('GET', path, headers={HEADER: server.access.token})
            answer = connection.getresponse()
            content = json.loads(answer.read())
            connection.close()
            return answer.status, content

        def listens() -> bool:
            server.step()
            return bool(imu.get_subscription_count())

        assert ask('/api/live?after=x') == (400, {'error': "'x' is no number of an answer"})
        assert ask('/api/picture?topic=/imu') == (404, {'error': 'no picture has come yet'})
        assert ask('/api/nothing')[0] == 404
        assert not listens()
        assert ask('/api/live')[0] == 200
        poll_for(listens, 'nobody listens for the page')
        monkeypatch.setattr(page_server, '_LOOKED_AT_NS', SECOND // 1000)
        poll_for(lambda: not listens(), 'it listens on for nobody')
