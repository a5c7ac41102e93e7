"""Start the microphone and the camera, or one of them.

ros2 launch xmodal_ros drivers.launch.py
ros2 launch xmodal_ros drivers.launch.py microphone:=false camera_device:=rtsp://camera.local/live
"""

from launch.actions import OpaqueFunction
from launch.launch_description_entity import LaunchDescriptionEntity

from launch import LaunchContext, LaunchDescription
from xmodal_ros.launching import (
    argument,
    FLAG,
    FLAG_OR_DEFAULT,
    given,
    node,
    share,
    shared_arguments,
    text,
    transports,
)

ARGUMENTS = (
    argument('microphone', 'Start the microphone.', 'true', FLAG),
    argument('camera', 'Start the camera.', 'true', FLAG),
    argument(
        'microphone_device',
        'Number or name of the device to record from; by default that of params_file.',
    ),
    argument(
        'camera_device',
        'Number or path of a camera, a video file, or the URL of a stream; by default that of '
        'params_file.',
    ),
    argument(
        'camera_loop',
        'Play a video file again and again; by default that of params_file.',
        '',
        FLAG_OR_DEFAULT,
    ),
    argument(
        'use_sim_time',
        'Stamp with the time of /clock, of a simulation that runs in real time.',
        'false',
        FLAG,
    ),
    argument(
        'params_file',
        'Parameters of the nodes, laid out like the default file.',
        str(share('config', 'drivers.yaml')),
    ),
    argument('respawn', 'Start a driver again whenever its process has ended.', 'true', FLAG),
    *shared_arguments(),
)


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    values = given(context, ARGUMENTS)
    return [driver(name, values) for name in ('microphone', 'camera') if values[name] == 'true']


def driver(name: str, values: dict[str, str]) -> LaunchDescriptionEntity:
    settings: dict[str, object] = {'use_sim_time': values['use_sim_time'] == 'true'}
    if values[f'{name}_device']:
        # A string whatever it looks like: a camera's number, or a file called 2024.
        settings['device'] = text(values[f'{name}_device'])
    if loop := values.get(f'{name}_loop'):
        settings['loop'] = loop == 'true'
    return node(
        name,
        values,
        [values['params_file'], settings],
        respawn=values['respawn'] == 'true',
        respawn_delay=1.0,
    )


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, *transports(), OpaqueFunction(function=nodes)])
