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

import pytest

from xmodal_ros.drivers.portaudio import find_device, InputDevice
from xmodal_ros.errors import DriverError

DEVICES = (
    InputDevice(2, 'USB Audio: hw:1,0', 2, 44_100),
    InputDevice(5, 'pulse', 32, 44_100),
    InputDevice(6, 'pulse monitor', 32, 44_100),
)


@pytest.mark.parametrize(
    ('wanted', 'number'),
    [('', 5), ('2', 2), ('usb', 2), ('PULSE', 5), ('monitor', 6)],
)
def test_a_device_is_found_by_number_name_or_part_of_it(wanted: str, number: int) -> None:
    assert find_device(wanted, DEVICES, default=5).number == number


def test_without_a_default_the_first_is_taken() -> None:
    assert find_device('', DEVICES, default=-1).number == 2


@pytest.mark.parametrize(
    ('wanted', 'words'),
    [('kinect', 'no microphone'), ('4', 'no microphone'), ('u', 'several microphones match')],
)
def test_what_is_not_found_is_answered_with_what_there_is(wanted: str, words: str) -> None:
    with pytest.raises(DriverError, match=words) as refusal:
        find_device(wanted, DEVICES, default=5)
    for device in DEVICES:
        assert f'{device.number} {device.name!r}' in str(refusal.value)


def test_a_machine_without_microphones_says_so() -> None:
    with pytest.raises(DriverError, match='plug one in'):
        find_device('', (), default=-1)
