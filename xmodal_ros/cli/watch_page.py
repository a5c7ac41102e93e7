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

"""What ``xmodal watch`` draws."""

from collections.abc import Sequence
import datetime as dt
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.runtime.health import Level
from xmodal_ros.runtime.watching import Event, Other, Watch, WatchedNode

_BAR: Final = 12
_LOG_LINES: Final = 8
_RUNNERS_UP: Final = 2
_MIXED: Final = 3
_SECOND_NS: Final = 1_000_000_000
_LONGEST_NAME: Final = 60
_LONGEST_WORDS: Final = 400
_LONGEST_CLASH: Final = 2000
_COLOURS: Final[dict[Level | None, str]] = {
    'error': 'bold red',
    'warning': 'yellow',
    'ok': 'green',
    None: 'dim',
}


def render(watch: Watch, now_ns: int, wall_s: float, absence: str = '') -> RenderableType:
    """Lay out what is watched; ``wall_s`` is the time of day at ``now_ns``."""
    rows, others = watch.rows(now_ns), watch.others(now_ns)
    parts: list[RenderableType] = []
    if rows:
        parts.append(_labels(rows))
    if others:
        parts.append(_others(others))
    parts += [Text(_shown(f'warning: {each}', _LONGEST_CLASH), 'yellow') for each in watch.clashes]
    if watch.events:
        parts.append(_log(list(watch.events)[-_LOG_LINES:], now_ns, wall_s))
    if absence:
        parts.append(Text(absence, style='yellow'))
    elif not rows:
        parts.append(Text('nothing found yet', style='dim'))
    return Group(*parts)


def _labels(rows: Sequence[WatchedNode]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in ('topic', 'label', 'confidence', 'then', 'source', 'rate', 'age', 'health'):
        right = heading in ('rate', 'age')
        table.add_column(heading, overflow='fold', justify='right' if right else 'left')
    for row in rows:
        table.add_row(
            Text(row.topic, style='bold' if row.kind == 'selector' else ''),
            _label(row),
            _bar(row),
            _runners_up(row),
            Text('' if row.source is None else _shown(row.source) or 'none'),
            Text('' if row.rate_hz is None or row.kind == 'truth' else f'{row.rate_hz:.1f} Hz'),
            Text('' if row.age_s is None else f'{row.age_s:.1f} s'),
            _health(row),
        )
    return table


def _label(row: WatchedNode) -> Text:
    if row.label is None:
        return Text('nothing yet', style='dim')
    name = _shown(row.label) or 'nothing'
    if row.lately:
        names = ', '.join(map(_shown, row.lately[:_MIXED]))
        more = f' and {len(row.lately) - _MIXED} more' if len(row.lately) > _MIXED else ''
        return Text(f'mixed: {names}{more}', style='yellow')
    if not row.fresh:
        # Old labels are not what is done now, and must not look so.
        return Text(f'silent, was {name}', style='dim')
    style = 'cyan' if row.kind == 'truth' else 'yellow' if name == UNKNOWN else 'bold green'
    return Text(name, style=style)


def _bar(row: WatchedNode) -> Text:
    if row.confidence is None or not row.fresh or row.mixed or row.kind == 'truth':
        return Text('')
    share = min(1.0, max(0.0, row.confidence))
    full = round(share * _BAR)
    return Text.assemble(
        ('█' * full, 'yellow' if row.label == UNKNOWN else 'green'),
        ('░' * (_BAR - full), 'dim'),
        f' {row.confidence:.2f}',
    )


def _runners_up(row: WatchedNode) -> Text:
    if not row.fresh or row.mixed or row.kind == 'truth':
        return Text('')
    following = row.scores[1 : 1 + _RUNNERS_UP]
    return Text(', '.join(f'{_shown(name)} {score:.2f}' for name, score in following), style='dim')


def _health(row: WatchedNode) -> Text:
    words = row.health
    if row.refused:
        words += f'; {row.refused} messages unreadable'
    if row.level == 'ok' and row.kind == 'classifier':
        # Its own words would only repeat the label.
        words = 'ok' + words[len(row.health) :]
    return Text(_shown(words, _LONGEST_WORDS), style=_COLOURS[row.level])


def _others(others: Sequence[Other]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for other in others:
        health = Text(_shown(other.health, _LONGEST_WORDS), style=_COLOURS[other.level])
        table.add_row(Text(_shown(other.node)), health)
    return table


def _log(events: Sequence[Event], now_ns: int, wall_s: float) -> Group:
    lines: list[RenderableType] = [Text('')]
    for event in events:
        at_s = wall_s - (now_ns - event.at_ns) / _SECOND_NS
        at = dt.datetime.fromtimestamp(at_s).astimezone().strftime('%H:%M:%S')
        words = _shown(f'{event.topic}: {event.text}', _LONGEST_WORDS)
        lines.append(Text.assemble((f'{at}  ', 'dim'), words))
    return Group(*lines)


def _shown(words: str, longest: int = _LONGEST_NAME) -> str:
    """Make what came over the network fit to show: anybody may send terminals commands by it."""
    cut = words if len(words) <= longest else f'{words[:longest]}…'
    return ''.join(
        letter if letter.isprintable() else '\N{REPLACEMENT CHARACTER}' for letter in cut
    )
