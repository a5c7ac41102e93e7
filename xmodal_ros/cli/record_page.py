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

"""What ``xmodal record`` shows while it records, and tells at the end."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from xmodal_ros.tools.record.recorder import RecordedTopic


def render(topics: Iterable['RecordedTopic'], seconds: float, free: int | None) -> Table:
    """Lay out every topic: rate and flow now while it runs, over all of it without ``free``."""
    rows = list(topics)
    size = sum(each.size for each in rows)
    words = f'{seconds:.0f} s, {_bytes(size)}'
    if free is not None:
        flow = sum(each.rates()[1] for each in rows)
        words += f'; {_bytes(free)} free' + (f', for {_time(free / flow)}' if flow else '')
    table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=words, caption_justify='left')
    table.add_column('topic', overflow='fold')
    for heading in ('messages', 'rate', 'size', 'a second'):
        table.add_column(heading, justify='right')
    for each in sorted(rows, key=lambda row: row.chosen.topic):
        rate, flow = each.rates() if free is not None else _overall(each, seconds)
        silent = free is not None and not rate
        table.add_row(
            Text(each.chosen.topic),
            Text(f'{each.count}', style='' if each.count else 'yellow'),
            Text('silent', style='yellow') if silent else Text(f'{rate:.1f} Hz'),
            _bytes(each.size),
            _bytes(flow),
        )
    return table


def summary(path: Path, seconds: float, topics: Iterable['RecordedTopic']) -> dict[str, Any]:
    """Give the same for programs: bytes are of messages, before they are compressed."""
    return {
        'path': str(path),
        'seconds': round(seconds, 3),
        'topics': [
            {
                'topic': each.chosen.topic,
                'type': each.chosen.msgtype,
                'sensor': each.chosen.sensor.name if each.chosen.sensor else '',
                'messages': each.count,
                'bytes': each.size,
            }
            for each in topics
        ],
    }


def _overall(topic: 'RecordedTopic', seconds: float) -> tuple[float, float]:
    return (topic.count / seconds, topic.size / seconds) if seconds else (0.0, 0.0)


def _bytes(count: float) -> str:
    for unit in ('B', 'kB', 'MB'):
        if count < 1000:
            return f'{count:.0f} {unit}' if unit == 'B' else f'{count:.1f} {unit}'
        count /= 1000
    return f'{count:.1f} GB'


def _time(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f'{hours} h {minutes:02} min' if hours else f'{minutes} min'
