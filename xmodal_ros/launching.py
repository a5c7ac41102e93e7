"""What the launch files share; the only module that needs ROS's launch packages."""

from collections.abc import Iterable, Sequence
import os
from pathlib import Path
from typing import Any, Final

from ament_index_python.packages import get_package_share_directory
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
import yaml

PACKAGE: Final = 'xmodal_ros'
FLAG: Final = ('true', 'false')
FLAG_OR_DEFAULT: Final = ('', *FLAG)
LEVELS: Final = ('debug', 'info', 'warn', 'error', 'fatal')
PRECISIONS: Final = ('', 'fp32', 'fp16', 'bf16')
# Fast DDS reads the first in all its versions, the second in newer ones.
_PROFILES: Final = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


def share(*parts: str) -> Path:
    """Give the path of something that is installed with the package."""
    return Path(get_package_share_directory(PACKAGE), *parts)


def argument(
    name: str, description: str, default: str = '', choices: Sequence[str] | None = None
) -> Any:
    """Declare an argument of a launch file."""
    return DeclareLaunchArgument(
        name, default_value=default, description=description, choices=choices
    )


def shared_arguments() -> tuple[Any, ...]:
    """Give the arguments that every launch file has."""
    return (
        argument('namespace', 'Namespace of the nodes.'),
        argument('log_level', 'What is logged.', 'info', LEVELS),
    )


def given(context: Any, arguments: Iterable[Any]) -> dict[str, str]:
    """Read what the arguments are."""
    return {each.name: LaunchConfiguration(each.name).perform(context) for each in arguments}


def declared_sensors(params_file: str) -> dict[str, dict[str, Any]]:
    """Read the table of sensors in a file of parameters; what is wrong with it, the nodes say."""
    try:
        content = yaml.safe_load(Path(params_file).read_text(encoding='utf-8'))
        sections = [section['ros__parameters'] for section in content.values()]
        tables = [section['sensors'] for section in sections if 'sensors' in section]
        return {name: dict(fields) for table in tables for name, fields in table.items()}
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError):
        return {}


def transports() -> list[Any]:
    """Make shared memory large enough for images, unless the user has set up Fast DDS."""
    if any(name in os.environ for name in _PROFILES):
        return []
    return [SetEnvironmentVariable(_PROFILES[0], str(share('config', 'fastdds.xml')))]


def text(value: str) -> Any:
    """Keep a value a string, whatever it looks like: a folder may be called 2024."""
    return ParameterValue(value, value_type=str)


def texts(values: Sequence[str]) -> Any:
    """Keep a list one of strings: a subject may be called 05."""
    return ParameterValue(list(values), value_type=list[str])


def node(executable: str, values: dict[str, str], parameters: Sequence[Any], **more: Any) -> Any:
    """Describe a node of the package; ``values`` are what the arguments are."""
    return Node(
        package=PACKAGE,
        executable=executable,
        namespace=values['namespace'],
        parameters=list(parameters),
        ros_arguments=['--log-level', values['log_level']],
        output='screen',
        **more,
    )


def end_with(process: Any) -> Any:
    """End everything when a process ends: a player at the end of its bag, others by mistake."""
    shutdown = EmitEvent(event=Shutdown(reason=f'{process.node_executable} has ended'))
    return RegisterEventHandler(OnProcessExit(target_action=process, on_exit=[shutdown]))
