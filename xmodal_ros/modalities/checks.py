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

"""Everything that is checked of a sensor's data, whoever looks: a robot's nodes, or over bags.

One table has the name, the level and the remedy of each check. What finds them is
:mod:`~xmodal_ros.modalities.timing` for stamps, and what each modality measures for contents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

CheckLevel = Literal['error', 'warning', 'note']


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a sensor's data.

    ``code`` names its kind for programs; ``problem`` and ``remedy`` are for a person.
    """

    level: CheckLevel
    code: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f'{self.problem}: {self.remedy}'


@dataclass(frozen=True)
class DataCheck:
    """One thing that may be wrong: its code, what it ``means``, and what to do about it.

    One that is ``absolute`` says what is usual of any such sensor; where a model tells what it
    learnt from, that is compared instead.
    """

    code: str
    level: CheckLevel
    means: str
    remedy: str
    absolute: bool = False

    def found(self, problem: str) -> Problem:
        """Give the problem of which these are the words."""
        return Problem(self.level, self.code, problem, self.remedy)


_STAMPS: Final = (
    DataCheck(
        'backwards',
        'warning',
        'stamps go back in time: late samples are dropped, long jumps start windows anew',
        'look for a second publisher, a recording played in a loop, or an unstable clock',
    ),
    DataCheck(
        'repeated',
        'warning',
        'messages repeat a stamp: they are dropped',
        'make the driver stamp each sample with its own time',
    ),
    DataCheck(
        'jump',
        'warning',
        'stamps jump ahead by more than a second, though messages come steadily',
        'synchronise the clock of what stamps the messages before it starts (chrony or ptp)',
    ),
    DataCheck(
        'by-turns',
        'warning',
        'stamps alternate between close and far apart, as from two publishers',
        'give each sensor a topic of its own; a driver that reads two samples at a time should '
        'stamp each with the time of its measurement',
    ),
    DataCheck(
        'heaped-stamps',
        'warning',
        'stamps come in heaps: the driver stamps whole blocks as it reads them',
        'make the driver stamp each sample with the time of its measurement',
    ),
    DataCheck(
        'loss',
        'warning',
        'more than a tenth of the messages is missing, by their stamps',
        'let the driver publish reliably, and look at its log and its connection',
    ),
    DataCheck(
        'gap',
        'warning',
        'a gap of more than 0.1 s and five messages',
        'look at the log of the driver and at its connection',
    ),
)
_ANY: Final = (
    DataCheck(
        'refused',
        'warning',
        'some messages cannot be used',
        'look at what the driver sends',
    ),
    DataCheck(
        'frames',
        'warning',
        'several frames on one topic, as from two drivers',
        'give each sensor a topic of its own: start its driver in a namespace, or remap it',
    ),
    DataCheck(
        'several-publishers',
        'warning',
        'several publishers on one topic, or values of two sensors by turns',
        'end one of them, or give each sensor a topic of its own: start its driver in a '
        'namespace, or remap it',
    ),
    DataCheck(
        'low-rate',
        'warning',
        'less than four fifths of the rate that the model learnt from',
        'raise the rate of the driver, or learn from recordings of this rate',
    ),
    DataCheck(
        'frozen',
        'warning',
        'exactly the same values for five seconds and more',
        'see whether the driver still reads the sensor: what is measured is never twice the same',
    ),
)
_IMU: Final = (
    DataCheck(
        'no-gyro',
        'note',
        'the messages say that angular rates are not measured',
        'nothing, if the sensor has no gyro: it is learnt from accelerations alone',
    ),
    DataCheck(
        'gravity',
        'warning',
        'accelerations are not about 9.8 m/s²: g, mg, mm/s², raw counts, or gravity taken out',
        'let the driver publish m/s² with gravity, as measured (REP 145); models trained with '
        'this very driver are not concerned',
        absolute=True,
    ),
    DataCheck(
        'gyro-units',
        'warning',
        'angular rates beyond 40 rad/s: °/s, or raw counts',
        'set the driver to rad/s; models trained with this very driver are not concerned',
        absolute=True,
    ),
    DataCheck(
        'turning-at-rest',
        'warning',
        'it turns by its angular rate, while gravity stays: °/s at rest, or a large offset',
        'set the driver to rad/s, and let it calibrate the gyroscope at rest',
    ),
    DataCheck(
        'units',
        'error',
        'accelerations differ threefold from those the model learnt from',
        'set the driver to m/s² with gravity (REP 145), or train with recordings of this driver',
    ),
    DataCheck(
        'zero-acceleration',
        'warning',
        'the acceleration is exactly zero in some or all messages',
        'let the driver unite both in each message (unite_imu_method of realsense2_camera), or '
        'use the topic that has both',
    ),
    DataCheck(
        'zero-rate',
        'warning',
        'the angular rate is exactly zero while the acceleration moves',
        'let the driver unite both in each message (unite_imu_method of realsense2_camera), or, '
        'where there is no gyro, say so by angular_velocity_covariance[0] = -1',
    ),
    DataCheck(
        'stuck-axis',
        'warning',
        'one axis keeps its value while others move',
        'look at the driver and the wiring of the sensor; train without it where it stays so',
    ),
    DataCheck(
        'saturation',
        'warning',
        'samples pile up at the largest value, the end of the range',
        'set a larger range (g or °/s) in the driver; what is cut off cannot be learnt from',
    ),
)
_CAMERA: Final = (
    DataCheck(
        'black',
        'warning',
        'most pictures are black',
        "look at the lens cap, the light, the exposure and the driver's number of bits",
    ),
    DataCheck(
        'flat',
        'warning',
        'most pictures use fewer than 16 of 256 levels: a covered lens, or 16 bits hardly used',
        'let the driver publish 8-bit pictures of full contrast (automatic gain), or look at the '
        'lens',
    ),
    DataCheck(
        'no-depth',
        'warning',
        'most depth pictures hold no distance',
        "see whether the sensor's projector is on, and its range",
    ),
    DataCheck(
        'mixed-pictures',
        'warning',
        'pictures of several sizes or encodings on one topic',
        'give each camera a topic of its own, and set one format of its driver',
    ),
)
_AUDIO: Final = (
    DataCheck(
        'no-format',
        'warning',
        'nothing says how the sound is coded: no AudioInfo',
        'let the capture node publish audio_common_msgs/AudioInfo, or set audio_rate, '
        'audio_channels and audio_format of the classifier',
    ),
    DataCheck(
        'sample-rate',
        'warning',
        'more or fewer samples a second than stated',
        'look for lost chunks (is the publisher reliable?) or correct the rate stated',
    ),
    DataCheck(
        'mute',
        'warning',
        'the sound is all zeros',
        'see whether the microphone is muted, another device is meant, or two channels cancel out',
    ),
    DataCheck(
        'faint',
        'warning',
        'the sound stays below a thousandth of full scale',
        'raise the gain of the microphone, or see whether another device is meant',
    ),
    DataCheck(
        'clipped',
        'warning',
        'one sample in a thousand or more is at full scale',
        'lower the gain of the microphone; see whether its samples have the format stated',
    ),
    DataCheck(
        'noise',
        'warning',
        'loud white noise, as from compressed sound or floats read as integers',
        'see whether its samples have the format stated (compressed, floats or integers, byte '
        'order)',
    ),
    DataCheck(
        'offset',
        'warning',
        'the sound is not centred on zero',
        'see whether its samples have the format stated (signed or unsigned, byte order)',
    ),
)
_LABELS: Final = (
    DataCheck(
        'label-clock',
        'warning',
        "stamps are more than 1 s ahead of the selector's clock, or 5 s behind it",
        "synchronise the clock of what stamps the sensor's messages (chrony or ptp), or let its "
        'driver stamp with ROS time; where a recording is played, let its player publish /clock '
        'and set use_sim_time',
    ),
)
_SKELETON: Final = (
    DataCheck(
        'body-size',
        'warning',
        'the body is larger than 4 m: joints are in mm or cm',
        'let the body tracker publish metres (REP 103); models trained with this very tracker '
        'are not concerned',
        absolute=True,
    ),
    DataCheck(
        'no-body',
        'warning',
        'all joints lie in one place in most messages',
        'see whether the body tracker has found a person; let it publish nothing where it has '
        'none',
    ),
)

TABLE: Final[Mapping[str, tuple[DataCheck, ...]]] = {
    'stamps': _STAMPS,
    'any sensor': _ANY,
    'imu': _IMU,
    'camera': _CAMERA,
    'audio': _AUDIO,
    'skeleton': _SKELETON,
    'labels': _LABELS,
}
"""All checks by what they are about, as ``docs/plausibility.md`` lists them."""

CHECKS: Final[Mapping[str, DataCheck]] = {
    check.code: check for checks in TABLE.values() for check in checks
}
