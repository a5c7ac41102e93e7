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

"""What a model wants of an IMU."""

from typing import Final, Literal

from xmodal_ros.modalities.stream import StreamConfig

ImuChannels = Literal['acc_gyro', 'acc']
# What may be asked for: by what the messages say that the IMU measures, too.
AskedChannels = Literal['auto', ImuChannels]
CHANNEL_COUNT: Final[dict[ImuChannels, int]] = {'acc_gyro': 6, 'acc': 3}


class ImuStream(StreamConfig):
    """An IMU: acceleration in m/s² and, unless left out, angular rate in rad/s."""

    modality: Literal['imu'] = 'imu'
    channels: ImuChannels = 'acc_gyro'

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return (self.channel_count,)

    @property
    def channel_count(self) -> int:
        """The length of a sample's last axis."""
        return CHANNEL_COUNT[self.channels]

    def describe(self) -> str:
        """Say which channels it has."""
        return 'acceleration and gyro' if self.channels == 'acc_gyro' else 'acceleration'
