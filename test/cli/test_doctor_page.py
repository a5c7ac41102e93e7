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

"""What the page shows, at any width."""

from dataclasses import replace
import io
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from test.bundles import make_imu_bundle
from test.tools.doctor.robots import audio, camera, GOOD, imu, OURS, topic
from xmodal_ros.cli.doctor_page import render_environment, render_findings, render_graph
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.tools.doctor.diagnose import check_model
from xmodal_ros.tools.doctor.environment import RosFacts, SoundFacts, TorchFacts
from xmodal_ros.tools.doctor.facts import GraphFacts, NodeFacts
from xmodal_ros.tools.doctor.finding import Finding
from xmodal_ros.tools.doctor.measurement import Measurement


def page(content: RenderableType, width: int = 200) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(content)
    return file.getvalue()


def test_the_machine_is_described() -> None:
    text = page(render_environment(replace(GOOD, profile=OURS, domain='7')))
    for words in (
        'jazzy, rmw_fastrtps_cpp',
        '7, range SUBNET',
        '/config/fastdds.xml (the one of xmodal_ros)',
        '2.13.0, on H200, 3000 of 4000 MB free',
        '/dev/video0 Camera',
    ):
        assert words in text


def test_what_is_missing_is_described_too() -> None:
    bare = replace(
        GOOD,
        ros=RosFacts(problem='none'),
        distribution='',
        torch=TorchFacts(problem='none', missing=True),
        sound=SoundFacts(problem='none'),
        cameras=(),
        static_peers='10.0.0.2',
    )
    text = page(render_environment(bare))
    for words in (
        'ROS_DISTRO is not set, no middleware',
        'peers 10.0.0.2',
        'missing',
        'PortAudio is missing or broken',
    ):
        assert words in text
    assert 'on the CPU' in page(render_environment(replace(GOOD, torch=TorchFacts('2'))))


def test_topics_are_shown_in_figures() -> None:
    dead = topic('/dead', IMU_TYPE, Measurement())
    facts = (imu(has_gyro=False), camera(), audio(), dead, imu([0] * 100, name='/unset'))
    text = page(render_graph(GraphFacts(5.0, topics=facts), ()))
    for words in (
        '100.0 Hz',
        '0.010 s',
        '|a| 9.81, no gyro',
        'bgr8 64x48',
        '16000 Hz S16LE x1, peak 0.50',
        'reliable, volatile',
        'silent',
        '100.0 Hz by arrival',
        'no stamps',
    ):
        assert words in text


def test_nodes_are_shown_with_what_they_expect(tmp_path: Path) -> None:
    bundle = make_imu_bundle(tmp_path / 'imu')
    classifier = NodeFacts(
        '/imu_classifier',
        'classifier',
        'imu',
        'active',
        message='[bold]walk',
        parameters={'model': str(bundle), 'topic': 'imu'},
    )
    selector = NodeFacts(
        '/activity_selector',
        'selector',
        parameters={'source_names': ['imu']},
        values={'imu: state': 'selected'},
    )
    text = page(render_graph(GraphFacts(5.0, ours=(classifier, selector)), ()))
    for words in (
        'at 50 Hz, windows of 2 s',
        'sit, walk',
        '[bold]walk',
        'imu: /imu_classifier/activity selected',
        'no answer',
    ):
        assert words in text


def test_models_are_shown_with_each_topic(tmp_path: Path) -> None:
    graph = GraphFacts(5.0, topics=(imu(), imu(name='/other', has_gyro=False)))
    models = [
        check_model(make_imu_bundle(tmp_path / 'imu'), graph),
        check_model(tmp_path / 'gone', graph),
    ]
    text = page(render_graph(graph, models))
    for words in ('yes', 'the IMU has no gyro', 'cannot be read', 'no topic'):
        assert words in text


@pytest.mark.parametrize('width', [50, 80, 200])
def test_names_are_never_cut(width: int) -> None:
    name = '/robot_with_a_long_name/sensors/imu_wrist/data_raw'
    text = page(render_graph(GraphFacts(5.0, topics=(imu(name=name),)), ()), width)
    column = ''.join(line[: line.index(' ', 2)] for line in text.splitlines() if ' ' in line[2:])
    assert name in column.replace(' ', '')


def test_findings_are_shown_with_remedies_and_counted() -> None:
    findings = [
        Finding('error', 'a', '/imu', 'it is [red]dead', '1. look\n2. wait'),
        Finding('warning', 'b', 'ROS', 'odd', 'mend it'),
        Finding('warning', 'c', 'ROS', 'odder', 'mend it'),
    ]
    text = page(render_findings(findings))
    for words in (
        'error: [/imu] it is [red]dead',
        '    → 1. look\n    → 2. wait',
        'warning: [ROS] odd',
        '1 error, 2 warnings\n',
    ):
        assert words in text
    assert 'nothing is wrong' in page(render_findings([]))
