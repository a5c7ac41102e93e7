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

"""Lets the environment's Python find the environment's ROS packages, whatever was sourced.

Copied into site-packages, where Python runs it at every start, before the hook with which the
ROS wheels start Python again with their libraries' folders.
"""

import os
import sys


def _put_environment_first() -> None:
    prefixes = [path for path in os.environ.get('AMENT_PREFIX_PATH', '').split(':') if path]
    if sys.prefix not in prefixes:
        os.environ['AMENT_PREFIX_PATH'] = ':'.join([sys.prefix, *prefixes])
    libraries = os.environ.get('LD_LIBRARY_PATH', '').split(':')
    if f'{sys.prefix}/lib' not in libraries:
        # Set by another environment's Python, whose libraries lack our message types.
        os.environ.pop('_ROS_WHEELS_BOOTSTRAP_COMPLETE', None)


_put_environment_first()
