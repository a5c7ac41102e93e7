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

"""Decode ``sensor_msgs/Imu``: specific force in m/s² and angular rate in rad/s."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
import math
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.imu.stream import ImuChannels
from xmodal_ros.streams.cdr import CdrCursor, rows_alike
from xmodal_ros.streams.placement import Matrix
from xmodal_ros.streams.sample import check_stamp, DecodeError, Sample, SampleBlock

IMU_TYPE: Final = 'sensor_msgs/msg/Imu'

# After the header: orientation (4) and its covariance (9), angular velocity (3) and its
# covariance (9), linear acceleration (3) and its covariance (9), all float64. Read are the two
# vectors, and of their covariances the first element.
_FIELDS: Final = '104x 4d 64x 4d 64x'
_LITTLE: Final = struct.Struct(f'<{_FIELDS}')
_BIG: Final = struct.Struct(f'>{_FIELDS}')
_GYRO, _GYRO_COVARIANCE, _ACC, _ACC_COVARIANCE = 0, 3, 4, 7
# The same in columns of float64; their covariances follow.
_GYRO_COLUMNS, _ACC_COLUMNS = slice(13, 16), slice(25, 28)
# A thousand times what any IMU measures; far larger values would overflow in the model.
_LARGEST: Final = 1e6
# Where none is larger, the length of all cannot be.
_SURELY_MEASURED: Final = 1e5
# REP 145: the first covariance element is -1 when the quantity is not measured.
_NOT_MEASURED: Final = -1.0


@dataclass(frozen=True)
class ImuDecoder:
    """Turn serialized IMU messages into samples of (6,) or (3,) float64.

    The order is acceleration x y z, then angular rate x y z, both turned by ``rotation`` (3, 3)
    where one is given. A message is refused with reason
    ``no_acceleration`` or ``no_gyro`` (covariance[0] is -1), ``not_finite``, ``out_of_range``,
    ``zero_stamp``, ``bad_stamp``,
    ``truncated`` or ``encapsulation``.
    """

    channels: ImuChannels = 'acc_gyro'
    rotation: Matrix | None = None

    def __call__(self, data: bytes, received_ns: int = 0) -> Sample:  # noqa: ARG002
        """Decode one message; raises :class:`DecodeError` when it cannot be used."""
        return _decode(data, self.channels, self.rotation)

    def block(self, messages: Sequence[bytes]) -> SampleBlock | None:
        """Decode messages of one size and frame at once, to the same bits as one by one.

        None where they are none such, or one of them may have to be refused.
        """
        first = messages[0]
        try:
            cursor = CdrCursor(first)
            _, frame_id = cursor.header()
        except DecodeError:
            return None
        alike = rows_alike(messages, cursor.position)
        cursor.align(8)
        begin, end = cursor.position, cursor.position + _LITTLE.size
        if alike is None or end > len(first):
            return None
        rows, stamps_ns = alike
        values = self._values(np.ascontiguousarray(rows[:, begin:end]).view('<f8'))
        if values is None:
            return None
        return SampleBlock(stamps_ns, frame_id, values, decoder=self)

    def _values(self, body: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Give values (N, 6) or (N, 3) of bodies of messages (N, 37), None for doubtful ones."""
        columns = [_ACC_COLUMNS]
        if self.channels == 'acc_gyro':
            columns.append(_GYRO_COLUMNS)
        measured = [body[:, each] for each in columns]
        if any((body[:, each.stop] == _NOT_MEASURED).any() for each in columns):
            return None
        # NaN is not below it either.
        if not all(np.abs(each).max() <= _SURELY_MEASURED for each in measured):
            return None
        if self.rotation is not None:
            # In the order of one by one, for sums of three differ by it.
            measured = [
                np.stack([r[0] * x + r[1] * y + r[2] * z for r in self.rotation], axis=1)
                for x, y, z in (each.T for each in measured)
            ]
        return np.concatenate(measured, axis=1)


def has_gyro(data: bytes) -> bool:
    """Say whether a message does not say that angular rates are not measured (REP 145)."""
    try:
        _decode(data, 'acc_gyro', None)
    except DecodeError as error:
        return error.reason != 'no_gyro'
    return True


# Whoever cuts windows of a recording looks into its messages too, one after the other.
@lru_cache(maxsize=1)
def _decode(data: bytes, channels: ImuChannels, rotation: Matrix | None) -> Sample:
    cursor = CdrCursor(data)
    stamp_ns, frame_id = cursor.header()
    cursor.align(8)
    body = cursor.unpack(_LITTLE if cursor.byte_order == '<' else _BIG)
    if body[_ACC_COVARIANCE] == _NOT_MEASURED:
        raise DecodeError(
            'no_acceleration',
            'the IMU does not measure acceleration (linear_acceleration_covariance[0] is -1): '
            'use another topic',
        )
    values = body[_ACC : _ACC + 3]
    if channels == 'acc_gyro':
        if body[_GYRO_COVARIANCE] == _NOT_MEASURED:
            raise DecodeError(
                'no_gyro',
                'the IMU has no gyro (angular_velocity_covariance[0] is -1) but 6 channels '
                'are wanted: train with --channels acc (in a study windows: {channels: acc}), or '
                'choose another topic or model',
            )
        values += body[_GYRO : _GYRO + 3]
    # Of what is not finite this is not either, and no value is larger.
    if not math.hypot(*values) <= _LARGEST:
        _refuse_unusable(values)
    check_stamp(stamp_ns)
    if rotation is not None:
        values = tuple(
            row[0] * x + row[1] * y + row[2] * z
            for x, y, z in zip(*[iter(values)] * 3, strict=True)
            for row in rotation
        )
    return Sample(stamp_ns, frame_id, np.array(values, dtype=np.float64))


def _refuse_unusable(values: tuple[float, ...]) -> None:
    if not all(map(math.isfinite, values)):
        raise DecodeError('not_finite', 'the message holds NaN or infinite values')
    if max(map(abs, values)) > _LARGEST:
        raise DecodeError(
            'out_of_range',
            f'the message holds values beyond {_LARGEST:g} m/s² or rad/s, which no IMU '
            'measures: check its driver',
        )
