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

"""Nodes that only look: in a ROS context of their own, and off the lists of nodes."""

from collections.abc import Sequence
from contextlib import ExitStack

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from xmodal_ros.errors import ConfigurationError


def hidden_nodes(names: Sequence[str], stack: ExitStack) -> tuple[Node, ...]:
    """Start ROS and make nodes that ``stack`` destroys; their context is that of each of them.

    Names that begin with an underscore do not show in ``ros2 node list``. Raises
    :class:`ConfigurationError` when ROS cannot be started.
    """
    context = Context()
    try:
        rclpy.init(
            args=['--ros-args', '--disable-external-lib-logs'],
            context=context,
            signal_handler_options=SignalHandlerOptions.NO,
        )
        stack.callback(context.try_shutdown)
        nodes = tuple(
            Node(
                name,
                context=context,
                use_global_arguments=False,
                start_parameter_services=False,
                enable_rosout=False,
            )
            for name in names
        )
    except Exception as error:
        # rcl raises several kinds for bad settings.
        raise ConfigurationError(f'ROS cannot be started: {error}') from error
    for node in nodes:
        stack.callback(node.destroy_node)
    return nodes
