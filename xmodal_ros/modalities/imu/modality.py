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

"""The modality ``imu``."""

from collections.abc import Callable, Mapping, Sequence
import math
from pathlib import Path
from typing import Any, ClassVar, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.contents import ContentReader
from xmodal_ros.modalities.faults import FaultKind
from xmodal_ros.modalities.file import SensorFile, TableFile
from xmodal_ros.modalities.imu.contents import (
    ACCELERATION_RMS,
    ImuDetails,
    ImuReader,
    measure,
)
from xmodal_ros.modalities.imu.decoder import has_gyro, IMU_TYPE, ImuDecoder
from xmodal_ros.modalities.imu.messages import imu_sample_message
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.modality import Modality, PlacementField, TrainingDefaults
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.parameter import Parameter, Value
from xmodal_ros.streams.placement import angles_from_rotation, make_placement, Placement
from xmodal_ros.streams.sample import Decoder, Sample

if TYPE_CHECKING:
    from xmodal_ros.modalities.imu.augmentation import ImuAugmentation


class Imu(Modality):
    """An inertial measurement unit: ``sensor_msgs/Imu``."""

    name: ClassVar[str] = 'imu'
    title: ClassVar[str] = 'IMU'
    message_types: ClassVar[tuple[str, ...]] = (IMU_TYPE,)
    Stream: ClassVar[type[StreamConfig]] = ImuStream
    topic: ClassVar[str] = 'imu/data'
    placement: ClassVar[frozenset[PlacementField]] = frozenset({'rotation'})
    node_parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            'mounting_rotation',
            [0.0, 0.0, 0.0],
            "How the IMU is turned against the model's: roll, pitch and yaw in degrees.",
            change='always',
            or_number=True,
        ),
        Parameter(
            'mounting_frame',
            '',
            'Frame of the model, for the rotation to come from /tf_static; before '
            'mounting_rotation.',
            change='always',
        ),
    )
    refusals: ClassVar[Mapping[str, str]] = {
        **Modality.refusals,
        'no_gyro': 'have no gyro (angular_velocity_covariance[0] is -1): only models of '
        'acceleration alone can use them',
        'no_acceleration': 'have no acceleration (linear_acceleration_covariance[0] is -1): they '
        'cannot be used',
    }

    def make_decoder(
        self,
        stream: StreamConfig,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> Decoder:
        """Give the decoder, which turns samples as the IMU is mounted."""
        assert isinstance(stream, ImuStream)  # noqa: S101 - it is this modality's
        return ImuDecoder(stream.channels, placement.rotation)

    def training_defaults(
        self,
        msgtype: str,
        first_message: bytes,
        options: Mapping[str, Any],
    ) -> TrainingDefaults:
        """Resample at 50 Hz; learn from the channels that the user chose, or that there are."""
        channels = options.get('channels', 'auto')
        if channels == 'auto':
            channels = 'acc_gyro' if has_gyro(first_message) else 'acc'
        stream = ImuStream(channels=channels)
        return TrainingDefaults(stream, rate_hz=50, encoder='imu_cnn')

    def augmentation(self) -> 'ImuAugmentation':
        """Turn, scale, warp and shake the signal."""
        from xmodal_ros.modalities.imu.augmentation import ImuAugmentation

        return ImuAugmentation()

    def faults(self, stream: StreamConfig | None = None) -> tuple[FaultKind, ...]:
        """Noise, and another mounting."""
        from xmodal_ros.modalities.imu.faults import FAULTS

        return FAULTS

    def serialize(self, sample: Sample, stream: StreamConfig) -> bytes:
        """Give a ``sensor_msgs/Imu``."""
        return imu_sample_message(sample.stamp_ns, sample.frame_id, sample.values)

    def open_file(self, path: Path, options: Mapping[str, Any]) -> SensorFile:
        """Read a table, whose columns and units ``options['columns']`` names."""
        from xmodal_ros.modalities.imu.table import ImuColumns, read_imu_table

        table = read_imu_table(path, options.get('columns') or ImuColumns())
        return TableFile(table, IMU_TYPE, lambda sample: self.serialize(sample, ImuStream()))

    def activity_change(self, samples: NDArray[Any]) -> NDArray[np.float64]:
        """Give the change of acceleration from sample to sample."""
        step = np.diff(samples[:, :3].astype(np.float64), axis=0)
        change: NDArray[np.float64] = np.abs(step).sum(axis=1)
        return change

    def make_trial_decoder(self, msgtype: str, audio_format: AudioFormat | None = None) -> Decoder:
        """Give the decoder of acceleration and angular rate."""
        return ImuDecoder()

    def make_content_reader(
        self, msgtype: str, audio_format: AudioFormat | None = None
    ) -> ContentReader:
        """Look into messages without a gyro too."""
        return ImuReader()

    def measure(self, samples: Sequence[Sample], stated: AudioFormat | None = None) -> ImuDetails:
        """Measure gravity and angular rates."""
        return measure(samples)

    def expected_statistics(
        self, mean: Sequence[float], std: Sequence[float]
    ) -> Mapping[str, float]:
        """Give the root mean square of the acceleration's length, in m/s², unless all was zero.

        A channel that never changed is divided by one.
        """
        pairs = zip(mean[:3], std[:3], strict=True)
        rms = math.sqrt(sum(mean**2 + (0 if std == 1 else std**2) for mean, std in pairs))
        return {ACCELERATION_RMS: rms} if rms else {}

    def read_parameters(
        self, topic: str, frame: str, get: Callable[[str], Any]
    ) -> SensorInputSettings:
        """Turn samples by the angles that are given, or as static transforms say."""
        placement = make_placement(angles=get('mounting_rotation'))
        return SensorInputSettings(topic, placement, frame, str(get('mounting_frame')))

    def parameters_for(
        self, placement: Placement, audio_format: AudioFormat | None
    ) -> Mapping[str, Value]:
        """Give the angles, where it is turned."""
        if placement.rotation is None:
            return {}
        return {'mounting_rotation': [*angles_from_rotation(placement.rotation)]}
