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

"""How a microphone or camera is doing, in words an operator understands."""

from collections.abc import Iterator
import math
from typing import Final

from xmodal_ros.drivers.capture import AudioCounters
from xmodal_ros.drivers.grabber import VideoCounters
from xmodal_ros.drivers.portaudio import Microphone
from xmodal_ros.drivers.video import Video
from xmodal_ros.runtime.health import Level, Report, STATE

_SECOND_NS: Final = 1_000_000_000
# Far longer than a camera's exposure or a microphone's first chunk takes.
_SILENCE_NS: Final = 2 * _SECOND_NS


def audio_report(
    wanted: Microphone,
    before: AudioCounters,
    counters: AudioCounters,
    elapsed_ns: int,
    now_ns: int,
) -> Report:
    """Report on an active microphone, after ``elapsed_ns`` since the counters ``before``."""
    overflows = counters.overflows - before.overflows
    level: Level = 'ok'
    message = f'recording from {counters.device!r}'
    if counters.problem:
        level, message = 'error', counters.problem
    elif not counters.device:
        level, message = 'warning', 'no sound has come yet'
    elif _silent(counters.newest_ns, now_ns):
        level, message = 'warning', f'{counters.device!r} is open but gives nothing'
    elif overflows > 0:
        level = 'warning'
        message = f'samples were lost {overflows} times: this machine is too busy'
    elif counters.peak == 0:
        level = 'warning'
        message = f'{counters.device!r} gives nothing but zeros: is the microphone muted?'
    return Report(
        level, message, tuple(_audio_values(wanted, before, counters, elapsed_ns, now_ns))
    )


def _audio_values(
    wanted: Microphone,
    before: AudioCounters,
    counters: AudioCounters,
    elapsed_ns: int,
    now_ns: int,
) -> Iterator[tuple[str, str]]:
    yield STATE, 'active'
    yield 'device', counters.device
    yield 'rate', f'{wanted.rate_hz} Hz'
    yield 'channels', str(wanted.channels)
    measured = _rate_hz(counters.samples - before.samples, elapsed_ns)
    yield 'samples a second', f'{measured:.0f} Hz'
    yield 'age of the newest chunk', _age(counters.newest_ns, now_ns)
    yield 'peak', _decibel(counters.peak)
    yield 'chunks', str(counters.chunks)
    yield 'samples', str(counters.samples)
    yield 'overflows', str(counters.overflows)
    yield 'times the device has gone', str(counters.losses)
    yield 'failed attempts', str(counters.failures)


def video_report(
    wanted: Video, before: VideoCounters, counters: VideoCounters, elapsed_ns: int, now_ns: int
) -> Report:
    """Report on an active camera, after ``elapsed_ns`` since the counters ``before``."""
    damaged = counters.damaged - before.damaged
    rate_hz = _rate_hz(counters.frames - before.frames, elapsed_ns)
    level: Level = 'ok'
    message = f'{counters.width}x{counters.height} pixels at {rate_hz:.1f} Hz from {wanted.shown}'
    if counters.over:
        level, message = 'warning', f'{wanted.shown} is over: set loop to play it again and again'
    elif counters.problem:
        level, message = 'error', counters.problem
    elif not counters.backend:
        level, message = 'warning', f'no frame has come yet from {wanted.shown}'
    elif _silent(counters.newest_ns, now_ns):
        level, message = 'warning', f'{wanted.shown} is open but gives no frames'
    elif damaged > 0:
        level, message = 'warning', f'{damaged} frames from {wanted.shown} could not be decoded'
    return Report(level, message, tuple(_video_values(wanted, counters, rate_hz, now_ns)))


def _video_values(
    wanted: Video, counters: VideoCounters, rate_hz: float, now_ns: int
) -> Iterator[tuple[str, str]]:
    yield STATE, 'active'
    yield 'source', wanted.shown
    yield 'kind', wanted.kind
    yield 'opened by', counters.backend
    yield 'rate', f'{rate_hz:.1f} Hz'
    yield 'size', f'{counters.width}x{counters.height}'
    yield 'age of the newest frame', _age(counters.newest_ns, now_ns)
    yield 'frames', str(counters.frames)
    yield 'frames skipped, above the rate', str(counters.skipped)
    yield 'frames damaged', str(counters.damaged)
    yield 'times the source has gone', str(counters.losses)
    yield 'times the file was played', str(counters.rounds)


def _silent(newest_ns: int | None, now_ns: int) -> bool:
    return newest_ns is None or now_ns - newest_ns > _SILENCE_NS


def _rate_hz(count: int, elapsed_ns: int) -> float:
    return max(0, count) * _SECOND_NS / max(1, elapsed_ns)


def _age(newest_ns: int | None, now_ns: int) -> str:
    return 'never' if newest_ns is None else f'{max(0, now_ns - newest_ns) / _SECOND_NS:.2f} s'


def _decibel(peak: float) -> str:
    return f'{20 * math.log10(peak):.0f} dBFS' if peak > 0 else 'nothing but zeros'
