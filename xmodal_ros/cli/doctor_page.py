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

"""What ``xmodal doctor`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from xmodal_ros.tools.doctor.environment import Environment
from xmodal_ros.tools.doctor.finding import Finding, FindingLevel

if TYPE_CHECKING:
    from xmodal_ros.tools.doctor.diagnose import ModelCheck
    from xmodal_ros.tools.doctor.facts import GraphFacts, TopicFacts
    from xmodal_ros.tools.doctor.measurement import Measurement

_COLOURS: Final[dict[FindingLevel, str]] = {
    'error': 'bold red',
    'warning': 'yellow',
    'note': 'cyan',
}
_MEGABYTE: Final = 1 << 20


def render_environment(environment: Environment) -> RenderableType:
    """Lay out what this machine is and has."""
    table = Table.grid(padding=(0, 2))
    for name, value in _machine(environment):
        table.add_row(name, Text(value))
    return Group(Text('this machine', style='bold'), table, '')


def _machine(environment: Environment) -> Iterator[tuple[str, str]]:
    ros, torch = environment.ros, environment.torch
    middleware = ros.middleware or 'no middleware'
    yield 'ROS', f'{environment.distribution or "ROS_DISTRO is not set"}, {middleware}'
    peers = f', peers {environment.static_peers}' if environment.static_peers else ''
    yield 'domain', f'{environment.domain}, range {environment.discovery_range}{peers}'
    if environment.profile is not None:
        whose = ' (the one of xmodal_ros)' if environment.profile.ours else ''
        yield 'Fast DDS profile', environment.profile.path + whose
    elif ros.middleware.startswith('rmw_fastrtps'):
        yield 'Fast DDS profile', 'none set'
    yield 'Python', environment.python
    gpus = [
        gpu.name
        if gpu.total is None or gpu.free is None
        else f'{gpu.name}, {gpu.free // _MEGABYTE} of {gpu.total // _MEGABYTE} MB free'
        for gpu in torch.gpus
    ]
    yield (
        'PyTorch',
        f'{torch.version}, on {"; ".join(gpus) or "the CPU"}'
        if torch.version
        else ('missing' if torch.missing else 'cannot be used'),
    )
    yield (
        'microphones',
        'PortAudio is missing or broken'
        if environment.sound.problem
        else ', '.join(environment.sound.microphones) or 'none',
    )
    cameras = [f'{each.path} {each.name}'.strip() for each in environment.cameras]
    yield 'cameras', ', '.join(cameras) or 'none'


def render_graph(graph: GraphFacts, models: Sequence[ModelCheck]) -> RenderableType:
    """Lay out topics, nodes and models."""
    parts: list[RenderableType] = []
    sensors = [topic for topic in graph.topics if topic.modality is not None]
    if sensors:
        parts += [_topics(sensors), '']
    if graph.ours:
        parts += [_nodes(graph), '']
    if models:
        parts += [_models(models), '']
    return Group(*parts)


def _table(title: str, *headings: str) -> Table:
    table = Table(
        title=title,
        title_justify='left',
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for heading in headings:
        # Names are for copying: they are wrapped, never cut.
        table.add_column(heading, overflow='fold')
    return table


def _topics(topics: Sequence[TopicFacts]) -> Table:
    table = _table(
        'sensors', 'topic', 'type', 'publisher', 'QoS', 'rate', 'jitter', 'max gap', 'age', 'data'
    )
    for topic in topics:
        qualities = {f'{each.reliability}, {each.durability}' for each in topic.sources}
        table.add_row(
            Text(topic.name),
            Text(topic.msgtype.replace('/msg/', '/')),
            Text('\n'.join(sorted({each.node for each in topic.sources})) or 'nobody'),
            Text('\n'.join(sorted(qualities))),
            *_figures(topic),
        )
    return table


def _figures(topic: TopicFacts) -> tuple[Text, ...]:
    found = topic.measurement
    if found is None or not found.count:
        return Text('silent' if topic.sources else '', style='red'), *map(Text, [''] * 4)
    timing = found.timing
    rate = jitter = gap = ''
    if timing is not None:
        rate = f'{timing.rate_hz:.1f} Hz' + ('' if timing.by_stamp else ' by arrival')
        jitter = f'{timing.jitter_s * 1e3:.1f} ms'
        gap = f'{timing.largest_gap_s:.3f} s'
    return tuple(map(Text, (rate, jitter, gap, _age(found), ', '.join(_data(found)))))


def _age(found: Measurement) -> str:
    if found.clock_offset_s is not None:
        return f'{found.clock_offset_s:.3f} s simulated'
    return 'no stamps' if found.offset_s is None else f'{found.offset_s:.3f} s'


def _data(found: Measurement) -> Iterator[str]:
    contents = found.contents
    if contents.frame_id is not None:
        yield f'frame {contents.frame_id or "(none)"}'
    if contents.details is not None:
        yield from contents.details.in_words()


def _nodes(graph: GraphFacts) -> Table:
    from xmodal_ros.tools.doctor.node_findings import expectation_of, sources_of, topic_of

    table = _table('nodes of xmodal_ros', 'node', 'state', 'expects', 'from', 'says')
    colours = {'error': 'red', 'warning': 'yellow'}
    for node in graph.ours:
        expects, source = '', ''
        if node.kind == 'classifier':
            found = expectation_of(node)
            expects = found if isinstance(found, str) else found.describe()
            expects += '' if isinstance(found, str) else f': {", ".join(found.labels)}'
            source = topic_of(node)
        elif node.kind == 'selector':
            sources = sources_of(node).items()
            source = '\n'.join(
                f'{name}: {topic} {node.values.get(f"{name}: state", "")}'.rstrip()
                for name, topic in sources
            )
        table.add_row(
            Text(node.name),
            Text(node.state or 'no answer'),
            Text(expects),
            Text(source),
            Text(node.message, style=colours.get(node.level, '')),
        )
    return table


def _models(models: Sequence[ModelCheck]) -> Table:
    table = _table('models', 'bundle', 'expects', 'topic', 'fits')
    for model in models:
        expects = model.expectation.describe() if model.expectation else 'cannot be read'
        first = (Text(str(model.path)), Text(expects))
        if not model.fits:
            table.add_row(*first, '', Text('no topic', style='red'))
        for topic, findings in model.fits:
            worst = next((each for each in findings), None)
            colour = 'green' if worst is None else _COLOURS[worst.level]
            table.add_row(*first, Text(topic), Text(worst.problem if worst else 'yes', colour))
            first = (Text(''), Text(''))
    return table


def render_findings(findings: Sequence[Finding]) -> RenderableType:
    """Lay out what is wrong, each with what to do, and count it."""
    parts: list[RenderableType] = [Text('findings', style='bold')]
    for each in findings:
        line = Text.assemble(
            (f'{each.level}: ', _COLOURS[each.level]), (f'[{each.subject}] ', 'dim'), each.problem
        )
        parts.append(line)
        # By steps where it has several; the indent tells them from the next finding.
        parts += [Text(f'    → {step}') for step in each.remedy.splitlines() if step]
    parts.append(_summary(findings))
    return Group(*parts)


def _summary(findings: Sequence[Finding]) -> Text:
    counts = {level: sum(each.level == level for each in findings) for level in _COLOURS}
    words = [f'{n} {level}{"" if n == 1 else "s"}' for level, n in counts.items() if n]
    if not words:
        return Text('nothing is wrong', style='green')
    style = next(_COLOURS[level] for level, n in counts.items() if n)
    return Text(', '.join(words), style=style)
