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

"""How sensors sit is written into recordings and read back, or refused in words."""

import json
from pathlib import Path

import pytest

from test.bags.recordings import write_imu_bag
from test.messages import EPOCH, imu_bytes, SECOND
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.sensor_table import read_sensor
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.placement import make_placement
from xmodal_ros.windows.assembler import Window
from xmodal_ros.windows.windowing import WindowingSpec

IMU_TYPE = 'sensor_msgs/msg/Imu'
UPSIDE_DOWN = Sensor('imu', 'imu', '/imu', 'imu_link', make_placement((180, 0, 0)))
PORTRAIT = Sensor(
    'camera', 'camera', '/camera', 'camera_link', make_placement(None, (0.25, 0, 0.5, 1))
)


def test_how_sensors_sit_survives_being_written_and_read(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', sensors=[UPSIDE_DOWN, PORTRAIT])
    with BagReader(bag) as reader:
        assert reader.sensors == (UPSIDE_DOWN, PORTRAIT)
        imu, camera = json.loads(reader.metadata['sensors'])
    assert imu['mounting_rotation'] == [180, 0, 0]
    assert camera['region_of_interest'] == [0.25, 0, 0.5, 1]


def test_sensors_that_sit_as_expected_are_declared_without_a_word_about_it(
    tmp_path: Path,
) -> None:
    sensor = Sensor('imu', 'imu', '/imu', 'imu_link')
    with BagReader(write_imu_bag(tmp_path / 'bag', sensors=[sensor])) as reader:
        (row,) = json.loads(reader.metadata['sensors'])
        assert row == {'name': 'imu', 'modality': 'imu', 'topic': '/imu', 'frame': 'imu_link'}


def test_the_declaration_that_the_documentation_shows_is_understood() -> None:
    page = (Path(__file__).parents[2] / 'docs' / 'sensors.md').read_text(encoding='utf-8')
    rows = json.loads(page.partition('```json')[2].partition('```')[0])
    imu, camera = map(read_sensor, rows)
    assert (imu.name, imu.frame, imu.placement) == ('imu_wrist', 'imu_link', UPSIDE_DOWN.placement)
    assert (camera.topic, camera.placement) == ('/camera/image_raw', PORTRAIT.placement)


@pytest.mark.parametrize(
    ('row', 'complaint'),
    [
        ({'mounting_rotation': 180}, r"sensor 'wrist': 180 is not .*roll, pitch and yaw"),
        ({'mounting_rotation': [180, 0]}, 'roll, pitch and yaw in degrees'),
        ({'mounting_rotation': [float('nan'), 0, 0]}, 'finite'),
        ({'modality': 'camera', 'region_of_interest': [0, 0, 640, 480]}, 'lie in the picture'),
        ({'modality': 'camera', 'mounting_rotation': [180, 0, 0]}, 'for an imu only'),
        ({'region_of_interest': [0, 0, 0.5, 1]}, 'for a camera only'),
    ],
)
def test_what_cannot_be_meant_is_refused_by_bag_sensor_and_reason(
    tmp_path: Path, row: dict[str, object], complaint: str
) -> None:
    declared = json.dumps([{'name': 'wrist', 'modality': 'imu', 'topic': '/imu_wrist', **row}])
    bag = write_imu_bag(tmp_path / 'bag', metadata={'sensors': declared})
    with pytest.raises(BagError, match=rf"bag '.*bag': custom_data 'sensors': .*{complaint}"):
        BagReader(bag)


def test_a_sensor_made_by_hand_is_checked_too() -> None:
    with pytest.raises(ConfigurationError, match='for a camera only'):
        Sensor('imu', 'imu', '/imu', placement=PORTRAIT.placement)
    with pytest.raises(ConfigurationError, match='for an imu only'):
        Sensor('camera', 'camera', '/camera', placement=UPSIDE_DOWN.placement)


def windows_of(path: Path, sensor: Sensor, sign: int) -> list[Window]:
    """Record an IMU of which y and z are turned over for ``sign`` -1, and cut its windows."""
    with BagWriter(path, sensors=[sensor]) as writer:
        for index in range(250):
            stamp = EPOCH + index * SECOND // 50
            acc, gyro = (0.1 * index, sign * 2.0, sign * 9.81), (1.0, sign * 0.02 * index, 0.0)
            writer.write(sensor.topic, IMU_TYPE, stamp, imu_bytes(stamp, acc, gyro))
    with BagReader(path) as reader:
        placement = reader.sensor(sensor.name).placement
        intake = SensorIntake(ImuStream(), WindowingSpec(rate_hz=50), IMU_TYPE, placement)
        return list(intake.windows(message.data for message in reader.messages()))


def test_an_imu_recorded_upside_down_gives_the_windows_of_an_upright_one(tmp_path: Path) -> None:
    upright = windows_of(tmp_path / 'upright', Sensor('imu', 'imu', '/imu'), 1)
    turned = windows_of(tmp_path / 'turned', UPSIDE_DOWN, -1)
    assert len(upright) > 3
    assert [each.end_ns for each in turned] == [each.end_ns for each in upright]
    for ours, theirs in zip(turned, upright, strict=True):
        assert (ours.values == theirs.values).all()
        assert (ours.values[:, 2] > 0).all()
