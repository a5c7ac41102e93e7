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

"""The bag player in a real graph."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from test.bags.recordings import string_message
from test.live.graph import KEEP_ALL, running, Watcher
from test.messages import EPOCH, imu_bytes, SECOND, serialize
from test.needs import lack
from test.recordings import clips, write_imu_bag
from test.transforms import transforms_bytes, turned
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.ros.messages import to_nanoseconds
from xmodal_ros.streams.transforms import TRANSFORMS_TYPE

NAME = '/bag_player'
STRING_TYPE = 'std_msgs/msg/String'
LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def string_bytes(text: str) -> bytes:
    return serialize(string_message(text), STRING_TYPE)


def heard(watcher: Watcher, topic: str) -> list[Any]:
    return [message for name, message in watcher.heard if name == topic]


def test_every_message_arrives_at_any_speed_and_the_player_ends(
    watcher: Watcher, tmp_path: Path
) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit', 'walk'], seconds=10))
    edited = bag / 'metadata.yaml'
    edited.write_text(edited.read_text().replace('reliability: reliable', 'reliability: unknown'))
    with BagReader(bag) as reader:
        sent = [message.received_ns for message in reader.messages(['/imu'])]
    # Acknowledging is not taking: a history of fixed depth would drop what Python is too slow for.
    watcher.hear(Imu, '/imu', KEEP_ALL)
    watcher.hear(Clock, '/clock')
    settings = {
        'bag': str(bag),
        'rate': 0.0,
        'topics': ['imu'],
        'wait_for_subscribers': ['/imu'],
    }
    with running(tmp_path, 'bag_player', settings) as player:
        assert player.wait() == 0, player.log
        watcher.wait_for(lambda: len(heard(watcher, '/imu')) >= len(sent), 'messages were lost')
    stamps = [to_nanoseconds(message.header.stamp) for message in heard(watcher, '/imu')]
    assert stamps == sent
    times = [to_nanoseconds(message.clock) for message in heard(watcher, '/clock')]
    assert times == sorted(times)
    assert times[-1] <= sent[-1]
    assert f'played {len(sent)} messages' in player.log
    assert 'metadata.yaml differs from the files' in player.log


def test_playing_pauses_and_goes_on(watcher: Watcher, tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=4))
    watcher.heard.clear()
    watcher.hear(Imu, '/imu')
    settings = {
        'bag': str(bag),
        'rate': 10.0,
        'start_paused': True,
        'clock': False,
        'wait_for_subscribers': ['/imu'],
    }
    with running(tmp_path, 'bag_player', settings) as player:
        answer = watcher.call(Trigger, f'{NAME}/pause', Trigger.Request())
        assert (answer.success, answer.message) == (True, 'paused already')
        assert heard(watcher, '/imu') == []
        answer = watcher.call(Trigger, f'{NAME}/resume', Trigger.Request())
        assert (answer.success, answer.message) == (True, 'playing')
        watcher.wait_for(lambda: len(heard(watcher, '/imu')) > 0, 'nothing was played')
        assert player.wait() == 0, player.log


def test_playing_again_and_again_sets_the_clock_back(watcher: Watcher, tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    watcher.heard.clear()
    watcher.hear(Clock, '/clock')
    with running(tmp_path, 'bag_player', {'bag': str(bag), 'rate': 20.0, 'loop': True}) as player:

        def went_back() -> bool:
            times = [to_nanoseconds(message.clock) for message in heard(watcher, '/clock')]
            return any(a > b for a, b in pairwise(times))

        watcher.wait_for(went_back, 'the clock never went back')
        assert player.end() == 0
        assert 'Traceback' not in player.log


def test_types_that_are_not_installed_are_named_and_left_out(
    watcher: Watcher, tmp_path: Path
) -> None:
    lack('shape_msgs')
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write('/imu', 'sensor_msgs/msg/Imu', EPOCH, imu_bytes(EPOCH))
        writer.write('/shape', 'shape_msgs/msg/Plane', EPOCH + SECOND, bytes(40))
    with running(tmp_path, 'bag_player', {'bag': str(tmp_path / 'bag'), 'rate': 0.0}) as player:
        assert player.wait() == 0
        assert 'not installed: /shape (shape_msgs/msg/Plane)' in player.log
        assert 'played 1 messages' in player.log


def test_what_cannot_be_played_ends_the_process_with_a_sentence(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=1))
    for settings, words in (
        ({}, "the parameter 'bag' is not set"),
        ({'bag': str(tmp_path / 'none')}, 'does not exist'),
        ({'bag': str(bag), 'topics': ['/imi']}, 'closest is /imu'),
        ({'bag': str(bag), 'rate': -1.0}, 'out of range'),
    ):
        with running(tmp_path, 'bag_player', settings) as player:
            assert player.wait() == 1
            assert 'error: ' in player.log
            assert words in player.log
            assert 'Traceback' not in player.log


def test_static_transforms_of_several_publishers_come_to_who_subscribes_later(
    watcher: Watcher, tmp_path: Path
) -> None:
    frames, start_ns = ['head', 'arm', 'wrist'], EPOCH + 5000 * SECOND
    with BagWriter(tmp_path / 'bag') as writer:
        for frame in frames:
            data = transforms_bytes([turned('base', frame)])
            writer.write('/tf_static', TRANSFORMS_TYPE, start_ns, data, latched=True)
        later_ns = start_ns + 1000 * SECOND
        writer.write('/imu', 'sensor_msgs/msg/Imu', later_ns, imu_bytes(later_ns))
    watcher.heard.clear()
    watcher.hear(Clock, '/clock')

    def is_playing() -> bool:
        # The last words of another player may come late.
        return any(to_nanoseconds(each.clock) >= start_ns for each in heard(watcher, '/clock'))

    with running(tmp_path, 'bag_player', {'bag': str(tmp_path / 'bag')}) as player:
        watcher.wait_for(is_playing, 'nothing is played')
        watcher.hear(TFMessage, '/tf_static', LATCHED)
        watcher.wait_for(lambda: len(heard(watcher, '/tf_static')) == 3, 'some are lost')
        assert [
            transform.child_frame_id
            for message in heard(watcher, '/tf_static')
            for transform in message.transforms
        ] == frames
        assert player.end() == 0


def test_what_no_listener_could_use_is_left_out(watcher: Watcher, tmp_path: Path) -> None:
    with Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        older = get_typestore(Stores.EMPTY)
        older.register(get_types_from_msg('float32 data\n', 'std_msgs/msg/Float64'))
        imu, other, digits, height = (
            writer.add_connection(topic, msgtype, typestore=typestore)
            for topic, msgtype, typestore in (
                ('/imu', 'sensor_msgs/msg/Imu', TYPESTORE),
                ('/imu', STRING_TYPE, TYPESTORE),
                ('/robot/2nd', STRING_TYPE, TYPESTORE),
                ('/height', 'std_msgs/msg/Float64', older),
            )
        )
        for index in range(4):
            writer.write(imu, EPOCH + index, imu_bytes(EPOCH + index))
        writer.write(other, EPOCH, string_bytes('x' * 400))
        writer.write(digits, EPOCH, string_bytes('x'))
        writer.write(height, EPOCH, bytes((0, 1, 0, 0)) + bytes(4))
    watcher.heard.clear()
    watcher.hear(Imu, '/imu', KEEP_ALL)
    settings = {'bag': str(tmp_path / 'bag'), 'rate': 0.0, 'wait_for_subscribers': ['/imu']}
    with running(tmp_path, 'bag_player', settings) as player:
        assert player.wait() == 0, player.log
        watcher.wait_for(lambda: len(heard(watcher, '/imu')) >= 4, 'messages were lost')
    assert 'no topic of ROS 2 can be called so: /robot/2nd' in player.log
    assert 'otherwise where they were recorded: /height (std_msgs/msg/Float64)' in player.log
    assert 'played 4 messages' in player.log
    assert 'Traceback' not in player.log
