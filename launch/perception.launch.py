"""Start the classifier, and a recording to feed it where one is named.

ros2 launch xmodal_ros perception.launch.py model:=/models/imu topic:=/imu/data
ros2 launch xmodal_ros perception.launch.py model:=/models/imu bag:=recordings/subject_05
"""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription
from xmodal_ros.nodes.bag_topic import bag_topic

CONFIG = Path(get_package_share_directory('xmodal_ros')) / 'config'

FLAG = ('true', 'false')
LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')
ARGUMENTS = (
    DeclareLaunchArgument(
        'model',
        default_value='',
        description='Folder of the model bundle; by default that of params_file.',
    ),
    DeclareLaunchArgument(
        'topic',
        default_value='',
        description="The sensor's topic; by default that of the bag's sensor for which the model "
        'was made, else that of params_file.',
    ),
    DeclareLaunchArgument(
        'device',
        default_value='',
        description="'auto', 'cpu', 'cuda' or 'cuda:N'; by default that of params_file.",
    ),
    DeclareLaunchArgument(
        'bag',
        default_value='',
        description='A recording to play, with whose end everything ends; without one, the '
        'sensor is live.',
    ),
    DeclareLaunchArgument(
        'rate',
        default_value='1.0',
        description='Speed of the recording; 0 plays it as fast as it is taken.',
    ),
    DeclareLaunchArgument(
        'loop',
        default_value='false',
        choices=FLAG,
        description='Play the recording again and again.',
    ),
    DeclareLaunchArgument('namespace', default_value='', description='Namespace of the nodes.'),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=FLAG,
        description='Take the time from /clock, which the recording gives.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=str(CONFIG / 'perception.yaml'),
        description='Parameters of the nodes, laid out like the default file.',
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
    if given['bag'] and given['model'] and not given['topic']:
        given['topic'] = bag_topic(Path(given['bag']), Path(given['model']))
    settings = {name: text(given[name]) for name in ('model', 'topic', 'device') if given[name]}
    shared = {'use_sim_time': given['use_sim_time'] == 'true'}
    started = [
        Node(
            package='xmodal_ros',
            executable='imu_classifier',
            namespace=given['namespace'],
            parameters=[given['params_file'], {**settings, **shared}],
            ros_arguments=['--log-level', given['log_level']],
            output='screen',
        )
    ]
    if given['bag']:
        started.append(
            Node(
                package='xmodal_ros',
                executable='bag_player',
                namespace=given['namespace'],
                parameters=[player_settings(given)],
                ros_arguments=['--log-level', given['log_level']],
                output='screen',
            )
        )
    return [*started, *map(end_with, started)]


def text(value: str) -> ParameterValue:
    """Keep a value a string, whatever it looks like: a folder may be called 2024."""
    return ParameterValue(value, value_type=str)


def player_settings(given: dict[str, str]) -> dict[str, object]:
    settings: dict[str, object] = {
        'bag': text(given['bag']),
        'rate': float(given['rate']),
        'loop': given['loop'] == 'true',
    }
    if given['topic']:
        settings['wait_for_subscribers'] = [given['topic']]
    return settings


def end_with(node: Node) -> RegisterEventHandler:
    """End everything when a node ends: the player at the end of its bag, the other by mistake."""
    shutdown = EmitEvent(event=Shutdown(reason=f'{node.node_executable} has ended'))
    return RegisterEventHandler(OnProcessExit(target_action=node, on_exit=[shutdown]))


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, *transports(), OpaqueFunction(function=nodes)])
