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

"""What the messages of an IMU hold, and what is doubtful about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.contents import ContentDetails, ContentReader
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.streams.sample import DecodeError, Sample, SampleBlock

ACCELERATION_RMS: Final = 'acceleration_rms'
GRAVITY: Final = 9.81
# What drivers without much motion measure, in m/s².
_LEAST_GRAVITY, _MOST_GRAVITY = 7.0, 14.0
# As far as people who move are from 1 g by the median.
_LEAST_OF_ONE, _MOST_OF_ONE = 0.75, 1.45
# What a driver that publishes something else than m/s² measures of gravity.
_UNITS_OF_GRAVITY: Final = (
    (1.0, 'they seem to be in g'),
    (990.0, 'they seem to be in mg or cm/s²'),
    (9806.65, 'they seem to be in mm/s²'),
    (2048.0, 'they seem to be raw counts of a range of 16 g'),
    (4096.0, 'they seem to be raw counts of a range of 8 g'),
    (16384.0, 'they seem to be raw counts of a range of 2 g'),
)
_AT_REST: Final = 0.15
# Faster than any IMU of a robot can turn (2000 °/s are 35 rad/s).
_FASTEST_RAD_S: Final = 40.0
# Far beyond what another person or activity makes of the same sensor; g for m/s² is 9.8.
_OTHER_UNITS: Final = 3.0
# Zeros in fewer messages are no habit of a driver.
_LEAST_ZEROS, _LEAST_ZERO_SHARE = 5, 0.01
# Less movement than this, by the deviation of the acceleration, a gyro with a dead band may not
# see.
_MOVING: Final = 1.0
# An axis that others move beside is stuck, where it keeps its value for so many messages and so
# long; everything at once for longer, for what is at rest and coarse may rest.
_STUCK_MESSAGES, _STUCK_NS, _STUCK_SHARE = 100, 2_000_000_000, 0.1
_FROZEN_NS: Final = 5_000_000_000
# So many values of another axis are movement, not the last bit of it.
_VALUES_OF_MOVEMENT: Final = 20
# What piles up: so many samples, so much of all, so much more than lies just below. The top of a
# swing holds half as much as what lies just below it.
_LEAST_PILE, _LEAST_PILE_SHARE, _PILE_RATIO = 10, 5e-4, 4.0
_PILE_WIDTH, _BELOW_WIDTH = 1e-3, 2e-2
# The smallest ranges that IMUs have, less what their scale may be off: 2 g, and 125 °/s.
_SMALLEST_RANGES: Final = (19.0, 2.1)
# Two sensors by turns: messages differ by so much, in m/s², and so much more from their neighbours
# than from the next but one, in the same direction for so many messages on end.
_LEAST_APART, _APART_RATIO, _APART_MESSAGES, _SAME_DIRECTION = 1.0, 3.0, 64, 0.7
# Gravity that stays where it is, in m/s², though it should have turned by so much, in rad, at such
# a rate, beyond any gyroscope's offset.
_STAYS, _TURNED, _LEAST_TURNING = 0.3, 1.0, 0.2
# A share that is as good as all.
_ALL: Final = 0.98
_AXES: Final = (
    ('acceleration x', 'acceleration y', 'acceleration z'),
    ('angular rate x', 'angular rate y', 'angular rate z'),
)
_UNITS: Final = ('m/s²', 'rad/s')
_UNKNOWN: Final = float('nan')
_WHOLE, _WITHOUT_GYRO = ImuDecoder(), ImuDecoder('acc')

Group = NDArray[np.float64]


@dataclass(frozen=True)
class ImuDetails(ContentDetails):
    """Accelerations in m/s², angular rates in rad/s, if the driver's units are those.

    ``length`` is the median length of the acceleration, ``spread`` the deviation of that length,
    ``steady`` the length of the mean acceleration, ``rms`` the root of its mean square;
    ``turning`` is the length of the angular rate that one in a hundred messages exceeds. NaN where
    it is not measured. Accelerations are zero in the share ``no_acceleration`` of messages, rates
    in ``no_rate``, and ``by_turns`` says that one of them always is. ``stuck`` axes keep their
    values while others move, ``saturated`` ones end at a value, both in words. ``frozen_s`` is
    for how long nothing at all has changed. ``apart`` is how far, in m/s², accelerations of every
    other message lie from those between, where these are of two sensors, else 0;
    ``turns_at_rest`` is the rate, rad/s, by which gravity should turn and does not, else 0.
    """

    acceleration: bool
    gyro: bool
    length: float = _UNKNOWN
    spread: float = _UNKNOWN
    rms: float = _UNKNOWN
    turning: float = _UNKNOWN
    steady: float = _UNKNOWN
    no_acceleration: float = 0.0
    no_rate: float = 0.0
    by_turns: bool = False
    stuck: tuple[str, ...] = ()
    saturated: tuple[str, ...] = ()
    frozen_s: float = 0.0
    apart: float = 0.0
    turns_at_rest: float = 0.0

    def in_words(self) -> Iterator[str]:
        """Say how long the acceleration is, and whether there is a gyro."""
        yield f'|a| {self.length:.2f}' if self.acceleration else 'no acceleration'
        yield 'gyro' if self.gyro else 'no gyro'

    def check(self) -> Iterator[Problem]:
        """Doubt units by the size of numbers, and what no sensor measures."""
        if self.acceleration and not self.gyro:
            yield CHECKS['no-gyro'].found(
                'angular rates are not measured (angular_velocity_covariance[0] is -1): only '
                'models of acceleration alone can use them'
            )
        if self.no_acceleration:
            yield CHECKS['zero-acceleration'].found(
                f'the acceleration is zero in {_share(self.no_acceleration)} messages'
                + (', the angular rate in the others' if self.by_turns else '')
            )
        elif self.no_rate:
            yield CHECKS['zero-rate'].found(
                f'the angular rate is zero in {_share(self.no_rate)} messages, while the '
                'acceleration moves'
            )
        if self.no_acceleration <= _ALL and (
            self.length < _LEAST_GRAVITY or self.length > _MOST_GRAVITY
        ):
            yield CHECKS['gravity'].found(
                f'accelerations measure {self.length:.3g} by the median, {GRAVITY} m/s² are '
                f'expected at rest: {self._other_gravity()}'
            )
        if self.turning > _FASTEST_RAD_S:
            meaning = 'raw counts' if self.turning > 100 * _FASTEST_RAD_S else 'in °/s'
            yield CHECKS['gyro-units'].found(
                f'angular rates reach {self.turning:.3g} rad/s: they seem to be {meaning}'
            )
        yield from self._check_course()

    def _check_course(self) -> Iterator[Problem]:
        """Doubt what no sensor measures from one message to the next."""
        if self.turns_at_rest and self.turning <= _FASTEST_RAD_S:
            yield CHECKS['turning-at-rest'].found(
                f'it turns by {self.turns_at_rest:.2g} rad/s, and gravity stays where it is'
            )
        if self.stuck:
            yield CHECKS['stuck-axis'].found(f'{" and ".join(self.stuck)} while others move')
        if self.frozen_s:
            yield CHECKS['frozen'].found(
                f'nothing has changed, to the last bit, for {self.frozen_s:.0f} s'
            )
        if self.apart:
            yield CHECKS['several-publishers'].found(
                f'accelerations of every other message lie {self.apart:.3g} m/s² from those '
                'between, as of two sensors on one topic'
            )
        if self.saturated:
            yield CHECKS['saturation'].found(f'samples pile up {" and ".join(self.saturated)}')

    def _other_gravity(self) -> str:
        """Guess what accelerations that are not of 9.81 m/s² mean."""
        length = self.length
        # Where gravity is in it, the mean is a good part of it; else movement cancels out.
        with_gravity = self.spread < _AT_REST * max(length, 1e-9) or self.steady > 0.5 * length
        for one, meaning in _UNITS_OF_GRAVITY:
            if with_gravity and _LEAST_OF_ONE * one < length < _MOST_OF_ONE * one:
                return meaning
        if length < _LEAST_GRAVITY:
            return 'gravity seems to be taken out'
        return 'that is neither rest nor motion'

    def check_statistics(self, expected: Mapping[str, float], topic: str) -> Iterator[Problem]:
        """Tell units apart that differ from those of the training data."""
        learnt = expected.get(ACCELERATION_RMS)
        if not learnt or 1 / _OTHER_UNITS < self.rms / learnt < _OTHER_UNITS:
            return
        yield CHECKS['units'].found(
            f'accelerations on {topic} measure {self.rms:.3g} by the root mean square, those '
            f'that the model learnt from {learnt:.3g} m/s²'
        )


def _share(value: float) -> str:
    return 'all' if value > _ALL else f'{value:.0%} of the'


class ImuReader(ContentReader):
    """Reads messages of an IMU, those without a gyro included."""

    def __init__(self) -> None:
        super().__init__(_WHOLE, measure)

    def read(self, data: bytes, received_ns: int) -> Sample:
        """Decode a message, and of one without a gyro the acceleration."""
        try:
            return super().read(data, received_ns)
        except DecodeError as error:
            if error.reason != 'no_gyro':
                raise
            return _WITHOUT_GYRO(data, received_ns)

    def read_block(
        self, messages: Sequence[bytes], decoded: SampleBlock | None = None
    ) -> SampleBlock | None:
        """Decode messages that have a gyro at once, unless it was done just so."""
        if decoded is not None and decoded.decoder == _WHOLE:
            return decoded
        return _WHOLE.block(messages)

    def details(
        self, blocks: Sequence[Sequence[Sample]], refused: Mapping[str, int]
    ) -> ContentDetails | None:
        """Measure what there is; where there is nothing, say what is not measured."""
        parts = [_columns(block) for block in blocks if block]
        if parts:
            acceleration, rates, stamps = (np.concatenate(p) for p in zip(*parts, strict=True))
            return _measure(acceleration, rates, stamps)
        return ImuDetails('no_acceleration' not in refused, gyro=False) if refused else None


def measure(samples: Sequence[Sample]) -> ImuDetails:
    """Put samples of (6,) or (3,) into figures; there must be one."""
    return _measure(*_columns(samples))


def _columns(samples: Sequence[Sample]) -> tuple[Group, Group, NDArray[np.int64]]:
    """Give accelerations (N, 3), rates (M, 3) of those that have them, and stamps (N,)."""
    if isinstance(samples, SampleBlock):
        return samples.values[:, :3], samples.values[:, 3:].reshape(-1, 3), samples.stamps_ns
    stamps = np.array([sample.stamp_ns for sample in samples], np.int64)
    if all(len(sample.values) > 3 for sample in samples):
        values = np.concatenate([sample.values for sample in samples]).reshape(len(samples), -1)
        return values[:, :3], values[:, 3:], stamps
    acceleration = np.array([sample.values[:3] for sample in samples])
    some = [sample.values[3:] for sample in samples if len(sample.values) > 3]
    return acceleration, np.array(some).reshape(-1, 3), stamps


def _measure(acceleration: Group, rates: Group, stamps: NDArray[np.int64]) -> ImuDetails:
    lengths = np.linalg.norm(acceleration, axis=1)
    found = ImuDetails(
        acceleration=True,
        gyro=False,
        length=float(np.median(lengths)),
        spread=float(lengths.std()),
        rms=float(np.sqrt(np.mean(lengths**2))),
        steady=float(np.linalg.norm(acceleration.mean(axis=0))),
    )
    no_acceleration, no_rate, by_turns = _zeros(acceleration, rates)
    # What is missing must not be taken for the size of what is there.
    there = lengths[lengths > 0] if 0 < no_acceleration <= _ALL else lengths
    groups = [acceleration, rates] if len(rates) == len(acceleration) else [acceleration]
    stuck, frozen_s = _stuck(groups, stamps)
    return replace(
        found,
        gyro=bool(len(rates)),
        length=float(np.median(there)),
        spread=float(there.std()),
        turning=float(np.quantile(np.linalg.norm(rates, axis=1), 0.99))
        if len(rates)
        else _UNKNOWN,
        no_acceleration=no_acceleration,
        no_rate=no_rate,
        by_turns=by_turns,
        stuck=stuck if no_rate < _ALL and no_acceleration < _ALL else (),
        frozen_s=frozen_s,
        saturated=tuple(_saturated(groups)),
        apart=0.0 if no_acceleration else _apart(acceleration),
        turns_at_rest=0.0 if frozen_s else _turns_at_rest(acceleration, rates, stamps),
    )


def _zeros(acceleration: Group, rates: Group) -> tuple[float, float, bool]:
    """Give the shares of messages without acceleration, without rate, and whether by turns.

    A share is 0 where that is usual: a rate of a sensor that hardly moves.
    """
    resting: NDArray[np.bool_] = (acceleration == 0).all(axis=1)
    no_acceleration = _habit(resting)
    if len(rates) != len(acceleration):
        return no_acceleration, 0.0, False
    standing: NDArray[np.bool_] = (rates == 0).all(axis=1)
    by_turns = 0 < no_acceleration <= _ALL and float((standing != resting).mean()) > _ALL
    # A gyro with a dead band rests between movements, but not all the time.
    always = float(standing.mean()) > _ALL and _is_moving(acceleration)
    return no_acceleration, _habit(standing) if by_turns or always else 0.0, by_turns


def _is_moving(acceleration: Group) -> bool:
    """Tell by accelerations (N, 3) whether a gyro must see something, whatever their unit."""
    one = float(np.median(np.linalg.norm(acceleration, axis=1))) / GRAVITY
    deviation = float(np.sqrt(acceleration.var(axis=0).sum()))
    return deviation > _MOVING * min(1.0, one)


def _habit(found: NDArray[np.bool_]) -> float:
    count = int(found.sum())
    share = count / len(found)
    return share if count >= _LEAST_ZEROS and share >= _LEAST_ZERO_SHARE else 0.0


def _stuck(groups: Sequence[Group], stamps: NDArray[np.int64]) -> tuple[tuple[str, ...], float]:
    """Say which axes have kept their values up to now, and for how many seconds all have."""
    values = np.concatenate(groups, axis=1)
    tails = [_tail(column) for column in values.T]

    def lasts_ns(tail: int) -> int:
        return int(stamps[-1] - stamps[len(stamps) - tail]) if tail else 0

    all_of_them = min(tails)
    if all_of_them >= _STUCK_MESSAGES and lasts_ns(all_of_them) >= _FROZEN_NS:
        return (), lasts_ns(all_of_them) / 1e9
    stuck = []
    for axis, tail in enumerate(tails):
        part = values[len(values) - tail :]
        group, of_group = divmod(axis, 3)
        enough = tail >= max(_STUCK_MESSAGES, _STUCK_SHARE * len(values))
        if enough and lasts_ns(tail) >= _STUCK_NS and _moves(part, group, of_group):
            stuck.append(f'{_AXES[group][of_group]} stays {values[-1, axis]:.6g}')
    return tuple(stuck), 0.0


def _moves(values: Group, group: int, axis: int) -> bool:
    """Tell whether others move while an axis does not, by more than the last bit.

    A gyro with a dead band may hold still while its robot shakes a little.
    """
    others = np.delete(values[:, 3 * group : 3 * group + 3], axis, axis=1)
    various = max(len(np.unique(column)) for column in others.T) >= _VALUES_OF_MOVEMENT
    return various and (group == 0 or _is_moving(values[:, :3]))


def _tail(column: NDArray[np.float64]) -> int:
    """Give how many of the last values are the last one."""
    other = np.flatnonzero(column != column[-1])
    return len(column) - (int(other[-1]) + 1 if len(other) else 0)


def _turns_at_rest(acceleration: Group, rates: Group, stamps: NDArray[np.int64]) -> float:
    """Give the mean rate across gravity, rad/s, where gravity should turn and does not; else 0."""
    mean = acceleration.mean(axis=0)
    length = float(np.linalg.norm(mean))
    stays = float(np.sqrt(((acceleration - mean) ** 2).sum(axis=1).mean())) < _STAYS
    if len(rates) != len(acceleration) or not stays or length < _LEAST_GRAVITY:
        return 0.0
    rate = rates.mean(axis=0)
    across = float(np.linalg.norm(rate - rate @ mean * mean / length**2))
    lasted_s = float(stamps[-1] - stamps[0]) / 1e9
    return across if across > max(_LEAST_TURNING, _TURNED / max(lasted_s, 1e-9)) else 0.0


def _apart(acceleration: Group) -> float:
    """Give how far two sensors that publish by turns lie apart, 0 where there is one."""
    count = len(acceleration) // _APART_MESSAGES * _APART_MESSAGES
    if not count:
        return 0.0
    steps = np.diff(acceleration[: count + 1], axis=0)
    near = float(np.median(np.linalg.norm(steps, axis=1)))
    far = float(np.median(np.linalg.norm(acceleration[2:] - acceleration[:-2], axis=1)))
    if near < max(_LEAST_APART, _APART_RATIO * far):
        return 0.0
    # What shakes at half the rate of its messages drifts through all directions.
    signs = np.where(np.arange(len(steps)) % 2, -1.0, 1.0)[:, np.newaxis]
    signed = (signs * steps)[: len(steps) // _APART_MESSAGES * _APART_MESSAGES]
    if not len(signed):
        return 0.0
    means = signed.reshape(-1, _APART_MESSAGES, 3).mean(axis=1)
    steady = float(np.median(np.linalg.norm(means, axis=1)))
    return near if steady > _SAME_DIRECTION * near else 0.0


def _saturated(groups: Sequence[Group]) -> Iterator[str]:
    for group, values in enumerate(groups):
        for axis, column in enumerate(np.abs(values).T):
            top = float(column.max())
            pile = int((column > top * (1 - _PILE_WIDTH)).sum())
            below = int((column > top * (1 - _BELOW_WIDTH)).sum()) - pile
            piles_up = pile >= max(
                _LEAST_PILE, _LEAST_PILE_SHARE * len(column), _PILE_RATIO * below
            )
            # Half of the samples are no peaks, but where the axis rests.
            if top >= _SMALLEST_RANGES[group] and piles_up and pile < len(column) / 2:
                yield (
                    f'at {top:.4g} {_UNITS[group]} of {_AXES[group][axis]} '
                    f'({pile} of {len(column)})'
                )
