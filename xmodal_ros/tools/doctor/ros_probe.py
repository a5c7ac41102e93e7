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

"""Whether ROS can be started here, printed as one line of JSON.

Run as a process of its own: with some settings (a middleware that is not installed, a domain
that there is not) ROS ends the process that starts it.
"""

from importlib.util import find_spec
import json
import sys
from typing import Any, Final

# Those whose messages the nodes of this package import.
_MESSAGE_PACKAGES: Final = (
    'audio_common_msgs',
    'builtin_interfaces',
    'diagnostic_msgs',
    'lifecycle_msgs',
    'rcl_interfaces',
    'rosgraph_msgs',
    'sensor_msgs',
    'std_msgs',
    'std_srvs',
    'vision_msgs',
    'visualization_msgs',
)


def probe_ros() -> dict[str, Any]:
    """Give the middleware, or ``problem``; and message packages that are ``missing``."""
    found: dict[str, Any] = {
        'missing': [name for name in _MESSAGE_PACKAGES if find_spec(name) is None]
    }
    try:
        import rclpy

        context = rclpy.Context()
        rclpy.init(context=context, args=['--ros-args', '--disable-external-lib-logs'])
        found['middleware'] = str(rclpy.get_rmw_implementation_identifier())
        node = rclpy.create_node(
            '_xmodal_probe', context=context, use_global_arguments=False, enable_rosout=False
        )
        node.destroy_node()
        context.try_shutdown()
    except ModuleNotFoundError as error:
        found['problem'] = f'the Python package {error.name!r} is missing'
    except Exception as error:  # noqa: BLE001 - rcl raises several kinds
        found['problem'] = str(error).splitlines()[0] if str(error) else repr(error)
    return found


def main() -> None:
    """Print what was found."""
    sys.stdout.write(f'\n{json.dumps(probe_ros())}\n')


if __name__ == '__main__':
    main()
