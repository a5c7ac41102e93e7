"""Start the classifier, and a recording to feed it where one is named.

ros2 launch xmodal_ros perception.launch.py model:=/models/imu topic:=/imu/data
ros2 launch xmodal_ros perception.launch.py model:=/models/imu bag:=recordings/subject_05
"""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
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

from xmodal_ros.nodes.bag_topic import bag_topic

CONFIG = Path(get_package_share_directory('xmodal_ros')) / 'config'

# Name, default, description, choices where there are few.
ARGUMENTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ('model', '', 'Folder of the model bundle; by default that of params_file.', ()),
    (
        'topic',
        '',
        "The sensor's topic; by default that of the bag's sensor the model was made for, else "
        'that of params_file.',
        (),
    ),
    ('device', '', "'auto', 'cpu', 'cuda' or 'cuda:N'; by default that of params_file.", ()),
    (
        'bag',
        '',
        'A recording to play; everything ends with it. Without it, the sensor is live.',
        (),
    ),
    ('rate', '1.0', 'Speed of the recording, 0 for as fast as it is taken.', ()),
    ('loop', 'false', 'Play the recording again and again.', ('true', 'false')),
    ('namespace', '', 'Namespace of the nodes.', ()),
    ('use_sim_time', 'false', 'Take the time from /clock.', ('true', 'false')),
    (
        'params_file',
        str(CONFIG / 'perception.yaml'),
        'Parameters of the nodes, laid out like the default file.',
        (),
    ),
    ('log_level', 'info', 'What is logged.', ('debug', 'info', 'warn', 'error', 'fatal')),
)


def transports() -> list[LaunchDescriptionEntity]:
    """Make shared memory large enough for images, unless the user has set up Fast DDS."""
    names = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
    if any(name in os.environ for name in names):
        return []
    return [SetEnvironmentVariable(names[0], str(CONFIG / 'fastdds.xml'))]


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    given = {name: LaunchConfiguration(name).perform(context) for name, *_ in ARGUMENTS}
    if given['bag'] and given['model'] and not given['topic']:
        given['topic'] = bag_topic(Path(given['bag']), Path(given['model']))
    settings = {name: given[name] for name in ('model', 'topic', 'device') if given[name]}
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


def player_settings(given: dict[str, str]) -> dict[str, object]:
    settings: dict[str, object] = {
        'bag': given['bag'],
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
    arguments = [
        DeclareLaunchArgument(
            name, default_value=default, description=description, choices=choices or None
        )
        for name, default, description, choices in ARGUMENTS
    ]
    return LaunchDescription([*arguments, *transports(), OpaqueFunction(function=nodes)])
