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

"""All findings about a robot, from what was seen of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xmodal_ros.errors import BundleError
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.tools.doctor.environment import Environment
from xmodal_ros.tools.doctor.environment_findings import (
    check_environment,
    uses_fast_dds,
    valid_domain,
)
from xmodal_ros.tools.doctor.expectation import Expectation, read_expectation
from xmodal_ros.tools.doctor.facts import GraphFacts, TopicFacts
from xmodal_ros.tools.doctor.finding import Finding, in_order
from xmodal_ros.tools.doctor.fit import check_fit
from xmodal_ros.tools.doctor.node_findings import check_node, format_of, topic_of
from xmodal_ros.tools.doctor.topic_findings import check_topic, unusable


@dataclass(frozen=True)
class ModelCheck:
    """A bundle, and for each topic of its modality what keeps it from feeding the model.

    Where it cannot be read, ``problem`` says why.
    """

    path: Path
    expectation: Expectation | None = None
    problem: str = ''
    fits: tuple[tuple[str, tuple[Finding, ...]], ...] = ()


def check_model(path: Path, graph: GraphFacts) -> ModelCheck:
    """Try every topic of a bundle's modality against what it expects."""
    try:
        expectation = read_expectation(path)
    except BundleError as error:
        return ModelCheck(path, problem=str(error))
    return ModelCheck(
        path,
        expectation,
        fits=tuple(
            (topic.name, tuple(check_fit(expectation, topic)))
            for topic in graph.topics
            if topic.modality == expectation.modality and topic.sources
        ),
    )


def types_read_by(models: Sequence[Path]) -> frozenset[str]:
    """Give the types of messages that bundles read, of those that can be read themselves."""
    found: set[str] = set()
    for path in models:
        with suppress(BundleError):
            found.update(find_modality(read_expectation(path).modality).message_types)
    return frozenset(found)


def diagnose(
    environment: Environment, graph: GraphFacts, models: Sequence[ModelCheck] = ()
) -> tuple[Finding, ...]:
    """Give everything that is wrong or doubtful, the worst first."""
    return in_order(
        [
            *check_environment(environment),
            *_check_graph(environment, graph),
            *_check_topics(environment, graph),
            *(finding for node in graph.ours for finding in check_node(node, graph)),
            *(finding for model in models for finding in _check_model(model)),
        ]
    )


def _check_graph(environment: Environment, graph: GraphFacts) -> Iterator[Finding]:
    sensors = [topic for topic in graph.topics if topic.modality and topic.sources]
    if not graph.nodes and not sensors:
        yield _silence(environment, graph)
    elif not sensors:
        yield Finding(
            'error',
            'no-sensors',
            'graph',
            f'{len(graph.nodes)} nodes run, and none of them publishes what a classifier could '
            'read (sensor_msgs/Imu, Image or CompressedImage, or audio)',
            'start the drivers of the sensors, or ros2 launch xmodal_ros drivers.launch.py',
        )
    for name, count in Counter(graph.nodes).items():
        if count > 1:
            yield Finding(
                'warning',
                'same-name',
                name,
                f'{count} nodes are called {name}: parameters and services reach any of them',
                'end those that are left over, or remap __node or __ns of the others',
            )


def _silence(environment: Environment, graph: GraphFacts) -> Finding:
    """Say what to check when nothing at all is heard, the likeliest first."""
    own = int(environment.domain) if valid_domain(environment.domain) else -1
    others = [str(domain) for domain in environment.domains_in_use if domain != own]
    local = environment.discovery_range.upper() == 'LOCALHOST'
    checks = [
        f'another domain: programs on this machine use domain {", ".join(others)}; export '
        f'ROS_DOMAIN_ID={others[0]}'
        if others
        else f'is ROS_DOMAIN_ID the same ({environment.domain}) where the robot was started?',
        'only this machine is listened to (ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST): for another '
        'one export SUBNET'
        if local
        else 'was the robot started with ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET, and does the '
        'network let multicast through (no firewall, no guest network; else ROS_STATIC_PEERS)?',
        f'is RMW_IMPLEMENTATION the same ({environment.ros.middleware or "default"})?',
        'are the drivers started (ros2 launch xmodal_ros drivers.launch.py)?',
        'in containers: --net=host --ipc=host',
        'if ros2 topic list shows more than this, its memory is old: ros2 daemon stop',
    ]
    if 'zenoh' in environment.ros.middleware:
        checks.insert(0, 'does the router run (ros2 run rmw_zenoh_cpp rmw_zenohd)?')
    return Finding(
        'error',
        'silent-robot',
        'graph',
        f'no other node was found in {graph.seconds:.0f} s (domain {environment.domain}, range '
        f'{environment.discovery_range})',
        '\n'.join(f'{number}. {check}' for number, check in enumerate(checks, 1)),
    )


def _check_topics(environment: Environment, graph: GraphFacts) -> Iterator[Finding]:
    wanted = {topic_of(node) for node in graph.ours if node.kind == 'classifier'}
    sensors = [topic for topic in graph.topics if topic.modality is not None]
    usable = {t.modality for t in sensors if t.sources and not any(unusable(t, 'error'))}
    for topic in sensors:
        # One that nobody needs may be as it likes, as long as another one will do.
        needed = topic.name in wanted or topic.modality not in usable
        yield from unusable(topic, 'error' if needed else 'warning')
    told = {topic_of(node) for node in graph.ours if format_of(node, graph) is not None}
    for topic in graph.topics:
        for finding in check_topic(topic, graph.clock):
            if finding.code != 'no-format' or topic.name not in told:
                yield finding
    yield from _check_transport(environment, sensors)


def _check_transport(environment: Environment, sensors: Sequence[TopicFacts]) -> Iterator[Finding]:
    raw = [topic.name for topic in sensors if topic.is_large and topic.sources]
    if raw and uses_fast_dds(environment) and environment.profile is None:
        file = environment.own_profile or 'config/fastdds.xml'
        yield Finding(
            'note',
            'no-profile',
            'Fast DDS',
            f'no profile is set in this terminal, and {", ".join(raw)} carries whole images, '
            'which the default transports lose or delay',
            f'export FASTRTPS_DEFAULT_PROFILES_FILE={file} before the camera driver is started '
            '(the launch files do it for theirs)',
        )


def _check_model(model: ModelCheck) -> Iterator[Finding]:
    subject = str(model.path)
    if model.expectation is None:
        problem, _, remedy = model.problem.rpartition(': ')
        yield Finding('error', 'bundle', subject, problem or model.problem, remedy)
        return
    modality = model.expectation.modality
    if not model.fits:
        yield Finding(
            'error',
            'no-topic',
            subject,
            f'no topic here carries {modality}, which the model reads',
            "start the sensor's driver, or choose a model for another sensor",
        )
        return
    fitting = [
        name for name, findings in model.fits if all(each.level != 'error' for each in findings)
    ]
    if not fitting:
        why = '; '.join(f'{name}: {findings[0].problem}' for name, findings in model.fits)
        yield Finding(
            'error',
            'no-topic',
            subject,
            f'no {modality} topic can feed the model ({why})',
            model.fits[0][1][0].remedy,
        )
        return
    yield Finding(
        'note',
        'model-fits',
        subject,
        f'{", ".join(fitting)} can feed the model',
        f'ros2 run xmodal_ros {modality}_classifier --ros-args -p model:={model.path} '
        f'-p topic:={fitting[0]}',
    )
    best = next(findings for name, findings in model.fits if name == fitting[0])
    yield from best
