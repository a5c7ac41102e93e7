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

"""The selector in a real graph, with classifiers that say what a test wants them to."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count, groupby
from pathlib import Path
import time
from typing import Any

import pytest
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String
from vision_msgs.msg import Classification

from test.live.graph import (
    is_active,
    is_error,
    LATCHED,
    NodeProcess,
    running,
    Status,
    Watcher,
)
from test.messages import EPOCH, SECOND
from xmodal_ros.ros.messages import classification, to_nanoseconds, to_time
from xmodal_ros.runtime import selector_health
from xmodal_ros.runtime.fusion import fuse, Opinion
from xmodal_ros.runtime.health import OUTPUTS
from xmodal_ros.runtime.label import Scores

NAME = '/activity_selector'
TOPICS = {'imu': '/imu_classifier/activity', 'camera': '/camera/activity'}
HOP = SECOND // 2
TIMEOUT = 1 * SECOND
SETTINGS = {
    'source_names': ['camera', 'imu'],
    'sources.imu.priority': 1,
    'sources.camera.topic': 'camera/activity',
    'timeout': TIMEOUT / SECOND,
    'return_after': 1.0,
    'diagnostics_period': 0.1,
}
WALK: Scores = (('walk', 0.75), ('sit', 0.25))
SIT: Scores = (('sit', 0.875), ('walk', 0.125))
NOTHING: Scores = (('unknown', 1.0),)


class Live:
    """The node, and a publisher in the place of each classifier."""

    def __init__(self, watcher: Watcher, process: NodeProcess, publishers: dict[str, Any]) -> None:
        self.watcher = watcher
        self.process = process
        self.publishers = publishers

    def restart(self) -> None:
        """Let the node begin anew, with nothing heard."""
        if self.watcher.state(NAME) == 'active':
            assert self.watcher.change(NAME, 'deactivate')
        # Or the subscriptions that have gone would pass for the new ones.
        for publisher in self.publishers.values():
            self.watcher.poll_for(
                lambda publisher=publisher: publisher.get_subscription_count() == 0,  # type: ignore[misc]
                'an inactive selector listens',
            )
        self.watcher.heard.clear()
        assert self.watcher.change(NAME, 'activate')
        self.wait_for_inputs(*TOPICS)
        for publisher in self.publishers.values():
            self.watcher.wait_for_subscriber(publisher)

    def wait_for_inputs(self, *names: str) -> None:
        self.watcher.wait_for_status(
            NAME,
            lambda s: (
                all(s[2].get(f'{name}: publishers matched') == '1' for name in names)
                and s[2].get(OUTPUTS) == '1'
            ),
        )

    def say(self, name: str, hop: int, scores: Scores = WALK) -> None:
        self.publishers[name].publish(classification(EPOCH + hop * HOP, f'{name}_link', scores))

    def activities(self) -> list[Classification]:
        return [message for topic, message in self.watcher.heard if topic == '/activity']

    def answers(self) -> list[Classification]:
        """The decisions for a source: on a busy machine there may be silence between them."""
        return [each for each in self.activities() if each.header.frame_id]

    def published(self) -> list[tuple[int, str]]:
        """The hop of each decision for a source, and whose it is by its frame."""
        return [
            ((to_nanoseconds(each.header.stamp) - EPOCH) // HOP, each.header.frame_id)
            for each in self.answers()
        ]

    def selected(self) -> list[str]:
        """The sources, each as often as it was newly selected, without those of silence."""
        chosen = [name for name in self.texts('/activity/source') if name]
        return [name for name, _ in groupby(chosen)]

    def texts(self, topic: str) -> list[str]:
        return [message.data for where, message in self.watcher.heard if where == topic]

    def wait_for_hop(self, hop: int) -> None:
        self.watcher.wait_for(
            lambda: any(each == hop for each, _ in self.published()), f'no decision at {hop}'
        )

    def wait_for_source(self, name: str) -> None:
        self.watcher.wait_for(
            lambda: self.texts('/activity/source')[-1:] == [name], f'{name} is not the source'
        )

    def wait_for_text(self, topic: str, text: str) -> None:
        """Wait until it was heard, though it may be over: silence follows, on a slow machine."""
        self.watcher.wait_for(lambda: text in self.texts(topic), f'{topic} never said {text}')

    def wait_for_value(self, key: str, value: str) -> Status:
        return self.watcher.wait_for_status(NAME, lambda s: s[2].get(key) == value)


@pytest.fixture(scope='module')
def process(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp('activity_selector')
    watcher.hear(Classification, '/activity')
    watcher.hear(String, '/activity/label', LATCHED)
    watcher.hear(String, '/activity/source', LATCHED)
    with running(folder, 'activity_selector', SETTINGS) as node, ExitStack() as stack:
        publishers = {
            name: stack.enter_context(watcher.publisher(Classification, topic))
            for name, topic in TOPICS.items()
        }
        watcher.wait_for_status(NAME, is_active)
        yield Live(watcher, node, publishers)
        assert node.end() == 0, node.log
        assert 'Traceback' not in node.log


@pytest.fixture
def live(process: Live) -> Live:
    process.restart()
    return process


def pairs(message: Classification) -> list[tuple[str, float]]:
    return [(each.class_id, each.score) for each in message.results]


def test_the_best_source_is_published_as_it_came(live: Live) -> None:
    live.say('imu', 0)
    live.wait_for_hop(0)
    # A latched topic keeps its last message alone: two changes at once are one to its readers.
    live.wait_for_text('/activity/label', 'walk')
    for hop in range(1, 6):
        live.say('imu', hop, WALK if hop < 4 else SIT)
        live.say('camera', hop, SIT)
    live.wait_for_hop(5)
    live.wait_for_text('/activity/label', 'sit')
    live.wait_for_text('/activity/source', 'imu')

    assert live.published() == [(hop, 'imu_link') for hop in range(6)]
    assert [pairs(each) for each in live.answers()] == [[*WALK]] * 4 + [[*SIT]] * 2
    # On change only, and latched.
    labels = [label for label in live.texts('/activity/label') if label != 'unknown']
    assert labels[labels.index('walk') :][:2] == ['walk', 'sit']
    live.watcher.heard.clear()
    live.watcher.hear(String, 'activity/source', LATCHED)
    live.watcher.wait_for(lambda: 'imu' in live.texts('activity/source'), 'not latched')
    hops = count(6)

    def is_ready_while_both_speak() -> bool:
        hop = next(hops)
        for name in ('imu', 'camera'):
            live.say(name, hop, SIT)
        time.sleep(0.1)
        return live.watcher.status(NAME)[2].get('camera: state') == 'ready'

    # A second later they are silent, and on a busy machine no report may fall into it.
    live.watcher.poll_for(is_ready_while_both_speak, 'the camera is not ready')
    status = live.watcher.status(NAME)
    assert status[2]['imu: state'] == 'selected'
    assert status[2]['camera: why'] == 'imu goes before it'


def test_a_dead_source_is_replaced_and_returns_after_a_while(live: Live) -> None:
    live.say('imu', 0)
    live.wait_for_hop(0)
    # A latched topic keeps its last message alone: two changes at once are one to its readers.
    live.wait_for_text('/activity/source', 'imu')
    for hop in range(1, 10):
        live.say('camera', hop, SIT)
        if hop < 4:
            live.say('imu', hop)
            # Or more of one source could be heard before any of the other.
            live.wait_for_hop(hop)
    live.wait_for_source('camera')
    for hop in range(10, 20):
        live.say('camera', hop, SIT)
        live.say('imu', hop)
        live.wait_for_hop(hop)
    live.wait_for_source('imu')

    frames = dict(live.published())
    dead = [hop for hop, frame in frames.items() if frame == 'camera_link']
    last_of_imu = max(hop for hop in range(10) if frames.get(hop) == 'imu_link')
    assert last_of_imu == 3
    assert 0 < min(dead) * HOP - last_of_imu * HOP <= TIMEOUT + HOP
    # Alive again at 10; it takes over when it has been so for a second.
    assert max(dead) in (11, 12)
    assert live.selected()[-3:] == ['imu', 'camera', 'imu']
    assert live.process.running


def test_silence_of_all_is_unknown_at_the_time_of_the_labels(live: Live) -> None:
    """Their clock is years behind the node's, as that of a driver that counts from its start."""
    live.watcher.wait_for(lambda: live.texts('/activity/label')[-1:] == ['unknown'], 'no unknown')
    assert live.activities() == []
    for hop in range(3):
        live.say('imu', hop)
    live.wait_for_hop(2)
    live.watcher.wait_for(lambda: live.texts('/activity/label')[-1] == 'unknown', 'no unknown')

    # The latched label may overtake the decision.
    live.watcher.wait_for(lambda: len(live.activities()) > 3, 'no decision')
    unknown = live.activities()[3]
    assert pairs(unknown) == [*NOTHING]
    assert unknown.header.frame_id == ''
    assert 0 < to_nanoseconds(unknown.header.stamp) - (EPOCH + 2 * HOP) < 60 * SECOND
    live.watcher.wait_for(lambda: live.texts('/activity/source')[-1] == '', 'no source')
    _, text, _ = live.watcher.wait_for_status(NAME, is_error)
    assert text.startswith('every source is silent')

    live.say('camera', 200, SIT)
    live.wait_for_source('camera')
    stamps = [to_nanoseconds(each.header.stamp) for each in live.activities()]
    assert stamps == sorted(set(stamps))


def test_a_source_may_be_chosen_by_hand(live: Live) -> None:
    assert live.watcher.set_parameter(NAME, 'source', 'camera') == (True, '')
    try:
        for hop in range(4):
            live.say('imu', hop)
            live.say('camera', hop, SIT)
        live.wait_for_hop(3)
        assert {frame for _, frame in live.published()} == {'camera_link'}
        status = live.wait_for_value('imu: state', 'left out')
        assert status[2]['imu: why'] == 'camera was chosen by hand'
    finally:
        assert live.watcher.set_parameter(NAME, 'source', 'auto') == (True, '')
    for hop in range(4, 8):
        live.say('imu', hop)
        live.say('camera', hop, SIT)
        # Or more of one source could be heard before any of the other.
        live.wait_for_hop(hop)
    assert live.published()[-1] == (7, 'imu_link')
    assert [hop for hop, _ in live.published()] == list(range(8))


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('source', 'microphone', "'microphone' is none of auto, camera, imu"),
        ('mode', 'average', "mode 'average' is none of select, fuse"),
        ('mode', 'fuse', 'set sources.camera.weight, sources.imu.weight'),
        ('smoothing_method', 'median', 'none of mean, majority'),
        ('source_names', ['imu'], 'while the node is unconfigured; it is active'),
        ('sources.imu.topic', 'no topic!', 'no name of a topic'),
        ('sources.imu.topic', '/activity', 'what the selector itself says'),
        ('sources.imu.model', '/nowhere', 'is no bundle'),
        ('timeout', float('nan'), 'out of range'),
        ('autostart', False, 'read-only'),
    ],
)
def test_a_parameter_that_cannot_be_set_says_why(
    live: Live, name: str, value: object, words: str
) -> None:
    successful, reason = live.watcher.set_parameter(NAME, name, value)
    assert not successful
    assert words in reason


def test_no_message_harms_it(live: Live) -> None:
    live.say('imu', 0)
    live.wait_for_hop(0)
    publisher = live.publishers['imu']
    good = classification(EPOCH + HOP, 'imu_link', WALK)
    bad: Sequence[Any] = [
        b'\x00\x01\x00\x00',
        b'\x07\x07\x00\x00' + bytes(60),
        b'\x00\x01\x00\x00' + b'\xff' * 64,
        classification(EPOCH + HOP, '', ()),
        classification(EPOCH + HOP, '', (('walk', float('nan')),)),
        classification(EPOCH + HOP, '', (('walk', 17.0), ('sit', -2.0))),
        classification(EPOCH + HOP, '', (('', 1.0),)),
        classification(0, '', WALK),
        classification(EPOCH, '', WALK),
        classification(EPOCH - HOP, '', WALK),
    ]
    for message in [*bad, good]:
        publisher.publish(message)
    live.wait_for_hop(1)

    _, _, values = live.wait_for_value('imu: labels received', str(2 + len(bad)))
    drops = {k: int(v) for k, v in values.items() if k.startswith('imu: labels dropped, ')}
    assert sum(drops.values()) == len(bad)
    assert {key.partition(', ')[2] for key in drops} >= {
        'truncated', 'not plain CDR', 'no results', 'NaN or infinite values',
        'scores outside 0 to 1', 'a class without a name', 'the stamp is not set',
        'the same stamp as the one before', 'older than the newest one',
    }  # fmt: skip
    assert [hop for hop, _ in live.published()][:2] == [0, 1]
    assert values[selector_health.FAILURES] == '0'


def test_a_source_may_be_moved_to_another_topic(live: Live) -> None:
    live.say('imu', 0)
    live.wait_for_hop(0)
    assert live.watcher.set_parameter(NAME, 'sources.imu.topic', '/imu_thigh/activity')[0]
    try:
        with live.watcher.publisher(Classification, '/imu_thigh/activity') as publisher:
            live.wait_for_value('imu: topic', '/imu_thigh/activity')
            live.wait_for_inputs('imu')
            live.watcher.wait_for_subscriber(publisher)
            publisher.publish(classification(EPOCH + HOP, 'thigh_link', SIT))
            live.wait_for_hop(1)
            assert live.published()[:2] == [(0, 'imu_link'), (1, 'thigh_link')]
    finally:
        assert live.watcher.set_parameter(NAME, 'sources.imu.topic', '')[0]


def test_a_topic_that_fits_not_is_explained(live: Live) -> None:
    assert live.watcher.set_parameter(NAME, 'sources.imu.topic', '/words')[0]
    try:
        with live.watcher.publisher(String, '/words'):
            _, text, values = live.watcher.wait_for_status(
                NAME, lambda s: 'std_msgs/msg/String' in s[1]
            )
        assert 'vision_msgs/msg/Classification is needed' in text
        assert 'start or configure its classifier' in values['imu: why']
        assert "'sources.imu.topic'" in values['imu: why']
    finally:
        assert live.watcher.set_parameter(NAME, 'sources.imu.topic', '')[0]


def test_all_sources_are_fused_when_it_is_known_how_good_they_are(live: Live) -> None:
    set_parameter = live.watcher.set_parameter
    assert set_parameter(NAME, 'sources.imu.weight', 0.9)[0]
    assert set_parameter(NAME, 'sources.camera.weight', 0.8)[0]
    assert set_parameter(NAME, 'mode', 'fuse') == (True, '')
    try:
        for hop in range(4):
            live.say('imu', hop, WALK)
            live.say('camera', hop, SIT)
        live.wait_for_hop(3)
        live.wait_for_text('/activity/source', 'camera+imu')
        expected = fuse([Opinion(dict(WALK), 0.9), Opinion(dict(SIT), 0.8)])
        assert dict(pairs(live.answers()[-1])) == pytest.approx(expected)
    finally:
        assert set_parameter(NAME, 'mode', 'select') == (True, '')


def test_it_starts_anew_when_ros_time_jumps_back(live: Live) -> None:
    live.say('imu', 100)
    live.wait_for_hop(100)
    assert live.watcher.set_parameter(NAME, 'use_sim_time', True)[0]
    try:
        with live.watcher.publisher(Clock, '/clock') as clock:
            live.watcher.wait_for_subscriber(clock)
            for seconds in (100, 50):
                message = Clock(clock=to_time(seconds * SECOND))
                live.watcher.tell_time(clock, message, seconds * SECOND)
            live.wait_for_value(selector_health.RESETS, '1')
            live.say('imu', 1)
            live.wait_for_hop(1)
    finally:
        assert live.watcher.set_parameter(NAME, 'use_sim_time', False)[0]


def test_an_inactive_selector_leaves_no_label_behind(live: Live) -> None:
    live.say('imu', 0)
    live.wait_for_hop(0)
    assert live.watcher.change(NAME, 'deactivate')
    live.watcher.wait_for(lambda: live.texts('/activity/label')[-1] == 'unknown', 'walk stays')
    live.watcher.wait_for(lambda: live.texts('/activity/source')[-1] == '', 'imu stays')


def test_what_is_missing_is_said_and_can_be_set(watcher: Watcher, tmp_path: Path) -> None:
    name = '/third_selector'
    settings = {'diagnostics_period': 0.1, 'mode': 'fuse'}
    arguments = ['-r', f'__node:={name[1:]}']
    with running(tmp_path, 'activity_selector', settings, arguments=arguments) as node:
        _, text, _ = watcher.wait_for_status(name, is_error)
        assert "the parameter 'source_names' is empty" in text
        assert watcher.set_parameter(name, 'source_names', ['imu', 'audio']) == (True, '')
        watcher.wait_for_status(name, lambda s: 'sources.imu.weight' in s[1])
        for source in ('imu', 'audio'):
            assert watcher.set_parameter(name, f'sources.{source}.weight', 0.7) == (True, '')
        watcher.wait_for_status(name, is_active)
        assert node.end() == 0
        assert 'Traceback' not in node.log
