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

"""How forces and torques are drawn in the report and on the labelling page."""

from typing import Final

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.motion import Quantity, TraceLane
from xmodal_ros.modalities.sensor import Sensor
from xmodal_wrench.modality import decode_wrench

_QUANTITIES: Final = (Quantity('force', 'N', (-50, 50)), Quantity('torque', 'N m', (-5, 5)))


class WrenchLane(TraceLane):
    """Three axes of force and three of torque."""

    @classmethod
    def probe(cls, _reader: BagReader, sensor: Sensor, message: Message) -> 'WrenchLane':
        """Read them as classifiers do; raises DecodeError for a message that tells nothing."""
        decode_wrench(message.data)
        return cls(sensor.name, decode_wrench, _QUANTITIES)
