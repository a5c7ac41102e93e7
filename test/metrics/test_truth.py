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

"""Which activity a window shows."""

import pytest

from test.messages import EPOCH, SECOND
from xmodal_ros.bags.segment import Segment
from xmodal_ros.metrics.truth import window_truth

SEGMENTS = (
    Segment(EPOCH, EPOCH + 4 * SECOND, 'sit'),
    Segment(EPOCH + 4 * SECOND, EPOCH + 8 * SECOND, 'walk'),
    Segment(EPOCH + 12 * SECOND, EPOCH + 13 * SECOND, 'clap'),
)


@pytest.mark.parametrize(
    ('end_s', 'label'),
    [
        (0.9, None),
        (1.0, 'sit'),
        (4.0, 'sit'),
        (4.9, 'sit'),
        # Equal shares: the later, for it is what the person does now.
        (5.0, 'walk'),
        (8.0, 'walk'),
        (9.0, 'walk'),
        (9.1, None),
        (11.0, None),
        (12.9, None),
        (13.0, 'clap'),
        (14.0, 'clap'),
        (14.1, None),
        (100.0, None),
    ],
)
def test_a_window_of_two_seconds_belongs_to_what_fills_half_of_it(end_s, label):
    truth = window_truth(SEGMENTS, [EPOCH + round(end_s * 1000) * SECOND // 1000], 2 * SECOND)
    assert truth.label(0) == label


def test_a_segment_shorter_than_half_a_window_owns_none():
    ends = [EPOCH + n * SECOND // 10 for n in range(250)]
    truth = window_truth(SEGMENTS, ends, 3 * SECOND)
    assert 'clap' not in {truth.label(n) for n in range(len(ends))}
    assert set(truth.segment_of_window.tolist()) == {-1, 0, 1}


def test_without_segments_no_window_has_an_activity():
    truth = window_truth((), [EPOCH, EPOCH + SECOND], SECOND)
    assert truth.segment_of_window.tolist() == [-1, -1]
    assert truth.label(0) is None
