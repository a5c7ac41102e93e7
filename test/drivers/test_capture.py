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

"""What the recording thread does with a device, played by a double that is never late."""

from collections.abc import Callable, Sequence
import threading

import numpy as np

from test.waiting import PATIENCE_S
from xmodal_ros.drivers.capture import MicrophoneCapture, Severity
from xmodal_ros.drivers.portaudio import Microphone, SoundBlock
from xmodal_ros.errors import DriverError

SECOND = 1_000_000_000
MS = 1_000_000
CHUNK_NS = 20 * MS
WANTED = Microphone()
EPOCH = 1_700_000_000 * SECOND


def block(index: int, *, overflow: bool = False, value: int = 0) -> SoundBlock:
    data = np.full(320, value, '<i2').tobytes()
    return SoundBlock(data, 320, index * CHUNK_NS, CHUNK_NS, overflow)


class Device:
    """Gives its blocks at once, and has gone then."""

    name = 'double'
    buffered_ns = 40 * MS
    active = False

    def __init__(self, blocks: Sequence[SoundBlock], put: Callable[[SoundBlock], None]) -> None:
        self.closed = False
        for each in blocks:
            put(each)

    def close(self) -> None:
        self.closed = True


class Run:
    """A capture of one device after the other, until there is none left."""

    def __init__(self, *attempts: Sequence[SoundBlock] | Exception) -> None:
        self.published: list[tuple[int, bytes]] = []
        self.said: list[tuple[Severity, str]] = []
        self.devices: list[Device] = []
        self._left = list(attempts)
        self._over = threading.Event()
        self.capture = MicrophoneCapture(
            WANTED,
            lambda stamp_ns, data: self.published.append((stamp_ns, data)),
            lambda severity, text: self.said.append((severity, text)),
            lambda: EPOCH,
            retry_s=0.001,
            open_microphone=self._open,
            steady_ns=lambda: 0,
            poll_s=0.001,
        )
        self.capture.start()
        assert self._over.wait(PATIENCE_S)
        self.capture.stop()

    def _open(self, _wanted: Microphone, put: Callable[[SoundBlock], None]) -> Device:
        if not self._left:
            self._over.set()
            raise DriverError('over')
        attempt = self._left.pop(0)
        if isinstance(attempt, Exception):
            raise attempt
        self.devices.append(Device(attempt, put))
        return self.devices[-1]


def test_stamps_are_those_of_the_first_samples() -> None:
    # Blocks are taken at steady time 0, when it is EPOCH: one of index 1 comes 20 ms after that.
    run = Run([block(index) for index in range(5)])
    stamps = [stamp for stamp, _ in run.published]
    assert stamps == [EPOCH - CHUNK_NS + index * CHUNK_NS for index in range(5)]


def test_a_device_that_goes_is_closed_said_and_opened_again() -> None:
    run = Run([block(0), block(1)], DriverError('nowhere'), DriverError('nowhere'), [block(50)])
    counters = run.capture.counters()
    assert all(device.closed for device in run.devices)
    assert (counters.losses, counters.chunks, counters.samples) == (2, 3, 960)
    assert [stamp for stamp, _ in run.published] == [
        EPOCH - CHUNK_NS,
        EPOCH,
        EPOCH + 49 * CHUNK_NS,
    ]
    warnings = [text for severity, text in run.said if severity == 'warning']
    assert [text.partition(';')[0] for text in warnings][:3] == [
        "the microphone 'double' has gone",
        'nowhere',
        "the microphone 'double' has gone",
    ]


def test_overflows_are_counted_and_the_count_begins_anew() -> None:
    run = Run([block(0), block(10, overflow=True), block(11)])
    assert run.capture.counters().overflows == 1
    stamps = [stamp for stamp, _ in run.published]
    assert stamps == [EPOCH + (index - 1) * CHUNK_NS for index in (0, 10, 11)]


def test_the_peak_is_that_of_the_newest_chunk() -> None:
    assert Run([block(0, value=-32768)]).capture.counters().peak == 1.0
    assert Run([block(0, value=9), block(1)]).capture.counters().peak == 0.0


def test_an_error_nobody_expected_is_survived() -> None:
    run = Run(ValueError('surprise'), [block(0)])
    assert len(run.published) == 1
    assert "recording failed: ValueError('surprise')" in run.said[0][1]
