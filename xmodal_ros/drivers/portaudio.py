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

"""Microphones through PortAudio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import time
from typing import Any, Final

from xmodal_ros.errors import DriverError

_SECOND_NS: Final = 1_000_000_000
_BYTES_PER_SAMPLE: Final = 2


@dataclass(frozen=True)
class Microphone:
    """What to record from: 16-bit samples, little endian, channels interleaved.

    ``device`` is a device's number, its name or a part of it; '' takes the default.
    """

    device: str = ''
    rate_hz: int = 16_000
    channels: int = 1
    chunk_frames: int = 320


@dataclass(frozen=True)
class SoundBlock:
    """One chunk as it arrived at ``arrived_ns`` on the steady clock.

    ``age_ns`` is how long before its first sample was taken, as the sound system says;
    ``overflow`` says that samples before it were lost.
    """

    data: bytes
    frames: int
    arrived_ns: int
    age_ns: int
    overflow: bool


@dataclass(frozen=True)
class InputDevice:
    """A device that can record."""

    number: int
    name: str
    channels: int
    default_rate_hz: int


def import_sounddevice() -> Any:
    """Import the binding to PortAudio; raises :class:`DriverError` saying what to install."""
    try:
        import sounddevice
    except ImportError as error:
        raise DriverError(
            f'the Python package {error.name!r} is missing: install it, for example with '
            '"pip install sounddevice"'
        ) from None
    except OSError as error:
        raise DriverError(
            f'PortAudio cannot be loaded ({error}): install it, on Debian and Ubuntu with '
            '"apt-get install libportaudio2"'
        ) from None
    return sounddevice


class ActiveRecording:
    """An open microphone: every chunk is given to ``put``, in PortAudio's own thread.

    Raises :class:`DriverError` when the device is not there, naming those that are, or cannot
    record like this. PortAudio looks for devices only when it starts, so this starts it anew:
    there may be one recording in a process at a time.
    """

    def __init__(self, wanted: Microphone, put: Callable[[SoundBlock], None]) -> None:
        sounddevice = import_sounddevice()
        # PortAudio has no other way to notice what was plugged in since.
        sounddevice._terminate()  # noqa: SLF001
        sounddevice._initialize()  # noqa: SLF001
        device = find_device(wanted.device, _input_devices(sounddevice), _default(sounddevice))
        self.name: Final = device.name

        def arrived(data: Any, frames: int, times: Any, status: Any) -> None:
            arrived_ns = time.monotonic_ns()
            age_ns = round((times.currentTime - times.inputBufferAdcTime) * _SECOND_NS)
            put(SoundBlock(bytes(data), frames, arrived_ns, age_ns, bool(status.input_overflow)))

        self._error: Any = sounddevice.PortAudioError
        try:
            self._stream = sounddevice.RawInputStream(
                device=device.number,
                samplerate=wanted.rate_hz,
                channels=wanted.channels,
                dtype='int16',
                blocksize=wanted.chunk_frames,
                callback=arrived,
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DriverError(_refusal(device, wanted, str(error))) from None
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            self._stream.close()
            raise DriverError(_refusal(device, wanted, str(error))) from None
        self.buffered_ns: Final = round(self._stream.latency * _SECOND_NS)

    @property
    def active(self) -> bool:
        """Whether more may come; False once the device has gone."""
        return bool(self._stream.active)

    def close(self) -> None:
        """Stop recording, at once."""
        for end in (self._stream.abort, self._stream.close):
            try:
                end()
            except self._error:
                # What has gone cannot be stopped any more.
                continue


def find_device(wanted: str, devices: Sequence[InputDevice], default: int) -> InputDevice:
    """Choose by number, name, or part of a name; :class:`DriverError` names all there are."""
    if not devices:
        raise DriverError(
            'there is no microphone: plug one in, or start the sound server; on Debian and Ubuntu '
            'PulseAudio is reached through the package libasound2-plugins'
        )
    if not wanted:
        found = [device for device in devices if device.number == default] or list(devices[:1])
    elif wanted.isdecimal():
        found = [device for device in devices if device.number == int(wanted)]
    else:
        name = wanted.casefold()
        found = [device for device in devices if device.name.casefold() == name]
        found = found or [device for device in devices if name in device.name.casefold()]
    if len(found) == 1:
        return found[0]
    problem = 'several microphones match' if found else 'there is no microphone'
    known = ', '.join(f'{device.number} {device.name!r}' for device in devices)
    raise DriverError(
        f"{problem} {wanted!r}; there are {known}: set the parameter 'device' to a number or name"
    )


def _input_devices(sounddevice: Any) -> list[InputDevice]:
    return [
        InputDevice(
            int(device['index']),
            str(device['name']),
            int(device['max_input_channels']),
            round(device['default_samplerate']),
        )
        for device in sounddevice.query_devices()
        if device['max_input_channels'] > 0
    ]


def _default(sounddevice: Any) -> int:
    return int(sounddevice.default.device[0])


def _refusal(device: InputDevice, wanted: Microphone, reason: str) -> str:
    return (
        f'microphone {device.number} {device.name!r} cannot record {wanted.channels} channels at '
        f'{wanted.rate_hz} Hz ({reason}): it has {device.channels} channels and by default '
        f"{device.default_rate_hz} Hz; set the parameters 'rate' and 'channels', or end what else "
        'uses it'
    )
