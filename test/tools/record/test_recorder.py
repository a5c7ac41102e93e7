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

"""A recording follows the graph: what comes later, or is offered otherwise, is recorded, too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sensor_msgs.msg import CompressedImage, Imu
from std_msgs.msg import String

from test.live.graph import BEST_EFFORT, RELIABLE, Watcher, watching
from test.live.talker import Stream, talking
from test.messages import imu_bytes, SECOND
from test.waiting import poll_for
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros.isolation import isolated_process, reserved_domain
from xmodal_ros.tools.record.choice import Chosen, Wanted
from xmodal_ros.tools.record.recorder import RecordedTopic, Recorder


@pytest.fixture
def robot() -> Iterator[Watcher]:
    with reserved_domain() as domain, isolated_process(domain), watching() as node:
        yield node


def test_publishers_that_come_later_or_change_are_followed(robot: Watcher, tmp_path: Path) -> None:
    times = iter(range(0, 1 << 62, SECOND))
    recorder = Recorder([Wanted('/imu'), Wanted('/image')], lambda: next(times))
    with recorder, BagWriter(tmp_path / 'bag') as writer:

        def wait_for(topic: str, count: int) -> None:
            def holds() -> bool:
                recorder.step(writer)
                state = recorder.topics.get(topic)
                return state is not None and state.count >= count

            poll_for(holds, f'no {topic} was recorded: {recorder.topics}')

        with (
            robot.publisher(Imu, '/imu', RELIABLE) as imu,
            robot.publisher(CompressedImage, '/image', RELIABLE),
        ):
            poll_for(lambda: not recorder.look().missing)
            recorder.begin(recorder.look().topics)
            assert set(recorder.topics) == {'/imu', '/image'}
            with talking([Stream(imu, 50, imu_bytes)]):
                wait_for('/imu', 3)
        with (
            robot.publisher(Imu, '/imu', BEST_EFFORT) as imu,
            robot.publisher(CompressedImage, '/image', RELIABLE),
            robot.publisher(String, '/activity_label', RELIABLE) as truth,
        ):
            more = recorder.topics['/imu'].count + 3
            said = Stream(truth, 20, lambda _: String(data='walk'))
            with talking([Stream(imu, 50, imu_bytes), said]):
                wait_for('/imu', more)
                wait_for('/activity_label', 1)
        counts = {name: state.count for name, state in recorder.topics.items()}
    with BagReader(tmp_path / 'bag') as reader:
        assert {name: topic.count for name, topic in reader.topics.items()} == {
            name: count for name, count in counts.items() if count
        }


@pytest.mark.usefixtures('robot')
def test_a_type_that_cannot_be_written_is_refused() -> None:
    words = 'whose definition is not known here: add --ros2-bag'
    with Recorder([Wanted('/x')]) as recorder, pytest.raises(ConfigurationError, match=words):
        recorder.begin([Chosen('/x', 'no_such_msgs/msg/Type')])


def test_rates_are_those_of_the_last_seconds() -> None:
    topic = RecordedTopic(Chosen('/imu', 'sensor_msgs/msg/Imu'))
    assert topic.rates() == (0.0, 0.0)
    for second in range(11):
        topic.count, topic.size = 100 * second, 1000 * second
        topic.note(second * SECOND)
    assert topic.rates() == (100.0, 1000.0)
    # What came to an end is not told as if it went on.
    for second in range(11, 30):
        topic.note(second * SECOND)
    assert topic.rates() == (0.0, 0.0)
    same = RecordedTopic(Chosen('/imu', 'sensor_msgs/msg/Imu'))
    same.note(SECOND)
    same.note(SECOND)
    assert same.rates() == (0.0, 0.0)
