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

"""What the stamps of any sensor's messages tell, and what is doubtful about them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.checks import CHECKS, Problem

_SECOND_NS: Final = 1_000_000_000
# Messages faster than any sensor of their kind sends them, and then long nothing: such stamps come
# in heaps. Where messages are lost, those that come are as far apart as ever.
_HEAP: Final = 1 / 3
# Steps that are multiples of shorter ones, to this much, are of messages lost between.
_WHOLE: Final = 0.1
_GAP_STEPS, _GAP_S = 5.0, 0.1
_LOSS: Final = 0.1
_PAUSE_NS: Final = _SECOND_NS
# Stamps that step so much further than the messages came apart are of a clock that was set.
_JUMP_NS: Final = _SECOND_NS
# Steps of two publishers alternate: each is unlike the one before, like the one before that, and
# further from the mean than any driver's steps vary.
_LEAST_BY_TURNS, _ALIKE, _UNLIKE = 50, 0.8, 0.1


@dataclass(frozen=True)
class Timing:
    """The spacing of messages, by their stamps where they are set, else by their arrival.

    ``rate_hz`` is one over the typical step, which is the median, or the shorter one of which it
    is a multiple; ``jitter_s`` is what 95 of 100 steps differ from it by at most; ``missing`` is
    how many messages the longer steps could have held. ``heaped`` says that half of the steps are
    shorter than any sensor's and far shorter than the mean one, as when a driver stamps what it
    has read in blocks; then the rate is one over the mean, and none is missing.
    """

    rate_hz: float
    by_stamp: bool
    jitter_s: float
    largest_gap_s: float
    missing: int = 0
    heaped: bool = False

    def is_gap(self, seconds: float) -> bool:
        """Tell whether so long without a message is worth telling."""
        return seconds > max(_GAP_S, _GAP_STEPS / self.rate_hz)


@dataclass(frozen=True)
class StampFacts:
    """What stamps, and times of receipt, tell of ``count`` messages.

    ``unset``, ``backwards`` and ``repeated`` count stamps; ``jumps`` those that went ahead though
    messages came steadily. ``by_turns`` are the two steps in seconds that alternate, if they do.
    """

    count: int = 0
    timing: Timing | None = None
    unset: int = 0
    backwards: int = 0
    repeated: int = 0
    jumps: int = 0
    by_turns: tuple[float, float] | None = None

    def check(self) -> Iterator[Problem]:
        """Yield what is doubtful about the stamps of those that have some."""
        if self.backwards:
            yield CHECKS['backwards'].found(
                f'stamps go back in time {self.backwards} times: what is late is dropped, and '
                'windows start anew at long jumps'
            )
        if self.repeated:
            yield CHECKS['repeated'].found(
                f'{self.repeated} of {self.count} messages repeat a stamp: they are dropped'
            )
        if self.jumps:
            yield CHECKS['jump'].found(
                f'stamps jump ahead {self.jumps} times, though messages come steadily'
            )
        elif self.by_turns:
            short, long = self.by_turns
            yield CHECKS['by-turns'].found(
                f'stamps are {1e3 * short:.3g} and {1e3 * long:.3g} ms apart by turns, as of two '
                'publishers on one topic'
            )
        elif self.timing is not None:
            yield from self._check_timing(self.timing)

    def _check_timing(self, timing: Timing) -> Iterator[Problem]:
        expected = self.count + timing.missing
        if timing.heaped and timing.by_stamp:
            yield CHECKS['heaped-stamps'].found(
                f'stamps come in heaps, with gaps up to {timing.largest_gap_s:.3f} s between: the '
                'driver stamps whole blocks as it reads them'
            )
        elif timing.by_stamp and timing.missing > _LOSS * expected:
            yield CHECKS['loss'].found(
                f'about {timing.missing} of {expected} messages are missing, by their stamps'
            )
        elif timing.is_gap(timing.largest_gap_s):
            yield CHECKS['gap'].found(
                f'a gap of {timing.largest_gap_s:.2f} s at {timing.rate_hz:.1f} Hz'
            )


def stamp_facts(
    stamps: NDArray[np.int64] | None,
    received: NDArray[np.int64],
    shortest_ns: float,
    *,
    pauses: bool = False,
    runs: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    """Give the fields of :class:`StampFacts` for stamps (N,), or without any, and receipts (N,).

    ``shortest_ns`` is the least time between messages of such a sensor. Where there may be
    ``pauses``, as between the clips of a recording, steps of more than a second are no gaps.
    ``runs`` (N,) numbers the runs of neighbours that messages are of, where some between them are
    not known; by what their clocks say it is noticed, too, that stamps were set between them.
    """
    given = received if stamps is None else stamps
    is_set = given > 0
    by_stamp = stamps is not None and bool(is_set.all())
    steps = np.diff(given[is_set])
    came = np.diff(received[is_set])
    back, same = steps < 0, steps == 0
    if runs is not None:
        near = np.diff(runs[is_set]) == 0
        back, same = back | ~near & (steps - came < -_JUMP_NS), same & near
    between = steps_within(given if by_stamp else received, runs)
    # Messages of one time are one.
    between = between[between > 0]
    return {
        'count': len(received),
        'timing': spacing(between, shortest_ns, by_stamp=by_stamp, pauses=pauses),
        'unset': 0 if stamps is None else int(np.count_nonzero(~is_set)),
        'backwards': 0 if stamps is None else int(np.count_nonzero(back)),
        'repeated': 0 if stamps is None else int(np.count_nonzero(same)),
        'by_turns': _by_turns(between, shortest_ns) if by_stamp else None,
        'jumps': int(np.count_nonzero((steps > _JUMP_NS) & (steps - came > _JUMP_NS))),
    }


def steps_within(times: NDArray[np.int64], runs: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Give what lies between times (N,), put in order, or between those of each of the runs."""
    if runs is None:
        return np.diff(in_order(times))
    order = np.lexsort((times, runs))
    steps: NDArray[np.int64] = np.diff(times[order])[np.diff(runs[order]) == 0]
    return steps


def in_order(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort times (N,), which are in order already as a rule."""
    return times if are_in_order(times) else np.sort(times)


def are_in_order(times: NDArray[np.int64]) -> bool:
    """Tell whether none of times (N,) lies before the one before it."""
    return bool((times[1:] >= times[:-1]).all())


def _by_turns(steps: NDArray[np.int64], shortest_ns: float) -> tuple[float, float] | None:
    """Give the two steps in seconds by which steps (N,) alternate, if they do."""
    if len(steps) < _LEAST_BY_TURNS:
        return None
    # A gap is no step.
    steps = np.minimum(steps, 3 * np.median(steps[:-1] + steps[1:]))
    mean = float(steps.mean())
    apart = steps - mean
    spread = float((apart**2).mean())
    if spread < (_UNLIKE * mean) ** 2:
        return None
    next_one = float((apart[1:] * apart[:-1]).mean()) / spread
    next_but_one = float((apart[2:] * apart[:-2]).mean()) / spread
    short, long = steps[apart < 0], steps[apart >= 0]
    # What was read in blocks of two, and stamped so, is heaped.
    if next_one > -_ALIKE or next_but_one < _ALIKE or np.median(short) < shortest_ns:
        return None
    return float(np.median(short)) / _SECOND_NS, float(np.median(long)) / _SECOND_NS


def spacing(
    steps: NDArray[np.int64], shortest_ns: float, *, by_stamp: bool, pauses: bool = False
) -> Timing | None:
    """Measure the spacing of messages by the steps (N,) between them; None without any."""
    if pauses and (steps <= _PAUSE_NS).any():
        steps = steps[steps <= _PAUSE_NS]
    if not len(steps):
        return None
    median, mean = _period(steps), float(steps.mean())
    heaped = median < min(_HEAP * mean, shortest_ns) and np.quantile(steps, 0.95) > mean
    typical = mean if heaped else median
    return Timing(
        rate_hz=_SECOND_NS / typical,
        by_stamp=by_stamp,
        jitter_s=float(np.quantile(np.abs(steps - typical), 0.95)) / _SECOND_NS,
        largest_gap_s=float(steps.max()) / _SECOND_NS,
        missing=0 if heaped else int(np.maximum(np.rint(steps / median) - 1, 0).sum()),
        heaped=bool(heaped),
    )


def _period(steps: NDArray[np.int64]) -> float:
    """Give the median step; where most messages are lost, the step of those that are not."""
    short, median = np.quantile(steps, [0.25, 0.5])
    ratio = float(median / short)
    if round(ratio) >= 2 and abs(ratio - round(ratio)) < _WHOLE:
        return float(short)
    return float(median)
