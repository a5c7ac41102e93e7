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

"""The page's plots of scores under faults."""

import re

from xmodal_ros.evaluation.report_figures import robustness
from xmodal_ros.evaluation.trial import RobustnessCurve, RobustnessPoint


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
