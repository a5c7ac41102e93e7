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

"""A microphone that comes back: recorded in a thread, reopened when it has gone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
import queue
import threading
import time
from typing import Final, Literal, Protocol

import numpy as np

from xmodal_ros.drivers.portaudio import ActiveRecording, Microphone, SoundBlock
from xmodal_ros.drivers.sample_clock import age_of_first_sample, SampleClock
from xmodal_ros.errors import XmodalError

Severity = Literal['info', 'warning']

_POLL_S: Final = 0.2
# PulseAudio takes up to two seconds to give the first chunk of an idle source.
_SILENCE_NS: Final = 5_000_000_000
_FULL_SCALE: Final = 1 << 15


class OpenMicrophone(Protocol):
    """What recording needs of an open device."""

    @property
    def name(self) -> str:
        """The device's name."""

    @property
    def buffered_ns(self) -> int:
        """How much sound the device keeps while nobody takes it."""

    @property
    def active(self) -> bool:
        """Whether more may come."""

    def close(self) -> None:
        """Stop recording."""


@dataclass(frozen=True)
class AudioCounters:
    """What has been recorded since the start.

    ``device`` is what is being recorded from, '' while it is nothing, and ``problem`` why, or ''.
    ``peak`` is the loudest sample of the newest chunk, 1 at full scale; ``newest_ns`` is when it
    came, on the steady clock.
    """

    device: str = ''
    problem: str = ''
    chunks: int = 0
    samples: int = 0
    overflows: int = 0
    losses: int = 0
    failures: int = 0
    peak: float = 0.0
    newest_ns: int | None = None


class MicrophoneCapture:
    """Records until stopped, and gives every chunk with the time of its first sample.

    ``publish`` gets that time in nanoseconds of ``now_ns`` and the bytes; it is called in the
    thread of this class and must not raise. ``say`` gets what an operator should know. A device
    that is not there or has gone is tried again every ``retry_s`` seconds.
    """

    def __init__(
        self,
        wanted: Microphone,
        publish: Callable[[int, bytes], None],
        say: Callable[[Severity, str], None],
        now_ns: Callable[[], int],
        *,
        retry_s: float = 1.0,
        open_microphone: Callable[
            [Microphone, Callable[[SoundBlock], None]], OpenMicrophone
        ] = ActiveRecording,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        poll_s: float = _POLL_S,
    ) -> None:
        self._wanted = wanted
        self._publish = publish
        self._say = say
        self._now_ns = now_ns
        self._retry_s = retry_s
        self._open = open_microphone
        self._steady_ns = steady_ns
        self._poll_s = poll_s
        self._clock = SampleClock(wanted.rate_hz)
        self._lost_samples = False
        self._counters = AudioCounters()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name='microphone', daemon=True)

    def start(self) -> None:
        """Begin to record."""
        self._thread.start()

    def stop(self) -> None:
        """Return once nothing is published any more."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def counters(self) -> AudioCounters:
        """Give what has been counted so far; from any thread."""
        return self._counters

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                problem = self._record()
            except XmodalError as error:
                problem = str(error)
            except Exception as error:  # noqa: BLE001 - the next attempt may go well
                problem = f'recording failed: {error!r}'
            if not self._stopped.is_set():
                self._note(problem)
                self._stopped.wait(self._retry_s)

    def _record(self) -> str:
        """Record until stopped, or until the device has gone; then say so."""
        # Unbounded, so that PortAudio's thread never waits; it is emptied as it fills.
        blocks: queue.SimpleQueue[SoundBlock] = queue.SimpleQueue()
        microphone = self._open(self._wanted, blocks.put)
        try:
            self._counters = replace(self._counters, device=microphone.name, problem='')
            self._say('info', f'recording from {microphone.name!r}')
            self._lost_samples = True
            newest_ns = self._steady_ns()
            while not self._stopped.is_set():
                try:
                    block = blocks.get(timeout=self._poll_s)
                except queue.Empty:
                    silent = self._steady_ns() - newest_ns > _SILENCE_NS
                    if silent or not microphone.active:
                        self._counters = replace(self._counters, losses=self._counters.losses + 1)
                        reason = 'gives nothing any more' if silent else 'has gone'
                        return f'the microphone {microphone.name!r} {reason}'
                    continue
                newest_ns = self._steady_ns()
                self._take(block, microphone.buffered_ns)
        finally:
            microphone.close()
        return ''

    def _take(self, block: SoundBlock, buffered_ns: int) -> None:
        age_ns = age_of_first_sample(block.frames, self._wanted.rate_hz, block.age_ns, buffered_ns)
        waited_ns = self._steady_ns() - block.arrived_ns
        lost = block.overflow or self._lost_samples
        self._lost_samples = False
        stamp_ns = self._clock.stamp(block.frames, self._now_ns() - waited_ns - age_ns, lost=lost)
        before = self._counters
        self._counters = replace(
            before,
            chunks=before.chunks + 1,
            samples=before.samples + block.frames,
            overflows=before.overflows + block.overflow,
            peak=_peak(block.data),
            newest_ns=block.arrived_ns,
        )
        self._publish(stamp_ns, block.data)

    def _note(self, problem: str) -> None:
        """Keep what is wrong, and say it where it is news."""
        before = self._counters
        text = f'{problem}; trying again every {self._retry_s:g} s'
        self._counters = replace(before, device='', problem=text, failures=before.failures + 1)
        if text != before.problem:
            self._say('warning', text)


def _peak(data: bytes) -> float:
    samples = np.frombuffer(data, '<i2')
    if not samples.size:
        return 0.0
    return max(int(samples.max()), -int(samples.min())) / _FULL_SCALE
