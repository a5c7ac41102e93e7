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

"""The format of sound, as another topic tells it."""

from audio_common_msgs.msg import AudioInfo
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from test.live.graph import LATCHED
from test.waiting import poll_for
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.ros.audio_info import AudioInfoListener


def test_a_format_that_cannot_be_read_takes_the_place_of_the_one_before(context: rclpy.Context):
    node = Node('listening', context=context)
    said: list[AudioFormat | None] = []
    listener = AudioInfoListener(node, '/info', said.append)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    publisher = node.create_publisher(AudioInfo, '/info', LATCHED)

    def tell(**fields: object) -> None:
        count = len(said)
        publisher.publish(AudioInfo(channels=1, sample_rate=16_000, **fields))

        def heard() -> bool:
            executor.spin_once(timeout_sec=0.01)
            return len(said) > count

        poll_for(heard, 'nothing was said')

    def state() -> tuple[bool, str]:
        assert said[-1] == listener.format
        return listener.format is not None, listener.problem

    tell(sample_format='S16LE', coding_format='wave')
    assert state() == (True, '')
    tell(sample_format='', coding_format='mp3')
    known, problem = state()
    assert not known
    assert problem.startswith('/info: ')
    assert 'mp3' in problem
    listener.close()
    node.destroy_node()
