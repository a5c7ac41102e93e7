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

"""The modality ``wrench``: forces and torques, as a wrist of a robot or a plate feels them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import numpy as np

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.faults import FaultKind, FEWER_MESSAGES, OF_MESSAGES
from xmodal_ros.modalities.file import SensorFile, TableFile
from xmodal_ros.modalities.modality import Modality, TrainingDefaults
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.modalities.table import read_table, TableColumns
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.cdr_writing import ENCAPSULATION, padding, write_header
from xmodal_ros.streams.placement import Placement
from xmodal_ros.streams.sample import DecodeError, Decoder, Sample

WRENCH_TYPE: Final = 'geometry_msgs/msg/WrenchStamped'
_DOUBLES: Final = 6
_DOUBLE_BYTES: Final = 8
# In N and N m. Far larger values would overflow in a model.
_LARGEST: Final = 1e6
_COLUMNS: Final = ('fx', 'fy', 'fz', 'tx', 'ty', 'tz')


class WrenchStream(StreamConfig):
    """Force x y z in N, then torque x y z in N m."""

    modality: Literal['wrench'] = 'wrench'

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (_DOUBLES,)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return _DOUBLES


def decode_wrench(data: bytes, received_ns: int = 0) -> Sample:
    """Turn a serialized ``WrenchStamped`` into a sample of (6,) float64.

    Raises :class:`DecodeError` with reason ``not_finite``, ``out_of_range``, ``zero_stamp``, or
    for bytes that are no such message.
    """
    cursor = CdrCursor(data)
    stamp_ns, frame_id = cursor.header()
    cursor.align(_DOUBLE_BYTES)
    body = cursor.take(_DOUBLES * _DOUBLE_BYTES)
    values = np.frombuffer(body, f'{cursor.byte_order}f8').astype(np.float64)
    if not np.isfinite(values).all():
        raise DecodeError('not_finite', 'the message holds NaN or infinite values')
    if np.abs(values).max() > _LARGEST:
        raise DecodeError('out_of_range', f'the message holds values beyond {_LARGEST:g} N or N m')
    if stamp_ns <= 0:
        raise DecodeError('zero_stamp', 'header.stamp is not set: windows are placed by it')
    return Sample(stamp_ns, frame_id, values)


@dataclass(frozen=True)
class Drift:
    """Every axis is off by ``newtons`` (a tenth of it in N m), as when temperature changes."""

    newtons: float

    def apply(self, samples: Any, seed: int) -> Any:
        """Add the offset."""
        off = self.newtons * np.array([1, 1, 1, 0.1, 0.1, 0.1])
        return (replace(sample, values=sample.values + off) for sample in samples)


class Wrench(Modality):
    """A force-torque sensor: ``geometry_msgs/WrenchStamped``."""

    name: ClassVar[str] = 'wrench'
    title: ClassVar[str] = 'force-torque sensor'
    message_types: ClassVar[tuple[str, ...]] = (WRENCH_TYPE,)
    Stream: ClassVar[type[StreamConfig]] = WrenchStream
    topic: ClassVar[str] = 'wrench'

    def make_decoder(
        self,
        stream: StreamConfig,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> Decoder:
        """Give the decoder, the same for all streams."""
        return decode_wrench

    def training_defaults(
        self, msgtype: str, first_message: bytes, options: Mapping[str, Any]
    ) -> TrainingDefaults:
        """Resample at 50 Hz, and read it with the encoder of this package."""
        return TrainingDefaults(WrenchStream(), rate_hz=50, encoder='gru')

    def faults(self, stream: StreamConfig | None = None) -> tuple[FaultKind, ...]:
        """Beside what befalls all messages, an offset."""
        drift = FaultKind('drift', 'N', 'every axis is off by', (1, 5, 20), 0, Drift)
        return (*OF_MESSAGES, FEWER_MESSAGES, drift)

    def serialize(self, sample: Sample, stream: StreamConfig) -> bytes:
        """Give a ``WrenchStamped``."""
        head = write_header(sample.stamp_ns, sample.frame_id)
        values = sample.values.astype('<f8').tobytes()
        return ENCAPSULATION + head + padding(len(head), _DOUBLE_BYTES) + values

    def open_file(self, path: Path, options: Mapping[str, Any]) -> SensorFile:
        """Read a table with the columns ``time,fx,fy,fz,tx,ty,tz``."""
        table = read_table(path, TableColumns(_COLUMNS, title=self.title))
        return TableFile(table, WRENCH_TYPE, lambda sample: self.serialize(sample, WrenchStream()))
