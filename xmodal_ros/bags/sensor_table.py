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

"""Sensors as a recording's metadata declares them: rows of JSON under the key ``sensors``."""

from typing import Any

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.placement import angles_from_rotation, make_placement


def sensor_row(sensor: Sensor) -> dict[str, object]:
    """Give what is written for a sensor; how it sits only where it is not as it comes.

    ``mounting_rotation`` is roll, pitch, yaw in degrees, ``region_of_interest`` is left, top,
    width, height as shares of the picture.
    """
    row: dict[str, object] = {
        'name': sensor.name,
        'modality': sensor.modality,
        'topic': sensor.topic,
        'frame': sensor.frame,
    }
    if sensor.placement.rotation is not None:
        row['mounting_rotation'] = angles_from_rotation(sensor.placement.rotation)
    if sensor.placement.region is not None:
        row['region_of_interest'] = sensor.placement.region
    return row


def read_sensor(row: Any) -> Sensor:
    """Make a sensor from a row that was parsed from JSON.

    Raises :class:`ConfigurationError` when it cannot sit so, and KeyError, TypeError or
    AttributeError when the row is none of a sensor.
    """
    name = row['name']
    try:
        placement = make_placement(row.get('mounting_rotation'), row.get('region_of_interest'))
    except ConfigurationError as error:
        raise ConfigurationError(f'sensor {name!r}: {error}') from None
    return Sensor(name, row['modality'], row['topic'], row.get('frame', ''), placement)
