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

"""How a sensor sits on the robot: what of its samples must be turned or cut before a model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import math
from numbers import Real
from typing import Final
import warnings

from xmodal_ros.errors import ConfigurationError

# scipy.spatial is imported where a rotation is really given: it takes half a second, and most
# sensors sit as their models expect.

Matrix = tuple[tuple[float, float, float], ...]
Region = tuple[float, float, float, float]

UNTURNED: Final[Matrix] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
WHOLE_PICTURE: Final[Region] = (0.0, 0.0, 1.0, 1.0)

_FULL_TURN: Final = 360.0
# Quarter turns become exact, and what turns nothing is recognised as that.
_MATRIX_DECIMALS: Final = 12
_ANGLE_DECIMALS: Final = 9
# Far beyond rounding, far below what a person could have meant.
_ORTHONORMAL_TOLERANCE: Final = 1e-6
# Shares such as 0.9 and 0.1 need not add up to one exactly.
_SHARE_TOLERANCE: Final = 1e-9
# What tf2 accepts: it ignores transforms whose squared length is further from one.
_QUATERNION_TOLERANCE: Final = 0.01


@dataclass(frozen=True)
class Placement:
    """Where a sensor differs from those that models are trained for.

    ``rotation`` (3, 3), by rows, turns an IMU's vectors from the sensor's frame into the frame
    that the model was trained in; ``region`` is the part of a camera's picture to look at: left,
    top, width and height as shares of the whole. None changes nothing and costs nothing.

    Raises :class:`ConfigurationError` for a matrix that is no rotation, or a region that does
    not lie in the picture.
    """

    rotation: Matrix | None = None
    region: Region | None = None

    def __post_init__(self) -> None:
        if self.rotation is not None:
            _check_rotation(self.rotation)
        if self.region is not None:
            _region(self.region)


AS_IT_COMES: Final = Placement()


def make_placement(
    angles: Sequence[float] | None = None, region: Sequence[float] | None = None
) -> Placement:
    """Make a placement from what people write down; None and what changes nothing become None.

    ``angles`` are roll, pitch and yaw in degrees as for :func:`rotation_from_angles`, ``region``
    is left, top, width and height as shares of the picture in [0, 1]. Raises
    :class:`ConfigurationError` for anything else.
    """
    rotation = None
    if angles is not None:
        rotation = rotation_from_angles(*_angles(angles))
    return placement_from_rotation(rotation, region)


def placement_from_rotation(
    rotation: Matrix | None, region: Sequence[float] | None = None
) -> Placement:
    """Make a placement from a rotation (3, 3) that is known as a matrix, as from a transform.

    Like :func:`make_placement` otherwise.
    """
    if rotation == UNTURNED:
        rotation = None
    if region is not None:
        shares = _region(region)
        return Placement(rotation, None if shares == WHOLE_PICTURE else shares)
    return Placement(rotation)


def rotation_from_angles(roll: float, pitch: float, yaw: float) -> Matrix:
    """Give the rotation (3, 3) of a sensor that was turned by these angles in degrees.

    They turn about the fixed axes x, y and z in this order, R = Rz(yaw) Ry(pitch) Rx(roll)
    (REP 103): the ``rpy`` of a URDF joint from the model's frame to the sensor's, in degrees. The
    matrix maps vectors of the sensor's frame to the frame that the model was trained in. Raises
    :class:`ConfigurationError` unless all are finite and within a full turn.
    """
    angles = _angles((roll, pitch, yaw))
    if not any(angles):
        return UNTURNED
    from scipy.spatial.transform import Rotation

    return as_matrix(Rotation.from_euler('xyz', angles, degrees=True).as_matrix().tolist())


def rotation_from_quaternion(x: float, y: float, z: float, w: float) -> Matrix:
    """Give the rotation (3, 3) of a unit quaternion, such as that of a transform.

    Of a transform from a parent frame to a child frame, the matrix maps vectors of the child to
    the parent. Raises :class:`ConfigurationError` when it is not finite, or its squared length is
    further than 0.01 from one, which is what tf2 ignores too.
    """
    quaternion = _numbers((x, y, z, w), 4, 'a quaternion', 'x, y, z and w')
    if abs(math.fsum(value * value for value in quaternion) - 1.0) > _QUATERNION_TOLERANCE:
        raise ConfigurationError(
            f'the quaternion {list(quaternion)} has length {math.hypot(*quaternion):.3g} instead '
            'of 1, so it is no rotation: correct what publishes it'
        )
    from scipy.spatial.transform import Rotation

    return as_matrix(Rotation.from_quat(quaternion).as_matrix().tolist())


def angles_from_rotation(rotation: Matrix) -> tuple[float, float, float]:
    """Give roll, pitch and yaw in degrees, to nine decimals, with which a rotation can be written.

    The opposite of :func:`rotation_from_angles`. Where the pitch is ±90° many roll and yaw do the
    same; one of them is 0 then.
    """
    from scipy.spatial.transform import Rotation

    with warnings.catch_warnings():
        # It warns of the choice that the docstring speaks of.
        warnings.simplefilter('ignore', UserWarning)
        found = Rotation.from_matrix(rotation).as_euler('xyz', degrees=True).tolist()
    roll, pitch, yaw = (round(angle, _ANGLE_DECIMALS) + 0.0 for angle in found)
    return roll, pitch, yaw


def describe(placement: Placement) -> str:
    """Say in words what a placement changes; '' where it changes nothing."""
    words = []
    if placement.rotation is not None:
        roll, pitch, yaw = angles_from_rotation(placement.rotation)
        words.append(f'turned by roll {roll:g}°, pitch {pitch:g}°, yaw {yaw:g}°')
    if placement.region is not None:
        left, top, width, height = placement.region
        words.append(f'{width:.0%} x {height:.0%} of the picture from {left:.0%}, {top:.0%}')
    return ', '.join(words)


def as_matrix(rows: Iterable[Iterable[float]]) -> Matrix:
    """Give a rotation (3, 3) as rows of numbers, rounded so that quarter turns are exact."""
    # The zero that is added makes -0.0 an ordinary one.
    return tuple(
        (round(x, _MATRIX_DECIMALS) + 0.0, round(y, _MATRIX_DECIMALS) + 0.0,
         round(z, _MATRIX_DECIMALS) + 0.0)
        for x, y, z in rows
    )  # fmt: skip


def _angles(values: Sequence[float]) -> tuple[float, float, float]:
    what = 'a mounting rotation'
    roll, pitch, yaw = _numbers(values, 3, what, 'roll, pitch and yaw in degrees')
    if max(abs(roll), abs(pitch), abs(yaw)) > _FULL_TURN:
        raise ConfigurationError(
            f'{what} of {roll:g}, {pitch:g}, {yaw:g} degrees is more than a full turn: give roll, '
            'pitch and yaw between -360 and 360'
        )
    return roll, pitch, yaw


def _region(values: Sequence[float]) -> Region:
    what = 'a region of interest'
    left, top, width, height = _numbers(values, 4, what, 'left, top, width and height')
    inside = min(left, top) >= 0 and max(left + width, top + height) <= 1 + _SHARE_TOLERANCE
    if not inside or min(width, height) <= 0:
        raise ConfigurationError(
            f'{what} of {left:g}, {top:g}, {width:g}, {height:g} does not lie in the picture: '
            'give left, top, width and height as shares of it, such as 0.25, 0, 0.5, 1 for its '
            'middle half'
        )
    return left, top, width, height


def _check_rotation(rows: Matrix) -> None:
    if len(rows) != len(UNTURNED):
        raise ConfigurationError(f'a rotation matrix has three rows, not {len(rows)}')
    a, b, c = (_numbers(row, 3, 'a row of a rotation matrix', 'three numbers') for row in rows)
    # Two rows of length one at a right angle, the third their cross product: not mirrored.
    deviations = (
        _dot(a, a) - 1,
        _dot(b, b) - 1,
        _dot(a, b),
        a[1] * b[2] - a[2] * b[1] - c[0],
        a[2] * b[0] - a[0] * b[2] - c[1],
        a[0] * b[1] - a[1] * b[0] - c[2],
    )
    if max(map(abs, deviations)) > _ORTHONORMAL_TOLERANCE:
        raise ConfigurationError(
            f'the matrix {rows} is no rotation (its rows must be at right angles, of length one '
            'and not mirrored): make it from angles or a quaternion'
        )


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def _numbers(values: Sequence[float], count: int, what: str, meaning: str) -> tuple[float, ...]:
    """Check that these are ``count`` finite numbers, whatever they were parsed from."""
    shown: object = values
    try:
        shown = items = list(values)
        if any(isinstance(item, bool) or not isinstance(item, Real) for item in items):
            raise TypeError
        numbers = tuple(map(float, items))
    except (TypeError, ValueError, OverflowError):
        numbers = ()
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ConfigurationError(
            f'{shown!r} is not {what}: give {meaning}, {count} finite numbers'
        )
    return numbers
