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

"""What a training process sends to the one that started it: a JSON object a line, on stdout.

``xmodal train --events`` writes these lines, and nothing else on stdout. The last one is
:class:`Finished`, :class:`Failed` or :class:`Stopped`; a stream that ends without one of them is
that of a process that was killed, or had an option that does not exist. The exit status is 0, 1 or
2, and 130 (SIGINT) or 143 (SIGTERM).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
import json
import math
import time
from typing import Any, ClassVar, Final, get_args

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.progress import EpochMetrics

# What comes more often is left out: a person reads it.
_LEAST_INTERVAL_S: Final = 0.2


@dataclass(frozen=True)
class StageStarted:
    """A stage of ``total`` steps begins; the one before is over."""

    event: ClassVar[str] = 'stage'
    stage: str
    total: int


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` steps of a stage.

    ``done`` may hold a part of a step. While a classifier is trained a step is an epoch: ``epoch``
    of at most ``epochs`` is over, with the mean ``loss`` over it and that on validation. ``eta_s``
    is when the stage ends at this pace, in seconds from now. What is not known, or has no meaning
    in this stage, is None.
    """

    event: ClassVar[str] = 'progress'
    stage: str
    done: float
    total: int
    detail: str = ''
    epoch: int | None = None
    epochs: int | None = None
    loss: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    eta_s: float | None = None


@dataclass(frozen=True)
class Note:
    """Something a person should know."""

    event: ClassVar[str] = 'note'
    text: str


@dataclass(frozen=True)
class Finished:
    """The bundle is written, at this path, with these scores of the test subjects."""

    event: ClassVar[str] = 'finished'
    bundle: str
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The run ended with an error, meant for a person; no bundle was written."""

    event: ClassVar[str] = 'failed'
    message: str


@dataclass(frozen=True)
class Stopped:
    """The run was stopped from outside; no bundle was written."""

    event: ClassVar[str] = 'stopped'
    message: str


Event = StageStarted | Progress | Note | Finished | Failed | Stopped
_KINDS: Final[Mapping[str, type[Event]]] = {kind.event: kind for kind in get_args(Event)}


def to_line(event: Event) -> str:
    """Give an event as one line of JSON, without its end; numbers that are none become null."""
    content = {name: _plain(value) for name, value in asdict(event).items()}
    return json.dumps({'event': event.event, **content}, allow_nan=False)


def from_line(line: str) -> Event:
    """Read a line that :func:`to_line` gave.

    Fields this version does not know are left out, so that a newer child may say more. Raises
    :class:`ConfigurationError` for a line that is no event.
    """
    try:
        content: Any = json.loads(line)
        kind = _KINDS[content['event']]
        known = {each.name for each in fields(kind)}
        return kind(**{name: value for name, value in content.items() if name in known})
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigurationError(f'{line[:200]!r} is no event of a training run') from error


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class EventReporter:
    """Give a run's progress to ``send`` as events, no more often than a person can read."""

    def __init__(
        self, send: Callable[[Event], None], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._send = send
        self._now_s = now_s
        self._stage, self._total = '', 0
        self._first: tuple[float, float] | None = None
        self._metrics: EpochMetrics | None = None
        self._sent_s = -math.inf

    def begin(self, stage: str, total: int) -> None:
        """Report a new stage."""
        self._stage, self._total = stage, total
        self._first, self._metrics, self._sent_s = None, None, -math.inf
        self._send(StageStarted(stage, total))

    def advance(self, done: float, detail: str = '') -> None:
        """Report how far the stage is, unless that was just done."""
        eta_s = self._eta_s(done)
        if self._now_s() - self._sent_s >= _LEAST_INTERVAL_S or done >= self._total:
            self._progress(done, detail, eta_s)

    def epoch(self, metrics: EpochMetrics) -> None:
        """Report every epoch."""
        self._metrics = metrics
        self._progress(metrics.epoch, metrics.words, self._eta_s(metrics.epoch))

    def note(self, text: str) -> None:
        """Report something a person should know."""
        self._send(Note(text))

    def _progress(self, done: float, detail: str, eta_s: float | None) -> None:
        self._sent_s = self._now_s()
        progress = Progress(self._stage, round(done, 3), self._total, detail, eta_s=eta_s)
        if self._metrics is not None:
            progress = replace(
                progress,
                epoch=self._metrics.epoch,
                epochs=self._total,
                loss=self._metrics.training_loss,
                validation_loss=self._metrics.validation_loss,
                validation_accuracy=self._metrics.validation_accuracy,
            )
        self._send(progress)

    def _eta_s(self, done: float) -> float | None:
        now_s = self._now_s()
        if self._first is None:
            # A run that goes on begins in the middle: the pace is that from here on.
            self._first = (now_s, done)
            return None
        first_s, first = self._first
        if done <= first:
            return None
        left = max(0, self._total - done)
        return round((now_s - first_s) / (done - first) * left, 1)
