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

"""The type of a recorded sensor's messages, and whether it can be one of its modality."""

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.modalities.sensor import Sensor


def sensor_type(reader: BagReader, sensor: Sensor) -> str:
    """Give the type of the messages on a sensor's topic.

    Raises :class:`BagError` for one that no sensor of its modality has.
    """
    msgtype = reader.topics[sensor.topic].msgtype
    readable = find_modality(sensor.modality).message_types
    if msgtype not in readable:
        raise BagError(
            f'sensor {sensor.name!r} of bag {str(reader.path)!r} is declared as {sensor.modality} '
            f'on topic {sensor.topic!r}, which is of type {msgtype}: record it as '
            f"{' or '.join(readable)}, or correct the 'sensors' of its metadata"
        )
    return msgtype
