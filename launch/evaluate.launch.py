"""Play a recording to the live nodes and score what they say, beside what they say offline.

ros2 launch xmodal_ros evaluate.launch.py bag:=recording imu_model:=models/imu report:=scores.json
ros2 launch xmodal_ros evaluate.launch.py bag:=recording imu_model:=models/imu player:=false
"""

from launch import LaunchDescription
from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.evaluate import EVALUATE


def generate_launch_description() -> LaunchDescription:
    return describe(EVALUATE)
