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

"""The sensors that the launch files know by name: one of each modality."""

from dataclasses import dataclass
from typing import Final

from xmodal_ros.launching.arguments import Argument

# The argument that starts pose_estimator on the camera's pictures.
POSE_WEIGHTS: Final = 'pose_weights'


@dataclass(frozen=True)
class Driver:
    """The node that publishes a sensor's data: its executable, and what it takes.

    ``devices`` says what may be given as its device; ``files`` whether that may be a recorded
    file, to be played once or again and again; ``images`` whether it publishes them. ``asked_by``
    are arguments that ask for its data, beside that of the sensor's model.
    """

    executable: str
    devices: str
    files: bool = False
    images: bool = False
    asked_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class LaunchSensor:
    """A sensor called like its modality; ``words`` is what people call it.

    ``driver`` is None where drivers of others are used.
    """

    modality: str
    words: str
    driver: Driver | None = None

    @property
    def asked_by(self) -> tuple[str, ...]:
        """The arguments of which each asks for what the sensor gives."""
        return (f'{self.modality}_model', *(self.driver.asked_by if self.driver else ()))


def launch_sensors() -> tuple[LaunchSensor, ...]:
    """Give the sensors that have arguments in the launch files."""
    return (
        LaunchSensor('imu', 'IMU'),
        LaunchSensor(
            'camera',
            'camera',
            Driver(
                'camera',
                'Number or path of a camera, a video file, or the URL of a stream',
                files=True,
                images=True,
                asked_by=(POSE_WEIGHTS,),
            ),
        ),
        LaunchSensor(
            'audio',
            'microphone',
            Driver('microphone', 'Number or name of the device to record from'),
        ),
        LaunchSensor('skeleton', 'skeleton'),
    )


def drivers() -> tuple[Driver, ...]:
    """Give the drivers that there are."""
    return tuple(sensor.driver for sensor in launch_sensors() if sensor.driver)


def model_argument(sensor: LaunchSensor, otherwise: str = '') -> Argument:
    """Give the argument for a sensor's model; ``otherwise`` says what holds without it."""
    return Argument(
        f'{sensor.modality}_model',
        f'Folder of the model bundle for the {sensor.words}{otherwise}.',
    )


def topic_argument(sensor: LaunchSensor, otherwise: str) -> Argument:
    """Give the argument for a sensor's topic; ``otherwise`` says what holds without it."""
    return Argument(f'{sensor.modality}_topic', f"The {sensor.words}'s topic; {otherwise}.")
