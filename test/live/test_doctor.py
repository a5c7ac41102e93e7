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

"""The doctor in a real graph: what it finds of drivers and nodes, and that it only listens."""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, Imu
from std_msgs.msg import String

from test.bundles import LABELS, make_imu_bundle
from test.live.graph import BEST_EFFORT, is_active, LATCHED, RELIABLE, running, Watcher, watching
from test.live.talker import Stream, talking
from test.messages import image_bytes, imu_bytes, SECOND
from test.tools.doctor.robots import audio_bytes, codes, tone
from xmodal_ros.modalities.audio.contents import AudioDetails
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.camera.contents import CameraDetails
from xmodal_ros.modalities.contents import Contents
from xmodal_ros.modalities.imu.contents import ImuDetails
from xmodal_ros.ros.isolation import isolated_process, reserved_domain
from xmodal_ros.ros.messages import to_time
from xmodal_ros.tools.doctor.diagnose import check_model, diagnose
from xmodal_ros.tools.doctor.environment import Environment, TorchFacts
from xmodal_ros.tools.doctor.facts import GraphFacts, TopicFacts
from xmodal_ros.tools.doctor.listener import listen
from xmodal_ros.tools.doctor.measurement import Measurement

MACHINE = Environment(torch=TorchFacts('2'))
NOISE = np.random.default_rng(0)
SECONDS = 2.0


@dataclass(frozen=True)
class Found:
    graph: GraphFacts
    bundle: Path
    published: frozenset[str]

    def topic(self, name: str) -> TopicFacts:
        topic = self.graph.topic(name)
        assert topic is not None, self.graph
        return topic

    def measured(self, name: str) -> Measurement:
        found = self.topic(name).measurement
        assert found is not None
        assert found.count
        return found

    def contents(self, name: str) -> Contents:
        return self.measured(name).contents


def doctors_topics(watcher: Watcher) -> Iterator[str]:
    """Give what the doctor publishes, as others see it."""
    node = watcher.node
    for name in node.get_node_names():
        if 'doctor' in name:
            yield from dict(node.get_publisher_names_and_types_by_node(name, '/'))


def at_rest(gravity: float) -> Any:
    """What an IMU at rest measures, which is never twice the same."""
    return NOISE.normal((0, 0, gravity), 1e-4).tolist()


@pytest.fixture(scope='module')
def found(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """Listen once to a robot with sensors good and bad, a classifier and a selector."""
    folder = tmp_path_factory.mktemp('doctor')
    bundle = make_imu_bundle(folder / 'bundle')
    with ExitStack() as stack:

        def publisher(msgtype: Any, topic: str, profile: Any = RELIABLE) -> Any:
            return stack.enter_context(watcher.publisher(msgtype, topic, profile))

        publisher(Imu, '/imu_dead')
        publisher(String, '/imu_wrong')
        info = AudioInfo(
            channels=1, sample_rate=16_000, sample_format='S16LE', coding_format='wave'
        )
        publisher(AudioInfo, '/audio_info', LATCHED).publish(info)
        watcher.hear(Imu, '/imu_best_effort', RELIABLE)
        streams = [
            Stream(publisher(Imu, '/imu'), 100, lambda stamp: imu_bytes(stamp, at_rest(9.81))),
            Stream(
                publisher(Imu, '/imu_best_effort', BEST_EFFORT),
                50,
                lambda stamp: imu_bytes(stamp - 3600 * SECOND, at_rest(1), has_gyro=False),
            ),
            Stream(
                publisher(Image, '/camera/image'),
                10,
                lambda stamp: image_bytes(
                    stamp, NOISE.integers(0, 255, (48, 64, 3), np.uint8), 'bgr8'
                ),
            ),
            Stream(publisher(AudioDataStamped, '/audio'), 50, lambda t: audio_bytes(t, tone(320))),
        ]
        classifier = {'model': str(bundle), 'topic': 'imu_wrong', 'device': 'cpu'}
        selector = {'source_names': ['imu', 'camera'], 'autostart': False}
        stack.enter_context(running(folder, 'imu_classifier', classifier))
        stack.enter_context(running(folder, 'activity_selector', selector))
        watcher.wait_for_status('/imu_classifier', is_active)
        watcher.wait_for_status('/activity_selector', lambda s: s[2]['state'] == 'unconfigured')
        with talking(streams):
            published: set[str] = set()
            graph = listen(SECONDS, lambda _: published.update(doctors_topics(watcher)))
            yield Found(graph, bundle, frozenset(published))


def test_rates_are_those_of_the_stamps(found: Found) -> None:
    for name, rate in (('/imu', 100), ('/imu_best_effort', 50), ('/camera/image', 10)):
        timing = found.measured(name).timing
        assert timing is not None
        assert timing.by_stamp
        assert timing.rate_hz == pytest.approx(rate, rel=0.01), name


def test_publishers_and_what_they_offer_are_named(found: Found) -> None:
    (driver,) = found.topic('/imu_best_effort').publishers
    assert (driver.node, driver.msgtype) == ('/watcher', 'sensor_msgs/msg/Imu')
    assert (driver.reliability, driver.durability) == ('best effort', 'volatile')
    assert found.topic('/imu').publishers[0].reliability == 'reliable'


def test_a_subscriber_that_asks_too_much_is_found(found: Found) -> None:
    (mismatch,) = found.topic('/imu_best_effort').mismatches
    assert (mismatch.publisher, mismatch.subscriber) == ('/watcher', '/watcher')
    assert 'reliable' in mismatch.reason.lower()
    assert found.topic('/imu').mismatches == ()


def test_what_messages_hold_is_read(found: Found) -> None:
    imu, bad = found.contents('/imu').details, found.contents('/imu_best_effort').details
    assert isinstance(imu, ImuDetails)
    assert isinstance(bad, ImuDetails)
    assert (imu.gyro, bad.gyro) == (True, False)
    assert (imu.length, bad.length) == pytest.approx((9.81, 1.0), rel=1e-3)
    camera = found.contents('/camera/image').details
    assert isinstance(camera, CameraDetails)
    assert (camera.encoding, camera.width, camera.height) == ('bgr8', 64, 48)
    audio = found.contents('/audio').details
    assert isinstance(audio, AudioDetails)
    assert audio.stated == AudioFormat(16_000, 1, 'S16LE')


def test_stamps_are_held_against_the_clock(found: Found) -> None:
    assert found.measured('/imu').offset_s == pytest.approx(0, abs=1)
    assert found.measured('/imu_best_effort').offset_s == pytest.approx(3600, abs=1)


def test_definitions_are_the_same_here_and_there(found: Found) -> None:
    topic = found.topic('/imu')
    assert topic.own_type_hash.startswith('RIHS01_')
    assert topic.own_type_hash == topic.publishers[0].type_hash


def test_our_nodes_are_found_with_state_words_and_parameters(found: Found) -> None:
    selector, classifier = found.graph.ours
    assert (classifier.name, classifier.kind, classifier.modality) == (
        '/imu_classifier',
        'classifier',
        'imu',
    )
    assert (classifier.state, classifier.answered, classifier.level) == ('active', True, 'error')
    assert classifier.parameters['model'] == str(found.bundle)
    assert classifier.values['topic'] == '/imu_wrong'
    assert (selector.name, selector.kind, selector.state) == (
        '/activity_selector',
        'selector',
        'unconfigured',
    )
    assert selector.parameters['source_names'] == ['imu', 'camera']
    assert set(found.graph.nodes) == {'/watcher', '/imu_classifier', '/activity_selector'}


def test_the_diagnosis_names_what_is_wrong_and_nothing_else(found: Found) -> None:
    by_subject: dict[str, list[str]] = {}
    for finding in diagnose(MACHINE, found.graph):
        by_subject.setdefault(finding.subject, []).append(finding.code)
    assert by_subject == {
        '/imu_classifier': ['diagnostics'],
        '/imu_wrong': ['mixed-types'],
        '/imu_dead': ['silent'],
        '/imu_best_effort': ['qos', 'clock', 'gravity', 'no-gyro'],
        '/activity_selector': ['not-active', 'source-unpublished'],
    }


def test_a_bundle_is_tried_on_every_imu(found: Found) -> None:
    check = check_model(found.bundle, found.graph)
    assert check.expectation is not None
    assert check.expectation.labels == LABELS
    assert {name: codes(why) for name, why in check.fits} == {
        '/imu': [],
        '/imu_best_effort': ['no-gyro'],
        '/imu_dead': ['silent'],
    }


def test_it_publishes_nothing(found: Found) -> None:
    # Every node has this one, and uses it only for parameters of its own.
    assert found.published == {'/parameter_events'}


def test_nobody_sees_the_doctor_after_it_has_gone(found: Found, watcher: Watcher) -> None:
    assert found.graph.nodes
    watcher.poll_for(
        lambda: not any('doctor' in name for name in watcher.node.get_node_names()),
        'the doctor is still there',
    )


@contextmanager
def alone() -> Iterator[Watcher]:
    """A graph of its own."""
    with reserved_domain() as domain, isolated_process(domain), watching() as watcher:
        yield watcher


def test_a_silent_graph_is_silent() -> None:
    with reserved_domain() as domain, isolated_process(domain):
        graph = listen(0.5, discovery_s=0.5)
    assert graph.nodes == ()
    assert graph.topics == ()
    assert codes(diagnose(MACHINE, graph)) == ['silent-robot']


def test_simulated_time_is_read_from_the_clock() -> None:
    begun: list[int] = []

    def simulated(stamp: int) -> int:
        begun[:] = begun or [stamp]
        return stamp - begun[0] + 1000 * SECOND

    with (
        alone() as watcher,
        watcher.publisher(Clock, '/clock') as clock,
        watcher.publisher(Imu, '/imu') as imu,
        talking(
            [
                Stream(clock, 100, lambda stamp: Clock(clock=to_time(simulated(stamp)))),
                Stream(imu, 50, lambda stamp: imu_bytes(simulated(stamp))),
            ]
        ),
    ):
        graph = listen(1.0)
    assert graph.clock is not None
    assert graph.clock.publishers == ('/watcher',)
    assert graph.clock.heard > 0
    topic = graph.topic('/imu')
    assert topic is not None
    assert topic.measurement is not None
    assert topic.measurement.clock_offset_s == pytest.approx(0, abs=0.5)
    assert codes(diagnose(MACHINE, graph)) == []


def test_bytes_that_are_no_message_do_not_end_it() -> None:
    broken = b'\x00\x01\x00\x00\x01'
    with (
        alone() as watcher,
        watcher.publisher(Imu, '/imu') as imu,
        watcher.publisher(Clock, '/clock') as clock,
        watcher.publisher(AudioInfo, '/audio_info') as info,
        watcher.publisher(DiagnosticArray, '/diagnostics') as diagnostics,
        talking([Stream(each, 50, lambda _: broken) for each in (imu, clock, info, diagnostics)]),
    ):
        graph = listen(1.0)
    topic = graph.topic('/imu')
    assert topic is not None
    assert topic.measurement is not None
    assert set(topic.measurement.contents.refused) == {'truncated'}
    assert graph.clock is not None
    assert graph.clock.heard == 0
    assert graph.ours == ()
