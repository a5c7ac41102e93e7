"""What is doubtful about a sensor's data: units, coding, rates of samples."""

from collections.abc import Iterator
from typing import Final

from xmodal_ros.tools.doctor.contents import AudioContents, Contents, ImuContents
from xmodal_ros.tools.doctor.finding import Finding

GRAVITY: Final = 9.81
# What drivers without much motion measure, in m/s².
_LEAST_GRAVITY, _MOST_GRAVITY = 7.0, 14.0
_AT_REST: Final = 0.15
# Faster than any IMU of a robot can turn (2000 °/s are 35 rad/s).
_FASTEST_RAD_S: Final = 40.0
_SAMPLE_RATE_ERROR: Final = 0.03


def check_contents(name: str, contents: Contents) -> Iterator[Finding]:
    """Yield what is doubtful about the data on the topic ``name``."""
    refused = sum(contents.refused.values())
    if 'no_format' in contents.refused and contents.audio is None:
        yield Finding(
            'warning',
            'no-format',
            name,
            f'nobody says how the sound on {name} is coded: no AudioInfo goes with it',
            'let the capture node publish audio_common_msgs/AudioInfo, or set audio_rate, '
            'audio_channels and audio_format of the classifier',
        )
    elif 0 < refused < contents.looked_at:
        yield Finding(
            'warning',
            'refused',
            name,
            f'{refused} of {contents.looked_at} messages cannot be used; the last: '
            f'{contents.complaint}',
            'look at what the driver sends',
        )
    if contents.imu is not None:
        yield from _check_imu(name, contents.imu)
    if contents.audio is not None:
        yield from _check_audio(name, contents.audio)


def _check_audio(name: str, audio: AudioContents) -> Iterator[Finding]:
    if audio.heard_rate_hz is not None:
        error = audio.heard_rate_hz / audio.rate_hz - 1
        if abs(error) > _SAMPLE_RATE_ERROR:
            yield Finding(
                'warning',
                'sample-rate',
                name,
                f'{audio.heard_rate_hz:.0f} samples a second come, {audio.rate_hz} are stated',
                'look for lost chunks (is the publisher reliable?) or correct the rate stated',
            )
    if audio.peak == 0:
        yield Finding(
            'warning',
            'mute',
            name,
            'the sound is all zeros',
            'see whether the microphone is muted or another device is meant',
        )


def _check_imu(name: str, imu: ImuContents) -> Iterator[Finding]:
    if imu.acceleration and not imu.gyro:
        yield Finding(
            'note',
            'no-gyro',
            name,
            'angular rates are not measured (angular_velocity_covariance[0] is -1): only models '
            'of acceleration alone can use them',
            'train with --channels acc, if the sensor has no gyro',
        )
    length, steady = imu.length, imu.spread < _AT_REST * max(imu.length, 1e-9)
    if length < _LEAST_GRAVITY or length > _MOST_GRAVITY:
        if steady and 0.8 < length < 1.2:
            meaning, remedy = 'they seem to be in g', 'set the driver to m/s² (1 g = 9.80665 m/s²)'
        elif steady and 800 < length < 1200:
            meaning, remedy = 'they seem to be in mg', 'set the driver to m/s²'
        elif length < _LEAST_GRAVITY:
            meaning = 'gravity seems to be taken out'
            remedy = 'let the driver publish what the sensor measures, gravity included (REP 145)'
        else:
            meaning, remedy = 'that is neither rest nor motion', 'set the driver to m/s²'
        yield Finding(
            'warning',
            'gravity',
            name,
            f'accelerations measure {length:.3g} by the median, {GRAVITY} m/s² are expected at '
            f'rest: {meaning}',
            f'{remedy}; models trained with this very driver are not concerned',
        )
    if imu.turning > _FASTEST_RAD_S:
        yield Finding(
            'warning',
            'gyro-units',
            name,
            f'angular rates reach {imu.turning:.3g} rad/s: they seem to be in °/s',
            'set the driver to rad/s',
        )
