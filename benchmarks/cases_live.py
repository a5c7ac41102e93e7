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

"""What is asked of cases with live nodes: judged by every label and status that was heard."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
import math
from typing import Any, Final

from benchmarks.cases import Bench, CaseMissingError, Check, Judge

_TIMEOUT_S, _HOP_S, _RETURN_AFTER_S = 2.0, 0.5, 3.0
# What a busy machine may add to a delay.
_SLACK_S: Final = 0.7
Heard = dict[str, list[list[Any]]]


def _hear(bench: Bench, name: str, *arguments: str) -> Heard:
    if not (bench.demo / 'models' / 'simulated_imu_wrist_unimodal').is_dir():
        raise CaseMissingError(f'it needs the bundle of `make demo` in {bench.demo} (--demo)')
    ran = bench.make(name, *arguments)
    if ran.json is None:
        raise RuntimeError(ran.line)
    heard: Heard = ran.json
    return heard


def _again(judge: Judge) -> Judge:
    """Judge anew what is wrong, for the machine may have been too busy."""

    def repeated(bench: Bench) -> Iterator[Check]:
        checks: list[Check] = []
        for _ in range(bench.attempts):
            checks = list(judge(bench))
            if all(check.right for check in checks):
                break
        yield from checks

    return repeated


def _said(heard: Heard, *words: str, level: int = 1) -> str:
    """Give the first status of such a level that holds all of these words."""
    for _, name, found, message in heard['diagnostics']:
        if found >= level and all(word in message for word in words):
            return f'level {found}, {name}: {message}'
    return ''


def _of(heard: Heard, key: str) -> list[list[Any]]:
    return [row for row in heard['labels'] if row[1] == key]


def _stamps(rows: Sequence[Sequence[Any]]) -> list[float]:
    return [when + ahead for when, _, _, ahead in rows]


def _rising(heard: Heard, key: str) -> Check:
    stamps = _stamps(_of(heard, key))
    back = sum(after <= before for before, after in pairwise(stamps))
    return Check(f'stamps of {key} rise', f'{len(stamps)} labels, {back} steps back', not back)


def _told(heard: Heard, asked: str, choices: Sequence[Sequence[str]]) -> Check:
    found = next(filter(None, (_said(heard, *words) for words in choices)), '')
    return Check(asked, found or 'nothing of it', bool(found))


# In whatever of these words diagnostics say what was done to the stamps.
_WORDS: Final[dict[str, Sequence[Sequence[str]]]] = {
    'glitch30': (('stamped far from',), ('jump',), ('ahead',)),
    'glitch2': (('stamped far from',), ('jump',), ('older than the newest',)),
    'ahead': (("ahead of the selector's clock", 'chrony or ptp'),),
    'boot': (("behind the selector's clock", 'ROS time'),),
    'step': (('older than the newest',), ('back',)),
    'heaped': (('the same stamp',), ('heaps',)),
    'order': (('older than the newest',), ('back',)),
}
# 24 s of messages, a label each half second, windows of 3 s; 'heaped' and 'order' leave a tenth
# and a fifth of the samples.
_LEAST: Final = {'step': 20, 'heaped': 25, 'order': 25}


def _future(kind: str) -> Judge:
    def judge(bench: Bench) -> Iterator[Check]:
        heard = _hear(bench, '22', kind)
        labels = _of(heard, 'selector')
        least = _LEAST.get(kind, 30)
        late = [row for row in labels if row[0] > 20]
        yield Check('labels go on', f'{len(labels)} labels', len(labels) >= least)
        seen = f'{len(late)} labels after 20 s'
        yield Check('nothing is stuck', seen, len(late) >= 4)
        # A clock that is set back is another time.
        if kind != 'step':
            yield _rising(heard, 'selector')
        yield _told(heard, 'diagnostics say it', _WORDS[kind])

    return _again(judge)


def _two_drivers(bench: Bench) -> Iterator[Check]:
    heard = _hear(bench, '23', 'live')
    yield _told(
        heard, 'diagnostics say it', (('2 frame ids on one topic', 'imu_left', 'imu_right'),)
    )


def _clock_ahead(ahead_s: str) -> Judge:
    def judge(bench: Bench) -> Iterator[Check]:
        heard = _hear(bench, '28', ahead_s)
        labels = _of(heard, 'selector')
        # Of 40 s, a label each half second: with fewer the rig was starved, and shows nothing.
        yield Check('labels go on', f'{len(labels)} labels', len(labels) >= 60)
        gaps = ((b[0] - a[0], a[0]) for a, b in pairwise(labels))
        gap, at = max(gaps, default=(math.inf, math.nan))
        # What died was alive for 15 s, and comes back at 28 s.
        unknown = [row[0] for row in labels if row[2] == 'unknown' and 15 < row[0] < 28]
        named = bool(_said(heard, 'clock', 'chrony or ptp'))
        # Where clocks differ and the user was told so, it may take the timeout twice.
        longest = (1 + named) * _TIMEOUT_S + _HOP_S + _SLACK_S
        yield Check(
            'the other answers within timeout and hop, or clock named and twice the timeout',
            f'largest gap {gap:.2f} s at {at:.1f} s, {"named" if named else "not named"}',
            gap <= longest,
        )
        yield Check('no unknown of silence', f'{len(unknown)} of {len(labels)}', not unknown)
        if not -5 <= float(ahead_s) <= 1:
            yield _told(heard, 'diagnostics name the clock', (('clock', 'chrony or ptp'),))

    return _again(judge)


def _return(bench: Bench) -> Iterator[Check]:
    heard = _hear(bench, '29_return')
    labels = _of(heard, 'selector')
    yield _rising(heard, 'selector')
    burst = [row for row in labels if row[2] == 'unknown' and 22 < row[0] < 28]
    yield Check('no burst of late unknowns', f'{len(burst)} unknown', len(burst) <= 1)
    sources = [(row[0], row[2]) for row in _of(heard, 'source')]
    back = [when for when, name in sources if name == 'a' and when > 15]
    seen = f'sources {[(round(when, 1), name) for when, name in sources]}'
    # Its messages come again at 23 s.
    least = 23 + _RETURN_AFTER_S - _SLACK_S
    yield Check('it takes over after return_after', seen, bool(back) and back[0] >= least)


LIVE: Final[Sequence[tuple[str, Callable[[Bench], Iterator[Check]]]]] = (
    *((f'22 {kind}', _future(kind)) for kind in _WORDS),
    ('23 live', _again(_two_drivers)),
    *((f'28 {ahead}', _clock_ahead(ahead)) for ahead in ('0', '3', '10', '-10', '3600')),
    ('29_return', _again(_return)),
)
