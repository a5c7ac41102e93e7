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

"""How a skeleton is drawn: how far the body reaches along each axis, whatever its joints are."""

from dataclasses import dataclass
from typing import Final

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.motion import Quantity, TraceLane
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.skeleton.decoder import count_joints, SkeletonDecoder
from xmodal_ros.streams.sample import Sample

_QUANTITIES: Final = (Quantity('extent', 'm', (0, 2)),)


@dataclass(frozen=True)
class _Extent:
    """Turns poses into (3,) metres: from the first joint along an axis to the last."""

    decoder: SkeletonDecoder

    def __call__(self, data: bytes, received_ns: int = 0) -> Sample:
        sample = self.decoder(data, received_ns)
        joints = sample.values.reshape(-1, 3)
        return Sample(sample.stamp_ns, sample.frame_id, joints.max(axis=0) - joints.min(axis=0))


class SkeletonLane(TraceLane):
    """Arms that rise, a body that bends, legs that step: each changes how far it reaches."""

    @classmethod
    def probe(cls, _reader: BagReader, sensor: Sensor, message: Message) -> 'SkeletonLane':
        """Count the joints of one message; raises DecodeError where it is no skeleton."""
        extent = _Extent(SkeletonDecoder(count_joints(message.data)))
        extent(message.data)
        return cls(sensor.name, extent, _QUANTITIES)
