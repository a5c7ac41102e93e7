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

from itertools import pairwise

import numpy as np
import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.simulator.activities import ACTIVITIES
from xmodal_ros.simulator.person import draw_person
from xmodal_ros.simulator.script import draw_performance


@pytest.mark.parametrize('minutes', [1.0, 2.0, 4.0, 10.0])
def test_every_activity_is_done_several_times_within_the_recording(minutes):
    performance = draw_performance(0, 0, minutes)
    labels = [motion.activity for motion in performance.motions if motion.activity]
    assert {labels.count(name) for name in ACTIVITIES} == {len(labels) // len(ACTIVITIES)}
    assert labels.count('walking') >= (2 if minutes < 3 else 3)
    assert performance.motions[0].start > 0.0
    assert performance.motions[-1].end < performance.duration == 60.0 * minutes


def test_neighbours_differ_and_leave_time_for_a_transition():
    motions = draw_performance(1, 2, 6.0).motions
    for before, after in pairwise(motions):
        assert before.activity != after.activity
        assert 0.5 < after.start - before.end < 2.0
    lengths = [motion.end - motion.start for motion in motions if motion.activity]
    assert 4.0 < min(lengths) < max(lengths) < 16.0


def test_segments_are_the_activities_without_pauses():
    performance = draw_performance(0, 1, 3.0)
    segments = performance.segments(5_000_000_000)
    done = [motion for motion in performance.motions if motion.activity]
    assert [segment.label for segment in segments] == [motion.activity for motion in done]
    assert segments[0].start_ns == 5_000_000_000 + round(done[0].start * 1e9)
    assert any(not motion.activity for motion in performance.motions)


def test_pose_does_not_depend_on_which_instants_are_asked_together():
    performance = draw_performance(0, 0, 1.0)
    t = np.arange(0.0, 60.0, 0.37)
    together = performance.channels(t)
    alone = np.concatenate([performance.channels(np.array([time])) for time in t])
    np.testing.assert_allclose(alone, together, atol=1e-12)


def test_body_moves_without_jumps_through_every_transition():
    performance = draw_performance(0, 3, 2.0)
    step = 0.005
    joints = performance.pose(np.arange(0.0, 120.0, step)).joints
    for name in ('d_wrist', 'o_wrist', 'pelvis', 'head'):
        speed = np.linalg.norm(np.diff(joints[name], axis=0), axis=1) / step
        # A fast human hand makes 10 m/s; a jump of 5 cm within a step would be as much.
        assert speed.max() < 8.0, name


def test_people_differ_and_do_not_depend_on_each_other():
    first, second = draw_performance(0, 0, 2.0), draw_performance(0, 1, 2.0)
    assert first.person.height_m != second.person.height_m
    assert first.person.tempo != second.person.tempo
    assert [m.activity for m in first.motions] != [m.activity for m in second.motions]
    again = draw_performance(0, 1, 2.0)
    t = np.arange(0.0, 120.0, 1.0)
    np.testing.assert_array_equal(second.channels(t), again.channels(t))


@pytest.mark.parametrize('seed', range(5))
def test_one_of_every_five_people_is_left_handed(seed):
    hands = [draw_person(seed, index).left_handed for index in range(10)]
    assert hands[:5].count(True) == hands[5:].count(True) == 1


@pytest.mark.parametrize('minutes', [0.5, 0.0, -1.0, 1000.0, float('nan')])
def test_lengths_that_cannot_be_simulated_are_refused_in_words(minutes):
    with pytest.raises(ConfigurationError, match='minutes cannot be simulated'):
        draw_performance(0, 0, minutes)
