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

import math

import pytest

from test.messages import EPOCH, imu_bytes
from xmodal_ros.modalities.contents import Contents
from xmodal_ros.modalities.imu.contents import ImuDetails
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.modality import Imu


def imu(*messages: bytes) -> Contents:
    return Imu().describe_contents(IMU_TYPE, [(data, EPOCH) for data in messages])


def test_an_imu_tells_its_frame_acceleration_and_angular_rate() -> None:
    found = imu(imu_bytes(EPOCH, (0, 0, 9), (0, 0, 1)), imu_bytes(EPOCH, (0, 11, 0), (0, 0, 3)))
    assert (found.looked_at, found.frame_id, found.refused) == (2, 'imu_link', {})
    assert isinstance(found.details, ImuDetails)
    assert found.details.acceleration
    assert found.details.gyro
    assert found.details.length == pytest.approx(10)
    assert found.details.spread == pytest.approx(1)
    assert found.details.rms == pytest.approx(math.sqrt(101))
    assert found.details.turning == pytest.approx(3, rel=0.01)


def test_an_imu_without_gyro_still_tells_its_acceleration() -> None:
    found = imu(imu_bytes(EPOCH, has_gyro=False))
    assert found.refused == {}
    assert isinstance(found.details, ImuDetails)
    assert (found.details.acceleration, found.details.gyro) == (True, False)
    assert found.details.length == pytest.approx(9.81)


def test_an_imu_without_acceleration_is_refused() -> None:
    found = imu(imu_bytes(EPOCH, has_acc=False))
    assert found.refused == {'no_acceleration': 1}
    assert 'acceleration' in found.complaint
    assert isinstance(found.details, ImuDetails)
    assert not found.details.acceleration


def test_a_model_of_a_dead_sensor_expects_nothing_of_another():
    """What never changed is divided by one, which is no acceleration."""
    imu = Imu()
    assert imu.expected_statistics((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)) == {}
    (rms,) = imu.expected_statistics((0.0, 0.0, 9.81), (3.0, 4.0, 1.0)).values()
    assert rms == pytest.approx((25 + 9.81**2) ** 0.5)
