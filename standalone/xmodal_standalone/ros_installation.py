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

"""A ROS 2 installation that was sourced before the set-up started."""

from collections.abc import Mapping
from dataclasses import dataclass
import importlib.util

# The modules that xmodal_ros imports from ROS; each comes in a Debian package of its own.
_MODULES = (
    'ament_index_python', 'audio_common_msgs', 'builtin_interfaces', 'diagnostic_msgs',
    'geometry_msgs', 'launch', 'launch_ros', 'lifecycle_msgs', 'rcl_interfaces', 'rclpy',
    'rosgraph_msgs', 'sensor_msgs', 'std_msgs', 'std_srvs', 'tf2_msgs', 'vision_msgs',
    'visualization_msgs',
)  # fmt: skip


@dataclass(frozen=True)
class Installation:
    """A sourced installation: its distribution's name, and where its rclpy lies."""

    distribution: str
    rclpy: str

    def missing_packages(self) -> list[str]:
        """Name the Debian packages of the ROS modules that cannot be found."""
        return [
            f'ros-{self.distribution}-{module.replace("_", "-")}'
            for module in _MODULES
            if _file_of(module) is None
        ]


def find(environment: Mapping[str, str]) -> Installation | None:
    """Give the installation that ``environment`` was sourced from, if rclpy comes with it."""
    distribution = environment.get('ROS_DISTRO', '')
    rclpy = _file_of('rclpy')
    if not distribution or 'AMENT_PREFIX_PATH' not in environment or rclpy is None:
        return None
    return Installation(distribution, rclpy)


def _file_of(module: str) -> str | None:
    # A folder without __init__.py, such as our own launch/, is found too, but has no file.
    spec = importlib.util.find_spec(module)
    return spec.origin if spec else None
