"""Start the classifiers of all sensors that have a model, and the selector, in one process.

ros2 launch xmodal_ros perception.launch.py imu_model:=/models/imu imu_topic:=/imu/data
ros2 launch xmodal_ros perception.launch.py params_file:=/robot/perception.yaml
ros2 launch xmodal_ros perception.launch.py imu_model:=/models/imu bag:=recordings/subject_05
"""

from pathlib import Path

from launch.actions import OpaqueFunction
from launch.launch_description_entity import LaunchDescriptionEntity

from launch import LaunchContext, LaunchDescription
from xmodal_ros.launching import (
    argument,
    declared_sensors,
    end_with,
    FLAG,
    FLAG_OR_DEFAULT,
    given,
    node,
    PRECISIONS,
    share,
    shared_arguments,
    text,
    transports,
)
from xmodal_ros.ros.bag_topic import bag_topic, recorded

SENSORS = {'imu': 'IMU', 'camera': 'camera', 'audio': 'microphone'}
ARGUMENTS = (
    *(
        argument(
            f'{sensor}_model',
            f'Folder of the model bundle for the {what}; by default that of params_file.',
        )
        for sensor, what in SENSORS.items()
    ),
    *(
        argument(
            f'{sensor}_topic',
            f"The {what}'s topic; by default that of the bag's sensor for which the model was "
            'made, else that of params_file.',
        )
        for sensor, what in SENSORS.items()
    ),
    argument('device', "'auto', 'cpu', 'cuda', 'cuda:N' or 'onnx', of all whose model is given."),
    argument('precision', 'Of the computation, of all whose model is given.', '', PRECISIONS),
    argument(
        'selector',
        'Run activity_selector too; by default what params_file says.',
        '',
        FLAG_OR_DEFAULT,
    ),
    argument(
        'bag',
        'A recording to play, with whose end everything ends; without one, sensors are live.',
    ),
    argument('rate', 'Speed of the recording; 0 plays it as fast as it is taken.', '1.0'),
    argument('loop', 'Play the recording again and again.', 'false', FLAG),
    argument(
        'use_sim_time',
        'Take the time from /clock; by default with a bag, which gives it.',
        '',
        FLAG_OR_DEFAULT,
    ),
    argument(
        'params_file',
        'Parameters of the nodes, and the table of sensors, laid out like the default file.',
        str(share('config', 'perception.yaml')),
    ),
    *shared_arguments(),
)


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    values = given(context, ARGUMENTS)
    sim_time = values['use_sim_time'] == 'true' or bool(
        values['bag'] and not values['use_sim_time']
    )
    settings: dict[str, object] = {'use_sim_time': sim_time}
    if values['selector']:
        settings['selector'] = values['selector'] == 'true'
    sensors = declared_sensors(values['params_file'])
    for sensor in SENSORS:
        changes = {name: values[f'{sensor}_{name}'] for name in ('model', 'topic')}
        if values['bag'] and changes['model'] and not changes['topic']:
            changes['topic'] = bag_topic(Path(values['bag']), Path(changes['model']))
        if changes['model']:
            changes |= {name: values[name] for name in ('device', 'precision')}
        changes = {name: value for name, value in changes.items() if value}
        sensors.setdefault(sensor, {}).update(changes)
        settings |= {f'sensors.{sensor}.{name}': text(value) for name, value in changes.items()}
    started = [node('perception', values, [values['params_file'], settings])]
    if values['bag']:
        topics = [each.get('topic', name) for name, each in sensors.items() if each.get('model')]
        awaited = recorded(Path(values['bag']), topics, values['namespace'])
        started.append(node('bag_player', values, [player(values, awaited)]))
    return [*started, *map(end_with, started)]


def player(values: dict[str, str], awaited: list[str]) -> dict[str, object]:
    settings: dict[str, object] = {
        'bag': text(values['bag']),
        'rate': float(values['rate']),
        'loop': values['loop'] == 'true',
    }
    if awaited:
        settings['wait_for_subscribers'] = awaited
    return settings


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, *transports(), OpaqueFunction(function=nodes)])
