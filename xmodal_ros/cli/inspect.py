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

"""The command ``xmodal inspect``: what recordings hold, and what models are made of."""

from dataclasses import asdict
from datetime import datetime, UTC
from pathlib import Path
import sys
from typing import Annotated, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
import typer

from xmodal_ros.bags.inspection import inspect_bag, Inspection, TopicInspection
from xmodal_ros.bags.opening import about_passed_over, find_recordings
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.sensor_table import sensor_row
from xmodal_ros.cli.result import write_result
from xmodal_ros.models.configuration_bundle import is_bundle
from xmodal_ros.streams.placement import describe

_WIDTH_OF_A_FILE: Final = 200


def inspect(
    bags: Annotated[
        list[Path],
        typer.Argument(
            metavar='BAG...',
            help='Bags (folders, .mcap, .db3, ROS 1 .bag), folders that hold bags, or bundles.',
        ),
    ],
    full: Annotated[
        bool,
        typer.Option('--full', help='Look into every message, which takes as long as reading.'),
    ] = False,
    json: Annotated[
        Path | None, typer.Option('--json', metavar='FILE', help='Write the findings here too.')
    ] = None,
) -> None:
    """Show what bags hold: topics, rates, gaps, sensors, subject and labels.

    Rates are one over the median step between header stamps; for messages
    without stamps, between the times of recording (marked 'recorded').
    Warns of what will trouble training or replay.

    Of a recording with an index, as mcap files have, all times are read but only
    some messages of each sensor looked into, from all over it; says how many. Stamps
    of more than 24 compressed chunks are read in 24 of them, and of sensors with
    few messages there in those looked into; gaps are then of the times of recording.

    Of a bundle, the folder of a trained model: what it reads, its parts, their
    parameters and their multiply-accumulates (MACs) for one window.

    Example: xmodal inspect recordings/anna_1 models/imu
    """
    # Where nobody sets the width of a page, lines stay whole for grep.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    inspections: list[Inspection] = []
    bundles = [path for path in bags if is_bundle(path)]
    models: list[dict[str, object]] = []
    for path in bundles:
        # Here, for recordings are looked at where torch is not installed, too.
        from xmodal_ros.cli.bundle_page import inspect_bundle

        page, model = inspect_bundle(path)
        console.print(page)
        models.append(model)
    recordings = [path for path in bags if path not in bundles]
    for note in about_passed_over(recordings):
        typer.echo(f'warning: {note}', err=True)
    for path in find_recordings(recordings) if recordings else ():
        with BagReader(path) as reader:
            inspections.append(inspect_bag(reader, full=full))
        console.print(render(inspections[-1]))
    found = {'bags': [_as_json(inspection) for inspection in inspections]}
    write_result(json, {**found, 'bundles': models} if models else found)


def _as_json(inspection: Inspection) -> dict[str, object]:
    # Sensors as a bag's metadata declares them, to be copied from here to there.
    sensors = [sensor_row(sensor) for sensor in inspection.sensors]
    return {**asdict(inspection), 'sensors': sensors}


def render(inspection: Inspection) -> RenderableType:
    """Lay out the findings about one recording for a terminal."""
    parts: list[RenderableType] = [
        Text(inspection.name, style='bold'),
        _facts(inspection),
        _topics(inspection),
    ]
    if inspection.activities:
        parts.append(_activities(inspection))
    parts += [Text(f'warning: {warning}', style='yellow') for warning in inspection.warnings]
    return Group(*parts, '')


def _facts(inspection: Inspection) -> Table:
    start = datetime.fromtimestamp(inspection.start_ns / 1e9, tz=UTC)
    table = Table.grid(padding=(0, 2))
    table.add_row('path', Text(inspection.path))
    table.add_row('subject', Text(inspection.subject))
    for sensor in inspection.sensors:
        said = inspection.audio_formats.get(sensor.topic, '')
        words = [f'{sensor.modality} on {sensor.topic}', said, describe(sensor.placement)]
        table.add_row('sensor', Text(f'{sensor.name} ({", ".join(filter(None, words))})'))
    if inspection.sampled:
        counts = {topic.name: topic.count for topic in inspection.topics}
        looked = [f'{n} of {counts[topic]} of {topic}' for topic, n in inspection.sampled.items()]
        table.add_row('looked into', Text(f'{", ".join(looked)}; into all with --full'))
    if inspection.stamps_sampled:
        read = sum(inspection.stamps_sampled.values())
        every = sum(t.count for t in inspection.topics if t.name in inspection.stamps_sampled)
        table.add_row(
            'stamps',
            f'of {read} of {every} messages, in parts from all over it; of all with --full',
        )
    table.add_row('start', f'{start:%Y-%m-%d %H:%M:%S} UTC')
    table.add_row('duration', f'{inspection.duration_s:.1f} s')
    for key, value in sorted(inspection.metadata.items()):
        if key not in ('sensors', 'subject'):
            table.add_row(Text(key), Text(value))
    return table


def _topics(inspection: Inspection) -> Table:
    table = _table('topics')
    for heading in ('topic', 'type'):
        # Names are for copying: they are wrapped, never cut.
        table.add_column(heading, overflow='fold')
    for heading in ('messages', 'rate', 'max gap'):
        table.add_column(heading, justify='right')
    for topic in inspection.topics:
        table.add_row(
            Text(topic.name),
            Text(topic.msgtype.replace('/msg/', '/')),
            str(topic.count),
            _rate(topic),
            '' if topic.largest_gap_s is None else f'{topic.largest_gap_s:.3f} s',
        )
    return table


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify='left',
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )


def _rate(topic: TopicInspection) -> str:
    if topic.latched:
        return 'latched'
    if topic.rate_hz is None:
        return ''
    return f'{topic.rate_hz:.2f} Hz' + ('' if topic.stamped else ' recorded')


def _activities(inspection: Inspection) -> Table:
    table = _table('labels')
    table.show_footer = True
    table.add_column('activity', overflow='fold')
    segments = sum(activity.segments for activity in inspection.activities)
    table.add_column('segments', justify='right', footer=str(segments))
    table.add_column('total', justify='right', footer=f'{inspection.labelled_s:.1f} s')
    for activity in inspection.activities:
        table.add_row(Text(activity.label), str(activity.segments), f'{activity.seconds:.1f} s')
    return table
