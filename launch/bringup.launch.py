"""Start the drivers and the perception: a whole robot's worth.

ros2 launch xmodal_ros bringup.launch.py camera_model:=/models/camera audio_model:=/models/audio
ros2 launch xmodal_ros bringup.launch.py params_file:=/robot/perception.yaml camera:=true
"""

from launch import LaunchDescription
from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.bringup import BRINGUP


def generate_launch_description() -> LaunchDescription:
    return describe(BRINGUP)
