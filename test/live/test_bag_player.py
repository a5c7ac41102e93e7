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

from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu
from std_srvs.srv import Trigger

from test.live.graph import KEEP_ALL, running, Watcher
from test.messages import EPOCH, imu_bytes, SECOND
from test.recordings import clips, write_imu_bag
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.ros.messages import to_nanoseconds

NAME = '/bag_player'


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
