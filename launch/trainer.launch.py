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

"""Start the trainer, which learns from recordings while the robot has nothing better to do.

ros2 launch xmodal_ros trainer.launch.py bags:=/recordings target:=imu_wrist source:=camera_front
    method:=distillation test_subjects:=5,6 out:=/models/imu start_at_once:=true
"""

from launch import LaunchDescription

from xmodal_ros.launching.actions import describe
from xmodal_ros.launching.trainer import TRAINER


def generate_launch_description() -> LaunchDescription:
    return describe(TRAINER)
