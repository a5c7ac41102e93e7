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

"""The page's plots of scores under faults, and of what sources were worth in training."""

import re

import pytest

from test.evaluation.made_up import INFO
from xmodal_ros.evaluation.report_figures import robustness, verdict
from xmodal_ros.evaluation.trial import RobustnessCurve, RobustnessPoint
from xmodal_ros.methods.verdict import judge, Way
from xmodal_ros.models.configuration_bundle import BundleInfo


def curve(bundle: str, fault: str) -> RobustnessCurve:
    points = tuple(RobustnessPoint(severity, {'macro_f1': 0.5}) for severity in (0.0, 1.0))
    return RobustnessCurve(bundle, fault, '', 'harmed', points)


def test_a_bundle_looks_the_same_under_every_fault_and_is_named_where_it_suffers_alone():
    both, alone = robustness(
        [curve('camera', 'delay'), curve('imu', 'delay'), curve('imu', 'rotation')]
    )
    line = re.compile(
        r'<g class="series (s\d)"><path class="line" d="[^"]*"/><path class="mark" d="([^"]*)"'
    )
    of_camera, of_imu = line.findall(both.plot)
    assert line.findall(alone.plot) == [of_imu]
    assert of_camera != of_imu
    assert '</svg>imu</li>' in alone.plot
    assert 'camera' not in alone.plot


def test_one_bundle_alone_needs_no_name_in_its_plots():
    assert [plot.plot.count('<li') for plot in robustness([curve('imu', 'delay')])] == [0]


def judged(gain: float, averaged: float) -> BundleInfo:
    people = 'abc'
    alone = dict.fromkeys(people, 0.5)
    taught, mean = (dict.fromkeys(people, 0.5 + each) for each in (gain, averaged))
    near = Way(('<near>',), dict.fromkeys(people, 0.3), alone)
    found = judge('wrist', 'people', alone, [near, Way(('near', 'far'), taught, mean)])
    return INFO.model_copy(update={'provenance': {'verdict': found.document()}})


@pytest.mark.parametrize(
    ('info', 'taken'),
    [
        (judged(0.25, 0.1), 'near and far'),
        (judged(0.1, 0.25), 'near and far, averaged'),
        (judged(-0.1, -0.05), 'alone'),
    ],
)
def test_a_verdict_shows_what_each_way_scored_and_which_was_taken(info: BundleInfo, taken: str):
    figure = verdict(info)
    assert figure
    scores = info.provenance['verdict']['macro_f1']
    assert re.findall(r'<text class="value"[^>]*>([\d.]+)<', figure.plot) == [
        f'{score:.3f}' for score in scores.values()
    ]
    assert re.findall(r'<title>(.*?)</title>', figure.plot) == [
        f'{name.replace("<", "&lt;").replace(">", "&gt;")}: {score:.3f}'
        for name, score in scores.items()
    ]
    assert re.findall(r'<path class="bar" .*?<title>(.*?):', figure.plot) == [taken]
    assert re.findall(r'<text class="name counts"[^>]*>(.*?)<', figure.plot) == [taken]
    assert figure.caption.startswith(info.provenance['verdict']['sentence'])
    ends = [float(end) for end in re.findall(r'class="bar[^>]*H([\d.]+)V', figure.plot)]
    ranked = sorted(scores, key=scores.__getitem__)
    assert sorted(scores, key=lambda name: ends[list(scores).index(name)]) == ranked


@pytest.mark.parametrize(
    'said', [None, {}, 'kept', {'macro_f1': {}}, {'macro_f1': {'alone': float('nan'), 'x': 'y'}}]
)
def test_without_a_verdict_that_can_be_drawn_there_is_no_plot(said: object):
    assert verdict(INFO.model_copy(update={'provenance': {'verdict': said}})) is None
    assert verdict(INFO) is None


@pytest.mark.parametrize('sources', [3, 'imu', None])
def test_sources_that_are_none_do_not_end_a_report(sources: object):
    said = {'macro_f1': {'alone': 0.5}, 'sources': sources, 'decision': 'averaged'}
    figure = verdict(INFO.model_copy(update={'provenance': {'verdict': said}}))
    assert figure is not None
    assert 'alone: 0.500' in figure.plot
