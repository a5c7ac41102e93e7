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

"""Launch's actions for what a launch file starts; the only module that needs ROS's launch."""

from collections.abc import Iterable
import os
from typing import Any

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from xmodal_ros.child_process import LAUNCHED_BY
from xmodal_ros.errors import XmodalError
from xmodal_ros.launching import plan
from xmodal_ros.launching.arguments import Argument, PACKAGE, share


def describe(file: plan.LaunchFile) -> Any:
    """Give the description that ``ros2 launch`` asks a launch file for."""
    return LaunchDescription(
        [
            # Before launch compares them with the choices.
            OpaqueFunction(function=_spell, args=[file.arguments]),
            *map(_declaration, file.arguments),
            OpaqueFunction(function=_start, args=[file]),
        ]
    )


def _declaration(argument: Argument) -> Any:
    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default,
        description=argument.description,
        choices=argument.choices,
    )


def _spell(context: Any, arguments: Iterable[Argument]) -> None:
    given = context.launch_configurations
    for argument in arguments:
        if argument.name in given:
            given[argument.name] = argument.read(given[argument.name])


def _start(context: Any, file: plan.LaunchFile) -> list[Any]:
    given = context.launch_configurations
    planned = file.plan({argument.name: given[argument.name] for argument in file.arguments})
    nodes = [_node(spec) for spec in planned.processes]
    return [
        *map(_include, planned.includes),
        *nodes,
        *(
            _at_exit(node, spec.at_exit)
            for node, spec in zip(nodes, planned.processes, strict=True)
            if spec.at_exit
        ),
    ]


def _include(spec: plan.IncludeSpec) -> Any:
    source = PythonLaunchDescriptionSource(str(share('launch', f'{spec.file}.launch.py')))
    return IncludeLaunchDescription(source, launch_arguments=spec.arguments.items())


def _node(spec: plan.ProcessSpec) -> Any:
    settings = {name: _parameter(value) for name, value in spec.parameters.items()}
    return Node(
        package=PACKAGE,
        executable=spec.executable,
        namespace=spec.namespace,
        parameters=[*([spec.params_file] if spec.params_file else []), settings],
        ros_arguments=['--log-level', spec.log_level],
        output='screen',
        respawn=spec.respawn,
        respawn_delay=plan.RESPAWN_DELAY_S if spec.respawn else None,
        # Launch may be killed before it has ended them.
        additional_env={LAUNCHED_BY: str(os.getpid()), **spec.environment},
        sigterm_timeout=LaunchConfiguration('sigterm_timeout', default=str(spec.patience_s)),
    )


def _parameter(value: plan.Value) -> Any:
    """Keep strings what they are; launch_ros would read them as YAML."""
    if isinstance(value, str):
        return ParameterValue(value, value_type=str)
    if isinstance(value, bool | int | float):
        return value
    if all(isinstance(each, str) for each in value):
        return ParameterValue(list(value), value_type=list[str])
    return list(value)


def _at_exit(node: Any, wanted: plan.Shutdown) -> Any:
    def end(event: Any, context: Any) -> Any:
        if context.is_shutdown or (wanted.on_failure_only and not event.returncode):
            return None
        if event.returncode:
            # Launch ends everything then, and its own exit code is 1.
            raise XmodalError(f'{wanted.reason}, with exit code {event.returncode}')
        return EmitEvent(event=Shutdown(reason=wanted.reason))

    return RegisterEventHandler(OnProcessExit(target_action=node, on_exit=end))
