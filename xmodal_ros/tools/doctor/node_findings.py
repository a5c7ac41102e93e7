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

"""What is wrong with the nodes of this package that run, and with what they listen to."""

from collections.abc import Iterator
from typing import Final

from xmodal_ros.errors import BundleError, StreamError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.paths import is_there, user_path
from xmodal_ros.tools.doctor.expectation import Expectation, read_expectation
from xmodal_ros.tools.doctor.facts import GraphFacts, NodeFacts
from xmodal_ros.tools.doctor.finding import Finding, problem_and_remedy
from xmodal_ros.tools.doctor.fit import check_fit

_STATES: Final = {'unconfigured': 'configure', 'inactive': 'activate'}


def topic_of(node: NodeFacts) -> str:
    """Give the full name of the topic that a classifier listens to, '' where it is not known.

    Its own diagnostics know best; without them, remappings are not known.
    """
    said = node.values.get('topic', '')
    return said or resolve(str(node.parameters.get('topic', '')), node.name)


def resolve(topic: str, node_name: str) -> str:
    """Give a topic's full name as the node of this name would understand it."""
    if not topic or topic.startswith('/'):
        return topic
    if topic.startswith('~'):
        return f'{node_name}/{topic.lstrip("~/")}'
    return f'{node_name.rpartition("/")[0]}/{topic}'


def sources_of(node: NodeFacts) -> dict[str, str]:
    """Give the topics that a selector listens to, by the names of its sources."""
    named = node.parameters.get('source_names', ())
    names = [str(name) for name in named if name] if isinstance(named, list | tuple) else []
    sources = {}
    for name in names:
        topic = str(node.parameters.get(f'sources.{name}.topic', '') or '')
        said = node.values.get(f'{name}: topic', '')
        sources[name] = said or resolve(topic or f'{name}_classifier/activity', node.name)
    return sources


def expectation_of(node: NodeFacts) -> Expectation | str:
    """Read what a classifier expects from its bundle, or say why that cannot be read here."""
    model = str(node.parameters.get('model', '') or node.values.get('model', ''))
    if not model:
        return 'no model is set'
    path = user_path(model)
    if not is_there(path):
        return f'its bundle {model} is not on this machine'
    try:
        return read_expectation(path)
    except BundleError as error:
        return str(error)


def format_of(node: NodeFacts, graph: GraphFacts) -> AudioFormat | None:
    """Give the format of audio that a classifier was told by its parameters, if any."""
    parameters = node.parameters
    try:
        rate_hz = int(str(parameters.get('audio_rate', 0)))
        channels = int(str(parameters.get('audio_channels', 0)))
        if rate_hz > 0:
            return AudioFormat(rate_hz, channels, str(parameters.get('audio_format', '')))
    except (StreamError, ValueError):
        return None
    info = str(parameters.get('info_topic', '') or '')
    return graph.audio_formats.get(resolve(info, node.name)) if info else None


def check_node(node: NodeFacts, graph: GraphFacts) -> Iterator[Finding]:
    """Yield what is wrong with one of our nodes."""
    yield from _check_words(node)
    if not node.answered:
        yield Finding(
            'warning',
            'no-answer',
            node.name,
            f'{node.name} does not answer its services',
            'it may be loading a model or hang: look at its log, and restart it if this lasts',
        )
    elif node.state in _STATES and node.level != 'error':
        yield Finding(
            'warning',
            'not-active',
            node.name,
            f'{node.name} is {node.state}',
            f'ros2 lifecycle set {node.name} {_STATES[node.state]}, or start it with autostart',
        )
    if node.kind == 'classifier':
        yield from _check_input(node, graph)
    if node.kind == 'selector':
        yield from _check_sources(node, graph)
    yield from _check_time(node, graph)


def _check_words(node: NodeFacts) -> Iterator[Finding]:
    """Pass on what the node says of itself."""
    if node.level not in ('error', 'warning'):
        return
    # A selector names several troubles, each with its remedy.
    problem, remedy = node.message, 'mend the sources that it names'
    if node.kind != 'selector':
        problem, remedy = problem_and_remedy(node.message, f'see the log of {node.name}')
    yield Finding(
        'error' if node.level == 'error' else 'warning', 'diagnostics', node.name, problem, remedy
    )


def _check_input(node: NodeFacts, graph: GraphFacts) -> Iterator[Finding]:
    """Hold what a classifier expects against what its topic gives."""
    expectation = expectation_of(node)
    if isinstance(expectation, str):
        if node.state != 'active' and node.level != 'error':
            # One that runs has loaded its bundle, wherever it has it; one that failed says why.
            yield Finding(
                'note',
                'bundle',
                node.name,
                f'what {node.name} expects is not known: {expectation}',
                'look at its diagnostics; run xmodal doctor on the machine that has the bundle',
            )
        return
    name = topic_of(node)
    topic = graph.topic(name)
    says_so_itself = node.level == 'error'
    if topic is None or (topic.modality is not None and not topic.sources):
        if not says_so_itself:
            yield _nobody(node, name, expectation, graph)
        return
    for finding in check_fit(expectation, topic, node.name, format_of(node, graph)):
        if finding.level != 'error' or not says_so_itself:
            yield finding


def _nobody(node: NodeFacts, name: str, expectation: Expectation, graph: GraphFacts) -> Finding:
    topic = graph.topic(name)
    types = graph.other_types.get(name, ())
    if topic is not None:
        types = tuple(sorted({each.msgtype for each in topic.publishers}))
    fitting = sorted(
        each.name
        for each in graph.topics
        if each.modality == expectation.modality and each.sources
    )
    problem = (
        f'{name}, to which {node.name} listens, carries {", ".join(types)}'
        if types
        else f'nobody publishes on {name}, to which {node.name} listens'
    )
    remedy = (
        f'ros2 param set {node.name} topic {fitting[0]}'
        + (f' (or {", ".join(fitting[1:])})' if fitting[1:] else '')
        if fitting
        else "start the sensor's driver"
    )
    return Finding('error', 'unpublished', node.name, problem, remedy)


def _check_sources(node: NodeFacts, graph: GraphFacts) -> Iterator[Finding]:
    if node.level in ('error', 'warning'):
        # It has looked at them itself.
        return
    for source, name in sources_of(node).items():
        topic = graph.topic(name)
        if topic is None or not topic.sources:
            yield Finding(
                'warning',
                'source-unpublished',
                node.name,
                f'nobody publishes on {name}, the source {source!r} of {node.name}',
                'start or configure its classifier, or correct the parameter '
                f'sources.{source}.topic',
            )


def _check_time(node: NodeFacts, graph: GraphFacts) -> Iterator[Finding]:
    simulated = node.parameters.get('use_sim_time')
    if simulated is True and graph.clock is None:
        yield Finding(
            'error',
            'no-clock',
            node.name,
            f'{node.name} goes by simulated time, and nobody publishes /clock: its time stands '
            'still',
            'start what gives the time, or start the node without use_sim_time',
        )
    elif simulated is False and graph.clock is not None and graph.clock.heard:
        yield Finding(
            'warning',
            'system-time',
            node.name,
            f'time is simulated (/clock by {", ".join(graph.clock.publishers)}), but {node.name} '
            'goes by the clock of its machine',
            f'ros2 param set {node.name} use_sim_time true',
        )
