"""What the messages of an IMU hold, and what is doubtful about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from xmodal_ros.modalities.contents import (
    ContentDetails,
    Contents,
    decode_messages,
    Problem,
    Received,
)
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.streams.sample import DecodeError, Sample

ACCELERATION_RMS: Final = 'acceleration_rms'
GRAVITY: Final = 9.81
# What drivers without much motion measure, in m/s².
_LEAST_GRAVITY, _MOST_GRAVITY = 7.0, 14.0
_AT_REST: Final = 0.15
# Faster than any IMU of a robot can turn (2000 °/s are 35 rad/s).
_FASTEST_RAD_S: Final = 40.0
# Far beyond what another person or activity makes of the same sensor; g for m/s² is 9.8.
_OTHER_UNITS: Final = 3.0
_UNKNOWN: Final = float('nan')
_WHOLE, _WITHOUT_GYRO = ImuDecoder(), ImuDecoder('acc')


@dataclass(frozen=True)
class ImuDetails(ContentDetails):
    """Accelerations in m/s², angular rates in rad/s, if the driver's units are those.

    ``length`` is the median length of the acceleration, ``spread`` the deviation of that length,
    ``rms`` the root of its mean square; ``turning`` is the length of the angular rate that one
    in a hundred messages exceeds. NaN where it is not measured.
    """

    acceleration: bool
    gyro: bool
    length: float = _UNKNOWN
    spread: float = _UNKNOWN
    rms: float = _UNKNOWN
    turning: float = _UNKNOWN

    def in_words(self) -> Iterator[str]:
        """Say how long the acceleration is, and whether there is a gyro."""
        yield f'|a| {self.length:.2f}' if self.acceleration else 'no acceleration'
        yield 'gyro' if self.gyro else 'no gyro'

    def check(self) -> Iterator[Problem]:
        """Doubt units by the size of numbers, and name a gyro that is not there."""
        if self.acceleration and not self.gyro:
            yield Problem(
                'note',
                'no-gyro',
                'angular rates are not measured (angular_velocity_covariance[0] is -1): only '
                'models of acceleration alone can use them',
                'train with --channels acc, if the sensor has no gyro',
            )
        if self.length < _LEAST_GRAVITY or self.length > _MOST_GRAVITY:
            meaning, remedy = self._other_gravity()
            yield Problem(
                'warning',
                'gravity',
                f'accelerations measure {self.length:.3g} by the median, {GRAVITY} m/s² are '
                f'expected at rest: {meaning}',
                f'{remedy}; models trained with this very driver are not concerned',
            )
        if self.turning > _FASTEST_RAD_S:
            yield Problem(
                'warning',
                'gyro-units',
                f'angular rates reach {self.turning:.3g} rad/s: they seem to be in °/s',
                'set the driver to rad/s',
            )

    def _other_gravity(self) -> tuple[str, str]:
        """Guess what accelerations that are not of 9.81 m/s² mean, and give what to do."""
        length, steady = self.length, self.spread < _AT_REST * max(self.length, 1e-9)
        if steady and 0.8 < length < 1.2:
            return 'they seem to be in g', 'set the driver to m/s² (1 g = 9.80665 m/s²)'
        if steady and 800 < length < 1200:
            return 'they seem to be in mg', 'set the driver to m/s²'
        if length < _LEAST_GRAVITY:
            return (
                'gravity seems to be taken out',
                'let the driver publish what the sensor measures, gravity included (REP 145)',
            )
        return 'that is neither rest nor motion', 'set the driver to m/s²'

    def check_statistics(self, expected: Mapping[str, float], topic: str) -> Iterator[Problem]:
        """Tell units apart that differ from those of the training data."""
        learnt = expected.get(ACCELERATION_RMS)
        if not learnt or 1 / _OTHER_UNITS < self.rms / learnt < _OTHER_UNITS:
            return
        yield Problem(
            'error',
            'units',
            f'accelerations on {topic} measure {self.rms:.3g} by the root mean square, those '
            f'that the model learnt from {learnt:.3g} m/s²',
            'set the driver to m/s² with gravity (REP 145), or train with recordings of this '
            'driver',
        )


def describe(messages: Sequence[Received]) -> Contents:
    """Look into serialized messages, those without a gyro included."""
    contents, samples = decode_messages(_decode, messages)
    details = None
    if samples:
        details = measure(samples)
    elif contents.refused:
        details = ImuDetails('no_acceleration' not in contents.refused, gyro=False)
    return replace(contents, details=details)


def measure(samples: Sequence[Sample]) -> ImuDetails:
    """Put samples of (6,) or (3,) into figures; there must be one."""
    lengths = np.linalg.norm([sample.values[:3] for sample in samples], axis=1)
    turns = [sample.values[3:] for sample in samples if len(sample.values) > 3]
    return ImuDetails(
        acceleration=True,
        gyro=bool(turns),
        length=float(np.median(lengths)),
        spread=float(lengths.std()),
        rms=float(np.sqrt(np.mean(lengths**2))),
        turning=float(np.quantile(np.linalg.norm(turns, axis=1), 0.99)) if turns else _UNKNOWN,
    )


def _decode(data: bytes, received_ns: int = 0) -> Sample:
    try:
        return _WHOLE(data, received_ns)
    except DecodeError as error:
        if error.reason != 'no_gyro':
            raise
        return _WITHOUT_GYRO(data, received_ns)
