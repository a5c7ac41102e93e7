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

"""The demo says what the camera was worth, and shows the models that are to be compared."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from test.evaluation.made_up import make_evaluation
from xmodal_ros.cli import demo_run
from xmodal_ros.cli.evaluate_run import EvaluationSettings
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.methods.verdict import judge, Way


def test_it_trains_alone_and_taught_and_prints_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    people = ('subject_01', 'subject_02', 'subject_03', 'subject_04')
    alone, taught = dict.fromkeys(people, 0.5), dict.fromkeys(people, 0.62)
    verdict = judge('imu_wrist', 'people', alone, [Way(('camera',), taught, alone)])
    trained: list[TrainingConfiguration] = []
    evaluated: list[EvaluationSettings] = []

    def simulate(folder: Path, **_: object) -> None:
        folder.mkdir(parents=True)

    def train(config: TrainingConfiguration, **_: object) -> SimpleNamespace:
        trained.append(config)
        return SimpleNamespace(verdict=verdict if config.sources else None)

    def evaluate(settings: EvaluationSettings) -> SimpleNamespace:
        evaluated.append(settings)
        evaluation = make_evaluation([['sit'] * 16], ['sit'], ['subject_05'])
        return SimpleNamespace(evaluations=[evaluation])

    monkeypatch.setattr(demo_run, 'simulate', simulate)
    monkeypatch.setattr(demo_run, 'run_training', train)
    monkeypatch.setattr(demo_run, 'run_evaluation', evaluate)
    monkeypatch.setattr(demo_run, 'find_recordings', list)
    demo_run.run(tmp_path, None, 0)
    told = capsys.readouterr().err
    assert verdict.sentence == (
        'camera taught imu_wrist: +0.12 macro-F1 on people it had not met (4 of 4 better); kept'
    )
    assert f'in training: {verdict.sentence}\n' in told
    assert [(config.method, config.sources) for config in trained] == [
        ('unimodal', ()),
        ('xmodal', ('camera',)),
    ]
    # What a training gives where nobody asks for anything else.
    assert [dict(config.encoders) for config in trained] == [{}, {}]
    assert [settings.bundles for settings in evaluated] == [(config.out,) for config in trained]
    assert all(settings.live for settings in evaluated)
