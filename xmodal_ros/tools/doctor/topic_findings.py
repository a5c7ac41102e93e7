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

"""What is wrong with a sensor's topic, whoever listens to it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from xmodal_ros.modalities.checks import Problem
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.tools.doctor.facts import ClockFacts, TopicFacts
from xmodal_ros.tools.doctor.finding import about, Finding, FindingLevel, problem_and_remedy
from xmodal_ros.tools.doctor.measurement import Measurement

# Sensors and their drivers are late by less; clocks that nobody synchronises are not.
_CLOCK_DIFFERENCE_S: Final = 1.0
# Nothing that robots do today was stamped before 2001.
_FIRST_PLAUSIBLE_S: Final = 1e9


def unusable(topic: TopicFacts, level: FindingLevel) -> Iterator[Finding]:
    """Yield what keeps every classifier from using a topic that is published, at this level."""
    found = topic.measurement
    if not topic.sources:
        return
    if topic.problem:
        problem, remedy = problem_and_remedy(topic.problem, 'install what is missing')
        yield Finding(level, topic.problem_code, topic.name, problem, remedy)
    elif found is not None and not found.count:
        names = ', '.join(sorted({each.node for each in topic.sources}))
        yield Finding(
            level,
            'silent',
            topic.name,
            f'{names} publishes on {topic.name}, but nothing comes',
            'see whether the sensor is alive and the driver active (its log, its /diagnostics); '
            'between containers or users share the memory too (--ipc=host, the same user)',
        )
    elif found is not None:
        yield from _unusable_messages(topic, found, level)


def _unusable_messages(
    topic: TopicFacts, found: Measurement, level: FindingLevel
) -> Iterator[Finding]:
    contents = found.contents
    if found.unset:
        yield Finding(
            level,
            'unset-stamps',
            topic.name,
            f'{found.unset} of {found.count} messages have no header.stamp, by which windows are '
            'placed: they are dropped',
            'make the driver stamp its messages',
        )
    refused = sum(contents.refused.values())
    if refused and refused == contents.looked_at and contents.refused.keys() != {'no_format'}:
        problem, remedy = problem_and_remedy(contents.complaint, 'look at what the driver sends')
        reason = next(reversed(contents.refused))
        yield Finding(level, reason.replace('_', '-'), topic.name, problem, remedy)


def check_topic(topic: TopicFacts, clock: ClockFacts | None) -> Iterator[Finding]:
    """Yield what is doubtful about a topic; what makes it useless is :func:`unusable`'s to say."""
    yield from _check_types(topic)
    yield from _check_publishers(topic)
    found = topic.measurement
    if topic.modality is None or found is None or not found.count:
        return
    yield from _check_clock(topic, found, clock)
    yield from about(topic.name, (_with_graph(each, topic) for each in found.check()))
    problems = find_modality(topic.modality).check_contents(found.contents, topic.name)
    yield from about(topic.name, problems)


def _check_types(topic: TopicFacts) -> Iterator[Finding]:
    endpoints = (*topic.publishers, *topic.subscribers)
    types = sorted({each.msgtype for each in endpoints})
    if len(types) > 1:
        nodes = {t: sorted({e.node for e in endpoints if e.msgtype == t}) for t in types}
        users = '; '.join(f'{msgtype} by {", ".join(nodes[msgtype])}' for msgtype in types)
        yield Finding(
            'warning',
            'mixed-types',
            topic.name,
            f'{topic.name} is used with several types ({users}), which do not hear each other',
            'remap one of them to a topic of its own',
        )
    hashes = {e.type_hash for e in endpoints if e.type_hash and e.msgtype == topic.msgtype}
    if topic.own_type_hash:
        hashes.add(topic.own_type_hash)
    if len(hashes) > 1:
        yield Finding(
            'warning',
            'other-definition',
            topic.name,
            f'{topic.msgtype} on {topic.name} is defined differently by those who use it, so '
            'messages are misread',
            f'build everything with the same {topic.msgtype.partition("/")[0]} (two packages of '
            'one name are about if it is audio_common_msgs)',
        )


def _check_publishers(topic: TopicFacts) -> Iterator[Finding]:
    names = [each.node for each in topic.sources]
    if len(names) > 1 and topic.modality is not None:
        yield Finding(
            'warning',
            'several-publishers',
            topic.name,
            f'{len(names)} publishers share {topic.name} ({", ".join(sorted(names))}): a '
            'classifier takes their messages for those of one sensor',
            'end one of them, or remap it to a topic of its own',
        )
    for each in topic.mismatches:
        yield Finding(
            'warning',
            'qos',
            topic.name,
            f'{each.subscriber} hears nothing of {each.publisher} on {topic.name}: their quality '
            f'of service does not fit ({each.reason})',
            f'let {each.subscriber} ask for less (best effort, volatile), or {each.publisher} '
            'offer more (reliable)',
        )


def _check_clock(
    topic: TopicFacts, found: Measurement, clock: ClockFacts | None
) -> Iterator[Finding]:
    if found.offset_s is None:
        return
    simulated = clock is not None and clock.heard > 0
    offset = found.clock_offset_s if simulated else found.offset_s
    if offset is None or abs(offset) <= _CLOCK_DIFFERENCE_S:
        return
    if simulated:
        yield Finding(
            'warning',
            'clock',
            topic.name,
            f'stamps are {_apart(offset)} simulated time (/clock)',
            f'set use_sim_time of {_publishers(topic)} to true, or end what publishes /clock',
        )
    elif found.times_ns[-1] < _FIRST_PLAUSIBLE_S * 1e9:
        yield Finding(
            'warning',
            'clock',
            topic.name,
            'stamps count from the start of a device, not from 1970: labels of this sensor '
            'cannot be compared with those of others',
            'make the driver stamp with ROS time',
        )
    else:
        yield Finding(
            'warning',
            'clock',
            topic.name,
            f"stamps are {_apart(offset)} this machine's clock: labels of this sensor seem dead "
            'or early beside others',
            'synchronise the clocks of all machines (chrony or ptp); for a recording, let its '
            'player publish /clock and set use_sim_time',
        )


def _apart(offset_s: float) -> str:
    side = 'behind' if offset_s > 0 else 'ahead of'
    size = abs(offset_s)
    if size < 120:
        return f'{size:.1f} s {side}'
    return f'{size / 60:.0f} min {side}' if size < 7200 else f'{size / 3600:.1f} h {side}'


def _publishers(topic: TopicFacts) -> str:
    return ', '.join(sorted({each.node for each in topic.sources}))


def _with_graph(problem: Problem, topic: TopicFacts) -> Problem:
    """Say more of losses, where the publishers are known."""
    best_effort = any(each.reliability == 'best effort' for each in topic.sources)
    if problem.code != 'loss' or not best_effort:
        return problem
    remedy = 'let the driver publish reliably'
    if topic.is_large:
        remedy += ', and images with config/fastdds.xml as the profile of its process too'
    words = f'{problem.problem}, on a best effort publisher'
    return replace(problem, problem=words, remedy=remedy)
