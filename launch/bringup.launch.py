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

"""Start the drivers and the perception: a whole robot's worth.

ros2 launch xmodal_ros bringup.launch.py camera_model:=/models/camera audio_model:=/models/audio
ros2 launch xmodal_ros bringup.launch.py skeleton_model:=/models/skeleton pose_weights:=nets
ros2 launch xmodal_ros bringup.launch.py params_file:=/robot/perception.yaml camera:=true
"""

from launch import LaunchDescription

from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.bringup import BRINGUP


def generate_launch_description() -> LaunchDescription:
    return describe(BRINGUP)
