"""Play a recording to the live nodes and score what they say, beside what they say offline.

ros2 launch xmodal_ros evaluate.launch.py bag:=recording imu_model:=models/imu report:=scores.json
ros2 launch xmodal_ros evaluate.launch.py bag:=recording imu_model:=models/imu player:=false
"""

from pathlib import Path

from launch.actions import EmitEvent, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.events.process import ProcessExited
from launch.launch_description_entity import LaunchDescriptionEntity
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.launching import (
    argument,
    end_with,
    FLAG,
    given,
    node,
    share,
    shared_arguments,
    text,
    transports,
)
from xmodal_ros.ros.bag_topic import bag_topic, recorded, settings_on, window_s

SENSORS = {'imu': 'IMU', 'camera': 'camera', 'audio': 'microphone'}
ARGUMENTS = (
    argument('bag', 'The recording to play, and whose truth counts.'),
    *(
        argument(f'{sensor}_model', f'Folder of the model bundle for the {what}.')
        for sensor, what in SENSORS.items()
    ),
    *(
        argument(
            f'{sensor}_topic',
            f"The {what}'s topic; by default that of the bag's sensor for which the model was "
            'made.',
        )
        for sensor, what in SENSORS.items()
    ),
    argument('device', "Where to compute: 'cpu', 'cuda', 'cuda:N' or 'onnx'.", 'cpu'),
    argument('rate', 'Speed of the recording: faster as far as nothing is lost.', '1.0'),
    argument(
        'player',
        'Play the bag; false leaves that to you, with "ros2 bag play --clock", once the log says '
        'that everything is connected.',
        'true',
        FLAG,
    ),
    argument('selector', 'Run and score activity_selector too.', 'true', FLAG),
    argument('report', 'JSON file to write at the end: scores, and every label.'),
    argument('html', 'HTML page to write at the end.'),
    argument(
        'params_file',
        'Parameters of the nodes, laid out like the default file; its table of sensors does not '
        'count, the arguments do.',
        str(share('config', 'perception.yaml')),
    ),
    *shared_arguments(),
)
# More windows than anybody waits for: none is dropped while the bag is played fast.
QUEUE = 100_000
# Short enough for the end to be noticed soon.
DIAGNOSTICS_PERIOD = 0.2


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    values = given(context, ARGUMENTS)
    models = {sensor: model for sensor in SENSORS if (model := values[f'{sensor}_model'])}
    if not values['bag'] or not models:
        raise ConfigurationError(
            'a recording and a model are needed: bag:=recordings/subject_05 imu_model:=models/imu'
        )
    bag = Path(values['bag']).expanduser()
    topics = {
        sensor: values[f'{sensor}_topic'] or bag_topic(bag, Path(model))
        for sensor, model in models.items()
    }
    selecting = values['selector'] == 'true'
    settings: dict[str, object] = {
        'use_sim_time': True,
        'selector': selecting,
        'diagnostics_period': DIAGNOSTICS_PERIOD,
    }
    for sensor, model in models.items():
        of_sensor = {
            'model': text(model),
            'topic': text(topics[sensor]),
            'device': text(values['device']),
            'queue_size': QUEUE,
            **settings_on(bag, topics[sensor]),
        }
        settings |= {f'sensors.{sensor}.{name}': value for name, value in of_sensor.items()}
    perception = node('perception', values, [values['params_file'], settings])
    scored = [*(f'{sensor}_classifier/activity' for sensor in models)]
    evaluator = node(
        'evaluator', values, [evaluation(values, [*scored, *(['activity'] * selecting)], models)]
    )
    started = [perception, evaluator]
    if values['player'] == 'true':
        awaited = recorded(bag, topics.values(), values['namespace'])
        player = node('bag_player', values, [playing(values, awaited)])
        started += [player, end_with_failure(player)]
    return [*started, end_with(perception), end_with(evaluator)]


def evaluation(
    values: dict[str, str], topics: list[str], models: dict[str, str]
) -> dict[str, object]:
    settings: dict[str, object] = {
        'use_sim_time': True,
        'topics': topics,
        'window': max(window_s(Path(model)) for model in models.values()),
        'end_with': '/clock',
        'diagnostics_period': DIAGNOSTICS_PERIOD,
    }
    settings |= {name: text(values[name]) for name in ('bag', 'report', 'html') if values[name]}
    if values['player'] == 'true':
        settings['player'] = 'bag_player'
    return settings


def playing(values: dict[str, str], awaited: list[str]) -> dict[str, object]:
    return {
        'bag': text(values['bag']),
        'rate': float(values['rate']),
        # The evaluator lets it begin.
        'start_paused': True,
        'wait_for_subscribers': awaited,
    }


def end_with_failure(player: Node) -> LaunchDescriptionEntity:
    def end(event: ProcessExited, _: LaunchContext) -> EmitEvent | None:
        if not event.returncode:
            return None
        return EmitEvent(event=Shutdown(reason='the recording could not be played'))

    return RegisterEventHandler(OnProcessExit(target_action=player, on_exit=end))


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, *transports(), OpaqueFunction(function=nodes)])
