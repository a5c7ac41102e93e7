"""Start the drivers and the perception: a whole robot's worth.

ros2 launch xmodal_ros bringup.launch.py camera_model:=/models/camera audio_model:=/models/audio
ros2 launch xmodal_ros bringup.launch.py params_file:=/robot/perception.yaml camera:=true
"""

from launch.actions import IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.launch_description_sources import PythonLaunchDescriptionSource

from launch import LaunchContext, LaunchDescription
from xmodal_ros.launching import (
    argument,
    FLAG,
    FLAG_OR_DEFAULT,
    given,
    PRECISIONS,
    share,
    shared_arguments,
)

# The driver for each sensor that we have one for.
DRIVERS = {'camera': 'camera', 'microphone': 'audio'}
FOR_BOTH = (
    argument('use_sim_time', 'Take the time from /clock.', 'false', FLAG),
    *shared_arguments(),
)
FOR_PERCEPTION = (
    argument('imu_model', 'Folder of the model bundle for the IMU.'),
    argument('camera_model', 'Folder of the model bundle for the camera.'),
    argument('audio_model', 'Folder of the model bundle for the microphone.'),
    argument('imu_topic', "The IMU's topic; by default that of params_file."),
    argument('device', "'auto', 'cpu', 'cuda', 'cuda:N' or 'onnx', of all whose model is given."),
    argument('precision', 'Of the computation, of all whose model is given.', '', PRECISIONS),
    argument(
        'params_file',
        'Parameters of the perception, laid out like the default file.',
        str(share('config', 'perception.yaml')),
    ),
)
FOR_DRIVERS = (
    *(
        argument(
            driver,
            f'Start the {driver}; by default where {sensor}_model is given.',
            '',
            FLAG_OR_DEFAULT,
        )
        for driver, sensor in DRIVERS.items()
    ),
    argument('microphone_device', 'Number or name of the device to record from.'),
    argument('camera_device', 'Number or path of a camera, a video file, or a URL.'),
    argument('camera_loop', 'Play a video file again and again.', '', FLAG_OR_DEFAULT),
    argument('respawn', 'Start a driver again whenever its process has ended.', 'true', FLAG),
)
DRIVERS_FILE = argument(
    'drivers_params_file',
    'Parameters of the drivers, laid out like the default file.',
    str(share('config', 'drivers.yaml')),
)
ARGUMENTS = (*FOR_PERCEPTION, *FOR_DRIVERS, DRIVERS_FILE, *FOR_BOTH)


def parts(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    values = given(context, ARGUMENTS)
    for driver, sensor in DRIVERS.items():
        values[driver] = values[driver] or str(bool(values[f'{sensor}_model'])).lower()
    perception = {each.name: values[each.name] for each in (*FOR_PERCEPTION, *FOR_BOTH)}
    drivers = {each.name: values[each.name] for each in (*FOR_DRIVERS, *FOR_BOTH)}
    drivers['params_file'] = values[DRIVERS_FILE.name]
    return [included('drivers', drivers), included('perception', perception)]


def included(name: str, values: dict[str, str]) -> IncludeLaunchDescription:
    source = PythonLaunchDescriptionSource(str(share('launch', f'{name}.launch.py')))
    return IncludeLaunchDescription(source, launch_arguments=values.items())


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=parts)])
