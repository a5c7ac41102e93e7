"""Start the trainer, which learns from recordings while the robot has nothing better to do.

ros2 launch xmodal_ros trainer.launch.py bags:=/recordings target:=imu_wrist source:=camera_front
    method:=distillation test_subjects:=5,6 out:=/models/imu start_at_once:=true
"""

from launch.actions import OpaqueFunction
from launch.launch_description_entity import LaunchDescriptionEntity

from launch import LaunchContext, LaunchDescription
from xmodal_ros.launching import (
    argument,
    end_with,
    FLAG,
    FLAG_OR_DEFAULT,
    given,
    node,
    share,
    shared_arguments,
    text,
    texts,
)

# Several are separated by commas, and stay strings: a subject may be called 05.
LISTS = (
    argument('bags', 'Recordings or folders that hold some, separated by commas.'),
    argument('test_subjects', 'Subjects kept out of training, separated by commas.'),
    argument('source', 'Sensors that the target learns from, separated by commas.'),
    argument('option', 'Options of the method as NAME=VALUE, separated by commas.'),
)
WORDS = (
    argument('target', 'The sensor that will run alone, by name or topic.'),
    argument('method', 'How it learns, for example distillation; docs/methods has them all.'),
    argument('out', 'The bundle to write, a folder.'),
    argument('device', "Where to train: 'auto', 'cpu', 'cuda' or 'cuda:N'."),
    argument('motion_topic', 'Odometry: nothing begins while it says that the robot moves.'),
)
FLAGS = (
    argument('start_at_once', 'Begin without a call of ~/start.', '', FLAG_OR_DEFAULT),
    argument('resume', 'Go on where an earlier run was ended.', '', FLAG_OR_DEFAULT),
)
EXIT_AT_END = argument('exit_at_end', 'End when a run has ended.', 'false', FLAG)
ARGUMENTS = (
    *(*LISTS, *WORDS, *FLAGS, EXIT_AT_END),
    argument(
        'params_file',
        'Parameters of the trainer, laid out like the default file.',
        str(share('config', 'trainer.yaml')),
    ),
    *shared_arguments(),
)


def nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    values = given(context, ARGUMENTS)
    settings: dict[str, object] = {'exit_at_end': values['exit_at_end'] == 'true'}
    for each in LISTS:
        if values[each.name]:
            settings[each.name] = texts(values[each.name].split(','))
    settings |= {each.name: text(values[each.name]) for each in WORDS if values[each.name]}
    settings |= {each.name: values[each.name] == 'true' for each in FLAGS if values[each.name]}
    trainer = node('trainer', values, [values['params_file'], settings])
    # The launch ends with it, whether it was to end or could not go on.
    return [trainer, end_with(trainer)]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=nodes)])
