"""Start the microphone and the camera, or one of them.

ros2 launch xmodal_ros drivers.launch.py
ros2 launch xmodal_ros drivers.launch.py microphone:=false camera_device:=rtsp://camera.local/live
"""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription

CONFIG = Path(get_package_share_directory('xmodal_ros')) / 'config'

FLAG = ('true', 'false')
FLAG_OR_FILE = ('', *FLAG)
LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
ARGUMENTS = (
    DeclareLaunchArgument(
        'microphone', default_value='true', choices=FLAG, description='Start the microphone.'
    ),
    DeclareLaunchArgument(
        'camera', default_value='true', choices=FLAG, description='Start the camera.'
    ),
    DeclareLaunchArgument(
        'microphone_device',
        default_value='',
        description='Number or name of the device to record from; by default that of params_file.',
    ),
    DeclareLaunchArgument(
        'camera_device',
        default_value='',
        description='Number or path of a camera, a video file, or the URL of a stream; by default '
        'that of params_file.',
    ),
    DeclareLaunchArgument(
        'camera_loop',
        default_value='',
        choices=FLAG_OR_FILE,
        description='Play a video file again and again; by default that of params_file.',
    ),
    DeclareLaunchArgument('namespace', default_value='', description='Namespace of the nodes.'),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=FLAG,
        description='Stamp with the time of /clock, of a simulation that runs in real time.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=str(CONFIG / 'drivers.yaml'),
        description='Parameters of the nodes, laid out like the default file.',
    ),
    DeclareLaunchArgument(
        'respawn',
        default_value='true',
        choices=FLAG,
        description='Start a driver again whenever its process has ended.',
    ),
    DeclareLaunchArgument(
        'log_level', default_value='info', choices=LEVELS, description='What is logged.'
    ),
)


def transports() -> list[LaunchDescriptionEntity]:
    """Make shared memory large enough for images, unless the user has set up Fast DDS."""
    names = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
    if any(name in os.environ for name in names):
        return []
    return [SetEnvironmentVariable(names[0], str(CONFIG / 'fastdds.xml'))]


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    given = {each.name: LaunchConfiguration(each.name).perform(context) for each in ARGUMENTS}
    return [driver(name, given) for name in ('microphone', 'camera') if given[name] == 'true']


def driver(name: str, given: dict[str, str]) -> Node:
    settings: dict[str, object] = {'use_sim_time': given['use_sim_time'] == 'true'}
    if given[f'{name}_device']:
        # A string whatever it looks like: a camera's number, or a file called 2024.
        settings['device'] = ParameterValue(given[f'{name}_device'], value_type=str)
    if loop := given.get(f'{name}_loop'):
        settings['loop'] = loop == 'true'
    return Node(
        package='xmodal_ros',
        executable=name,
        namespace=given['namespace'],
        parameters=[given['params_file'], settings],
        ros_arguments=['--log-level', given['log_level']],
        output='screen',
        respawn=given['respawn'] == 'true',
        respawn_delay=1.0,
    )


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, *transports(), OpaqueFunction(function=nodes)])
