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

"""Play a recording to the live nodes and score what they say, beside what they say offline.

ros2 launch xmodal_ros evaluate.launch.py bag:=recording imu_model:=models/imu report:=scores.json
ros2 launch xmodal_ros evaluate.launch.py bag:=recording imu_model:=models/imu player:=false
"""

from launch import LaunchDescription

from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.evaluate import EVALUATE


def generate_launch_description() -> LaunchDescription:
    return describe(EVALUATE)
