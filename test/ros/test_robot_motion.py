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


"""Whether the robot stands still, as its odometry says."""

from geometry_msgs.msg import TwistStamped
import rclpy
from rclpy.node import Node

from test.live.graph import RELIABLE
from test.waiting import poll_for
from xmodal_ros.ros.robot_motion import RobotMotion


def test_only_a_robot_that_is_known_to_stand_still_is_not_objected_to(context: rclpy.Context):
    node = Node('trainer', context=context)
    motion = RobotMotion(node, '/speed')
    assert motion.objection.startswith('whether the robot moves is not known: nobody publishes')
    publisher = node.create_publisher(TwistStamped, '/speed', RELIABLE)
    poll_for(lambda: 'nothing came on /speed for a second' in motion.objection)

    def objection_at(speed: float, turning: float, expected: str) -> str:
        message = TwistStamped()
        message.twist.linear.x, message.twist.angular.z = speed, turning

        def told() -> bool:
            publisher.publish(message)
            return expected in motion.objection if expected else not motion.objection

        poll_for(told, f'it never said {expected!r}, but {motion.objection!r}')
        return motion.objection

    moving = objection_at(-0.5, 0.0, 'the robot moves (0.50 m/s, 0.00 rad/s on /speed)')
    assert "stop it, or empty the parameter 'motion_topic'" in moving
    objection_at(0.0, 0.7, 'the robot moves (0.00 m/s, 0.70 rad/s on /speed)')
    objection_at(float('nan'), 0.0, 'is not known: /speed: ')
    objection_at(0.0, 0.0, '')
    motion.close()
    node.destroy_node()
