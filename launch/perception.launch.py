"""Start the classifiers of all sensors that have a model, and the selector, in one process.

ros2 launch xmodal_ros perception.launch.py imu_model:=/models/imu imu_topic:=/imu/data
ros2 launch xmodal_ros perception.launch.py params_file:=/robot/perception.yaml
ros2 launch xmodal_ros perception.launch.py imu_model:=/models/imu bag:=recordings/subject_05
"""

from launch import LaunchDescription
from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.perception import PERCEPTION


def generate_launch_description() -> LaunchDescription:
    return describe(PERCEPTION)
