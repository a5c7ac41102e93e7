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

"""Start the microphone and the camera, or one of them.

ros2 launch xmodal_ros drivers.launch.py
ros2 launch xmodal_ros drivers.launch.py microphone:=false camera_device:=rtsp://camera.local/live
"""

from launch import LaunchDescription

from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.drivers import DRIVERS


def generate_launch_description() -> LaunchDescription:
    return describe(DRIVERS)
