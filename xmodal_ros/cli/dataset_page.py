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

"""Lay out for a terminal what of a data set is used, and what is not."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from xmodal_ros.data.cache import StreamCache
from xmodal_ros.data.clock_report import MOST_LAG_S
from xmodal_ros.data.report import DataReport, in_words, REASONS, RecordingReport, remarks

_MOST_LINES: Final = 20
_BY_MOTION: Final = (
    'lag by motion: what to add to its stamps for what both sense to fall together, looked for '
    f'up to {MOST_LAG_S:.0f} s either way; where that is worth it --write-clocks does'
)
_NOT_RECEIVED: Final = (
    '–: imported, or recorded at its own stamps: only --align motion tells whether it agrees'
)


def render_report(report: DataReport) -> RenderableType:
    """Show each recording with its sensors, then why others, or parts of them, are left out."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title='data set', title_justify='left')
    for heading in ('recording', 'subject', 'session', 'use', 'sensor'):
        table.add_column(heading, overflow='fold')
    for heading in ('labelled', 'windows', 'left out', 'gaps'):
        table.add_column(heading, justify='right')
    notes: list[RenderableType] = []
    for recording in report.recordings:
        _add(table, recording)
        notes += [
            Text(f'{recording.name}: {remark}', style='yellow') for remark in remarks(recording)
        ]
    notes += [
        Text(f'{left.name} is left out: {left.reason}', style='yellow') for left in report.left_out
    ]
    counts: dict[str, Counter[str]] = {}
    for recording in report.recordings:
        for sensor in recording.sensors:
            counts.setdefault(sensor.sensor, Counter()).update(sensor.left_out or {})
    return Group(table, *notes, *map(Text, left_out_by_sensor(counts)))


def _add(table: Table, recording: RecordingReport) -> None:
    first = (
        Text(recording.name),
        Text(recording.subject),
        Text(recording.session),
        recording.use or 'left out',
    )
    labelled = f'{recording.segments} ({recording.labelled_s:.0f} s)'
    if not recording.sensors:
        table.add_row(*first, '', labelled if recording.subject else '', '', '', '')
    for number, sensor in enumerate(recording.sensors):
        left = sum(count for name, count in (sensor.left_out or {}).items() if name in REASONS)
        other = sum((sensor.left_out or {}).values()) - left
        table.add_row(
            *(first if number == 0 else ('', '', '', '')),
            Text(sensor.sensor),
            labelled if number == 0 else '',
            'none' if sensor.problem else str(sensor.windows),
            str(left + other) if left + other else '',
            f'{sensor.gaps} ({sensor.gap_s:.1f} s)' if sensor.gaps else '',
        )


def left_out_by_sensor(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Say of each sensor, by reason, how many windows and messages were left out."""
    lines = []
    for sensor, reasons in counts.items():
        said = [
            f'{count} {in_words(name)}'
            for name, count in sorted(reasons.items(), key=lambda item: -item[1])
            if count
        ]
        lines += [f'left out of {sensor}: {", ".join(said)}'] if said else []
    return lines


def summary(report: DataReport) -> list[str]:
    """Give a few lines about a data set, however many recordings it has."""
    uses = Counter(recording.use for recording in report.recordings)
    bare = sum(each.use == 'learning' and not each.segments for each in report.recordings)
    without = f' ({bare} of them without labels)' if bare else ''
    used = f'{uses["learning"]} recordings to learn from{without}, {uses["test"]} to test on'
    lines = [f'{used}, {uses[""]} left out (`xmodal dataset` shows them all)']
    lines += [f'{left.name} is left out: {left.reason}' for left in report.left_out]
    lines += [
        f'{recording.name}: {remark}'
        for recording in report.recordings
        for remark in remarks(recording)
    ]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f'and {len(lines) - _MOST_LINES} more remarks']
    return lines


def render_clocks(report: DataReport) -> RenderableType | None:
    """Show the clocks of all sensors; None where nothing is known of any."""
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        title='clocks: how far stamps are behind the times of receipt',
        title_justify='left',
        caption_justify='left',
    )
    by_motion = any(clock.against for each in report.recordings for clock in each.clocks)
    for heading in ('recording', 'sensor'):
        table.add_column(heading, overflow='fold')
    for heading in ('behind', 'drift', 'jitter', *(['lag by motion'] if by_motion else [])):
        table.add_column(heading, justify='right')
    captions = {_BY_MOTION} if by_motion else set()
    for recording in report.recordings:
        for number, clock in enumerate(recording.clocks):
            lag = (
                'none stands out'
                if clock.lag_s is None
                else f'{clock.lag_s:+.3f} s to {clock.against}'
            )
            if clock.behind_s or clock.jitter_s:
                by_receipt = (
                    f'{clock.behind_s:.4f} s',
                    f'{clock.drift_ppm:+.1f} ± {2 * clock.drift_error_ppm:.1f} ppm',
                    f'{1000 * clock.jitter_s:.2f} ms',
                )
            else:
                by_receipt = ('–', '–', '–')
                captions.add(_NOT_RECEIVED)
            name = recording.name if number == 0 else ''
            lags = [lag if clock.against else ''] if by_motion else []
            table.add_row(Text(name), Text(clock.sensor), *by_receipt, *lags)
    table.caption = '\n'.join(sorted(captions))
    return table if table.row_count else None


def describe_cache(cache: StreamCache) -> str:
    """Say where the cache is and how large."""
    return (
        f'cache: {cache.folder}, {len(cache.entries())} streams, '
        f'{cache.size_bytes() / 1e6:.1f} MB (clear it with `xmodal dataset --clear-cache`)'
    )
