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

"""What is shown of a running robot follows from what it said, and when."""

import math

import pytest

from xmodal_ros.modalities.registry import modality_names
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.watching import LabelHeard, Watch

SECOND = 1_000_000_000
IMU, NODE = '/imu_classifier/activity', '/imu_classifier'


def label(name: str, stamp_ns: int = SECOND, score: float = 0.75) -> Label:
    return Label(stamp_ns, 'imu_link', ((name, score), ('other', 1 - score)))


def watching_imu(*, labels: int = 5) -> Watch:
    """One classifier that has said ``walk`` every half second, the last time at 0 s."""
    watch = Watch()
    watch.note_graph({IMU: [NODE]}, -3 * SECOND)
    for index in range(1 - labels, 1):
        watch.note_label(IMU, label('walk'), index * SECOND // 2)
    return watch


def test_a_row_shows_the_newest_label_its_rate_and_age() -> None:
    (row,) = watching_imu().rows(SECOND // 4)
    assert (row.label, row.confidence, row.stamp_ns) == ('walk', 0.75, SECOND)
    assert (row.rate_hz, row.age_s, row.labels, row.fresh) == (2.0, 0.25, 5, True)
    assert (row.node, row.kind, row.level, row.health) == (NODE, 'other', None, 'no diagnostics')


@pytest.mark.parametrize('score', [math.nan, math.inf])
def test_a_label_whose_scores_are_no_numbers_is_refused(score: float) -> None:
    watch = watching_imu()
    watch.note_label(IMU, label('run', score=score), 0)
    (row,) = watch.rows(0)
    assert (row.label, row.labels, row.refused) == ('walk', 5, 1)


def test_an_old_label_is_not_passed_off_as_todays() -> None:
    watch = watching_imu()
    assert watch.rows(2 * SECOND)[0].fresh
    assert not watch.rows(2 * SECOND + 1)[0].fresh
    # With a label every four seconds, three of those periods have to pass.
    slow = Watch()
    slow.note_graph({IMU: [NODE]}, 0)
    for index in range(3):
        slow.note_label(IMU, label('walk'), index * 4 * SECOND)
    assert slow.rows(9 * SECOND)[0].fresh
    assert slow.rows(9 * SECOND)[0].rate_hz == 0.25
    assert not slow.rows(21 * SECOND)[0].fresh


def test_nothing_is_fresh_before_the_first_label() -> None:
    watch = Watch()
    watch.note_graph({IMU: [NODE]}, 0)
    (row,) = watch.rows(SECOND)
    assert (row.label, row.confidence, row.age_s, row.rate_hz, row.fresh) == (*[None] * 4, False)
    assert not watch.heard
    assert watching_imu().heard


@pytest.mark.parametrize('modality', modality_names())
def test_the_classifier_of_every_modality_is_known(modality: str) -> None:
    watch = Watch()
    watch.note_graph({IMU: [NODE]}, 0)
    watch.note_report(NODE, LabelHeard('ok', 'walk', f'{modality} classifier'), 0)
    assert watch.rows(0)[0].kind == 'classifier'


def test_diagnostics_say_what_a_node_is_and_how_it_is_doing() -> None:
    watch = watching_imu()
    watch.note_report(NODE, LabelHeard('ok', 'walk (0.75)', 'imu classifier'), 0)
    watch.note_report(NODE, LabelHeard('warning', 'silence on /imu', 'imu classifier'), SECOND)
    (row,) = watch.rows(SECOND)
    assert (row.kind, row.level, row.health) == ('classifier', 'warning', 'silence on /imu')
    assert [(each.at_ns, each.text) for each in watch.events] == [
        (SECOND, 'warning: silence on /imu')
    ]
    (row,) = watch.rows(17 * SECOND)
    assert row.level == 'error'
    assert 'no diagnostics for 16 s; last: silence on /imu' in row.health


def test_without_diagnostics_topics_tell_what_a_node_is() -> None:
    watch = watching_imu()
    watch.note_classes(NODE, ['sit', 'walk'])
    watch.note_graph(
        {IMU: [NODE], '/activity': ['/choice'], '/robot/activity_label': ['/p']}, SECOND
    )
    watch.note_source('/activity', 'imu', SECOND)
    rows = {row.topic: row for row in watch.rows(SECOND)}
    assert [(row.topic, row.kind) for row in rows.values()] == [
        ('/activity', 'selector'),
        (IMU, 'classifier'),
        ('/robot/activity_label', 'truth'),
    ]
    assert rows[IMU].classes == ('sit', 'walk')
    assert rows['/activity'].source == 'imu'


def test_switches_of_the_source_are_logged_and_repetitions_are_not() -> None:
    watch = Watch()
    for at, source in enumerate(['imu', 'imu', 'camera', '']):
        watch.note_source('/activity', source, at)
    assert [(each.at_ns, each.topic, each.text) for each in watch.events] == [
        (2, '/activity', 'source imu → camera'),
        (3, '/activity', 'source camera → silence'),
    ]


def test_a_node_that_goes_is_said_to_have_gone_until_it_is_back() -> None:
    watch = watching_imu()
    watch.note_report(NODE, LabelHeard('ok', 'walk', 'imu classifier'), 0)
    watch.note_graph({}, SECOND)
    (row,) = watch.rows(SECOND)
    assert (row.fresh, row.level) == (False, 'error')
    assert 'its node has ended' in row.health
    watch.note_graph({}, 2 * SECOND)
    watch.note_graph({IMU: [NODE]}, 3 * SECOND)
    assert [each.text for each in watch.events] == [f'{NODE} has gone', f'{NODE} is back']


def test_truth_holds_until_it_changes_and_may_be_nothing() -> None:
    watch = Watch()
    watch.note_graph({'/activity_label': ['/player']}, 0)
    watch.note_label('/activity_label', label('sit'), 0)
    assert watch.rows(60 * SECOND)[0].fresh
    watch.note_label('/activity_label', Label(SECOND, '', ()), 61 * SECOND)
    (row,) = watch.rows(62 * SECOND)
    assert (row.label, row.confidence, row.kind) == ('', None, 'truth')


def test_drivers_are_shown_apart_and_foreign_nodes_not_at_all() -> None:
    watch = watching_imu()
    watch.note_report('/microphone', LabelHeard('error', 'no such device', 'microphone'), 0)
    watch.note_report('/pose', LabelHeard('error', 'no weights', 'pose estimator'), 0)
    watch.note_report('/battery', LabelHeard('error', 'empty', 'bms'), 0)
    assert [each.node for each in watch.others(0)] == ['/microphone', '/pose']
    assert {each.level for each in watch.others(0)} == {'error'}


def test_two_nodes_of_one_name_are_said_to_be_mixed_and_what_to_do() -> None:
    watch = watching_imu()
    watch.note_report(NODE, LabelHeard('ok', 'walk (0.75)', 'imu classifier'), 0)
    watch.note_report('/camera', LabelHeard('ok', '30 Hz', 'camera'), 0)
    (row,) = watch.rows(0)
    assert (row.mixed, row.lately, row.level, watch.clashes) == (False, (), 'ok', ())
    watch.note_names([NODE, NODE, '/camera', '/camera', '/camera', '/rviz', '/rviz'])
    watch.note_graph({IMU: [NODE, NODE]}, 0)
    watch.note_label(IMU, label('sit'), 0)
    (row,) = watch.rows(0)
    assert (row.node, row.mixed, row.lately) == (NODE, True, ('sit', 'walk'))
    assert (row.level, row.health) == ('warning', 'several nodes, mixed')
    assert [(each.level, each.health) for each in watch.others(0)] == [
        ('warning', 'several nodes, mixed')
    ]
    (clash,) = watch.clashes
    # Of foreign nodes nothing is shown that could be mixed up.
    assert f'(3 called /camera, 2 called {NODE})' in clash
    assert 'namespace:=' in clash
    assert '-r __node:=' in clash
    # What one of them last said long ago is not said now.
    assert watch.rows(2 * SECOND + 1)[0].lately == ()
    watch.note_names([NODE, '/camera'])
    watch.note_graph({IMU: [NODE]}, 0)
    assert (watch.rows(0)[0].mixed, watch.clashes) == (False, ())


def test_reports_of_two_nodes_of_one_name_are_no_changes_of_one() -> None:
    watch = watching_imu()
    watch.note_names([NODE, NODE])
    for level in ('ok', 'error', 'ok', 'error'):
        watch.note_report(NODE, LabelHeard(level, 'no model', 'imu classifier'), 0)
    assert not watch.events
    (row,) = watch.rows(0)
    assert (row.level, row.health) == ('error', 'several nodes, mixed: no model')


def test_two_nodes_that_share_a_topic_of_labels_are_named() -> None:
    watch = watching_imu()
    watch.note_graph({IMU: ['/b', '/a']}, 0)
    assert watch.rows(0)[0].mixed
    (clash,) = watch.clashes
    assert clash.startswith(f'/a and /b publish labels on one topic, {IMU}')
    assert f'-r {IMU}:=/NAME' in clash


def test_what_cannot_be_read_is_counted() -> None:
    watch = watching_imu()
    watch.note_refused(IMU, 'truncated')
    assert watch.rows(0)[0].refused == 1
