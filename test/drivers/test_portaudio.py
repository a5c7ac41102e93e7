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

import sys
from typing import Any

import pytest

from xmodal_ros.drivers.portaudio import (
    ActiveRecording,
    find_device,
    import_sounddevice,
    InputDevice,
    Microphone,
)
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


def test_a_missing_binding_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'sounddevice', None)
    with pytest.raises(DriverError, match=r"'sounddevice' is missing.*pip install sounddevice"):
        import_sounddevice()


class GoneError(Exception):
    """What PortAudio says of a device that has gone."""


def test_a_device_that_goes_as_it_is_opened_is_closed_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A double of the device: no real one goes at this very moment."""
    sounddevice = import_sounddevice()
    done: list[str] = []

    class Stream:
        latency = 0.04
        active = True
        starts = False

        def __init__(self, **_: Any) -> None:
            """Opened, as ever."""

        def start(self) -> None:
            if not self.starts:
                raise GoneError('Unanticipated host error')

        def abort(self) -> None:
            done.append('abort')
            raise GoneError('no such stream')

        def close(self) -> None:
            done.append('close')

    device = {'index': 0, 'name': 'double', 'max_input_channels': 1, 'default_samplerate': 44_100}
    monkeypatch.setattr(sounddevice, 'query_devices', lambda: [device])
    monkeypatch.setattr(sounddevice, 'PortAudioError', GoneError)
    monkeypatch.setattr(sounddevice, 'RawInputStream', Stream)
    with pytest.raises(DriverError, match='Unanticipated host error'):
        ActiveRecording(Microphone(), print)
    assert done == ['close']
    monkeypatch.setattr(Stream, 'starts', True)
    recording = ActiveRecording(Microphone(), print)
    assert recording.active
    recording.close()
    # What cannot be stopped any more is let go nevertheless.
    assert done == ['close', 'abort', 'close']
