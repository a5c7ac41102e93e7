"""Start the trainer, which learns from recordings while the robot has nothing better to do.

ros2 launch xmodal_ros trainer.launch.py bags:=/recordings target:=imu_wrist source:=camera_front
    method:=distillation test_subjects:=5,6 out:=/models/imu start_at_once:=true
"""

from launch import LaunchDescription
from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.trainer import TRAINER


def generate_launch_description() -> LaunchDescription:
    return describe(TRAINER)
