"""Start the microphone and the camera, or one of them.

ros2 launch xmodal_ros drivers.launch.py
ros2 launch xmodal_ros drivers.launch.py microphone:=false camera_device:=rtsp://camera.local/live
"""

from launch import LaunchDescription
from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.drivers import DRIVERS


def generate_launch_description() -> LaunchDescription:
    return describe(DRIVERS)
