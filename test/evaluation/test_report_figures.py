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
