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

"""How a classifier is doing, as plain data in words a robot's operator understands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from xmodal_ros.modalities.checks import Problem
from xmodal_ros.runtime.latency import LatencyFigures

Level = Literal['ok', 'warning', 'error']

# The names of the values that programs read back from diagnostics.
STATE: Final = 'state'
RECEIVED: Final = 'messages received'
WINDOWS: Final = 'windows classified'
PENDING: Final = 'windows waiting'
QUEUE_DROPS: Final = 'windows dropped, the queue was full'
FAILURES: Final = 'failures inside the node'
RESETS: Final = 'resets, time jumped'
INPUTS: Final = 'publishers matched'
OUTPUTS: Final = 'subscribers matched'
DROPPED: Final = 'messages dropped, '
DOUBT: Final = 'doubt about the data, '

_SECOND_NS: Final = 1_000_000_000
# Nothing at all for this long is worth a word, whatever the sensor's rate.
_SILENCE_NS: Final = 2 * _SECOND_NS

_REASONS: Final[Mapping[str, str]] = {
    'duplicate': 'the same stamp as the one before',
    'encapsulation': 'not plain CDR',
    'late': 'older than the newest one',
    'leap': 'stamped far from those before and after it',
    'no_acceleration': 'acceleration is not measured',
    'no_gyro': 'angular rate is not measured',
    'not_finite': 'NaN or infinite values',
    'scale': 'integers in floats',
    'truncated': 'truncated',
    'zero_stamp': 'the stamp is not set',
}


@dataclass(frozen=True)
class Counters:
    """What a classifier has counted since it was configured.

    ``drops`` are messages not used by reason, ``complaint`` says in words why the last refused
    message was; ``newest_ns`` is when the newest message came, on the steady clock, or None.
    """

    received: int = 0
    drops: Mapping[str, int] = field(default_factory=dict)
    complaint: str = ''
    resets: int = 0
    windows: int = 0
    unknown: int = 0
    pending: int = 0
    queue_drops: int = 0
    failures: int = 0
    failure: str = ''
    coverage: float | None = None
    latency: LatencyFigures = field(default_factory=LatencyFigures)
    newest_ns: int | None = None
    label: str = ''


@dataclass(frozen=True)
class Connection:
    """What the graph says of the input.

    ``problem`` is what keeps data from coming or being used, ``notice`` what is being changed or
    was refused, ``placement`` how samples are turned or cut; '' where there is nothing to say.
    ``doubts`` are what is doubtful about the data.
    """

    topic: str
    msgtype: str
    reliability: str
    inputs: int
    outputs: int
    problem: str = ''
    notice: str = ''
    placement: str = ''
    doubts: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Report:
    """One status: a level, a sentence, and named values; ``known`` to who has asked for it."""

    level: Level
    message: str
    values: tuple[tuple[str, str], ...]
    known: bool = False


def idle_report(state: str, problem: str, values: Mapping[str, str] | None = None) -> Report:
    """Report on a node that is not active; ``problem`` says why, '' by intention."""
    message = f'{state}: {problem}' if problem else state
    named = ((STATE, state), *(values or {}).items())
    return Report('error' if problem else 'ok', message, named)


class HealthMonitor:
    """Turns successive counters into reports; ``clock`` gives steady nanoseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._before = Counters()
        self._before_ns = clock()
        self._active_ns: int | None = None
        self._rate_hz = 0.0

    def active(
        self, counters: Counters, connection: Connection, model: Mapping[str, str]
    ) -> Report:
        """Report on a classifier that is active."""
        now_ns = self._clock()
        if self._active_ns is None:
            self._active_ns = now_ns
        elapsed_ns = max(1, now_ns - self._before_ns)
        since = counters.received - self._before.received
        self._rate_hz = max(0, since) * _SECOND_NS / elapsed_ns
        level, message = self._judge(counters, connection, now_ns)
        values = (
            (STATE, 'active'),
            *_connection_values(connection),
            ('rate', f'{self._rate_hz:.1f} Hz'),
            ('age of the newest message', _age(counters.newest_ns, now_ns)),
            *_counter_values(counters),
            *model.items(),
        )
        self._before, self._before_ns = counters, now_ns
        if connection.placement:
            values += (('placement', connection.placement),)
        if connection.notice:
            values += (('change', connection.notice),)
        values += tuple((f'{DOUBT}{each.code}', each.problem) for each in connection.doubts)
        return Report(level, message, values, known=message == connection.notice)

    def idle(self, state: str, problem: str, model: Mapping[str, str]) -> Report:
        """Report on a classifier that is not active; ``problem`` says why, '' by intention."""
        self._before, self._before_ns = Counters(), self._clock()
        self._active_ns = None
        return idle_report(state, problem, model)

    def _judge(self, counters: Counters, connection: Connection, now_ns: int) -> tuple[Level, str]:
        before = self._before
        refused = sum(counters.drops.values()) - sum(before.drops.values())
        if connection.problem:
            return 'error', connection.problem
        if counters.failures > before.failures:
            return 'error', f'something failed inside the node: {counters.failure}'
        # Before the first message came, silence is counted from the beginning.
        newest_ns = self._active_ns if counters.newest_ns is None else counters.newest_ns
        if newest_ns is not None and now_ns - newest_ns > _SILENCE_NS:
            age = _age(counters.newest_ns, now_ns)
            return 'warning', (
                f'silence on {connection.topic} (newest message: {age}) though '
                f'{_publishers(connection.inputs)} there: is the sensor alive?'
            )
        if refused > 0:
            used = counters.received - before.received - refused
            reason = counters.complaint or _reasons(counters.drops, before.drops)
            if used <= 0:
                return 'error', f'no message on {connection.topic} can be used: {reason}'
            return 'warning', f'{refused} messages on {connection.topic} not used: {reason}'
        if counters.resets > before.resets + 1:
            return 'warning', (
                f'stamps on {connection.topic} jump back and forth '
                f'({counters.resets - before.resets} times since the last report), so no window '
                f'fills: {_publishers(connection.inputs)} there, with one clock each?'
            )
        if counters.queue_drops > before.queue_drops:
            return 'warning', (
                f'{counters.queue_drops - before.queue_drops} windows dropped: inference is '
                'slower than the data; choose a longer hop, a smaller model or another device'
            )
        if connection.notice:
            return 'warning', connection.notice
        return _doubt(connection) or (
            'ok',
            counters.label or 'listening, the first window is not full yet',
        )


def _doubt(connection: Connection) -> tuple[Level, str] | None:
    """Say what is doubtful about the data, the gravest first; None where nothing is."""
    levels: tuple[Literal['error', 'warning'], ...] = ('error', 'warning')
    for level in levels:
        for doubt in connection.doubts:
            if doubt.level == level:
                return level, f'{connection.topic}: {doubt}'
    return None


def _connection_values(connection: Connection) -> tuple[tuple[str, str], ...]:
    return (
        ('topic', connection.topic),
        ('type', connection.msgtype),
        ('reliability', connection.reliability),
        (INPUTS, str(connection.inputs)),
        (OUTPUTS, str(connection.outputs)),
    )


def _counter_values(counters: Counters) -> tuple[tuple[str, str], ...]:
    latency = counters.latency
    return (
        (RECEIVED, str(counters.received)),
        *((DROPPED + in_words(name), str(n)) for name, n in sorted(counters.drops.items())),
        (RESETS, str(counters.resets)),
        (WINDOWS, str(counters.windows)),
        ('windows unknown', str(counters.unknown)),
        (PENDING, str(counters.pending)),
        (QUEUE_DROPS, str(counters.queue_drops)),
        (FAILURES, str(counters.failures)),
        ('coverage of the last window', _share(counters.coverage)),
        ('latency p50', f'{latency.p50_ms:.1f} ms'),
        ('latency p95', f'{latency.p95_ms:.1f} ms'),
    )


def _publishers(count: int) -> str:
    return '1 publisher is' if count == 1 else f'{count} publishers are'


def in_words(reason: str) -> str:
    """Give the words for a reason of refusal."""
    return _REASONS.get(reason, reason.replace('_', ' '))


def _reasons(drops: Mapping[str, int], before: Mapping[str, int]) -> str:
    new = (name for name, count in sorted(drops.items()) if count > before.get(name, 0))
    return ', '.join(map(in_words, new))


def _age(newest_ns: int | None, now_ns: int) -> str:
    return 'never' if newest_ns is None else f'{max(0, now_ns - newest_ns) / _SECOND_NS:.2f} s'


def _share(value: float | None) -> str:
    return 'none yet' if value is None else f'{value:.2f}'
