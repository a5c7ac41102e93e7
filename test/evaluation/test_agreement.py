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

"""Two sequences of decisions are equal only when stamps, labels and scores are."""

import pytest

from xmodal_ros.evaluation.agreement import Agreement, compare
from xmodal_ros.runtime.engine import Prediction


def said(stamp, label='a', score=0.7):
    other = 'b' if label == 'a' else 'a'
    return Prediction(stamp, 'imu', ((label, score), (other, 1 - score)), (score, 1 - score), 1.0)


OFFLINE = [said(1), said(2), said(3, 'b')]


def test_the_same_decisions_are_equal():
    agreement = compare(OFFLINE, [said(1, score=0.7 + 5e-7), *OFFLINE[1:]])
    assert agreement.equal
    assert agreement.compared == 3
    assert agreement.largest_difference == pytest.approx(5e-7)


@pytest.mark.parametrize(
    ('live', 'expected'),
    [
        (OFFLINE[:2], Agreement(2, 1, 0, 0, 0.0)),
        ([*OFFLINE, said(4)], Agreement(3, 0, 1, 0, 0.0)),
        ([*OFFLINE, OFFLINE[0]], Agreement(3, 0, 1, 0, 0.0)),
        ([], Agreement(0, 3, 0, 0, 0.0)),
    ],
)
def test_missing_extra_and_repeated_stamps_are_counted(live, expected):
    assert compare(OFFLINE, live) == expected
    assert not expected.equal


def test_another_label_or_score_is_not_equal():
    other_label = compare(OFFLINE, [said(1, 'b'), *OFFLINE[1:]])
    assert (other_label.other_label, other_label.equal) == (1, False)
    other_score = compare(OFFLINE, [said(1, score=0.7 + 1e-5), *OFFLINE[1:]])
    assert other_score.other_label == 0
    assert not other_score.equal


def test_a_class_that_one_run_alone_scores_is_a_difference():
    weak = Prediction(1, 'imu', (('unknown', 1.0),), (), 0.2)
    agreement = compare([said(1)], [weak])
    assert agreement.largest_difference == 1.0


def test_recordings_add_up():
    whole = compare(OFFLINE, OFFLINE) + compare(OFFLINE, OFFLINE[:1])
    assert whole == Agreement(4, 2, 0, 0, 0.0)


def test_what_is_not_a_number_never_agrees():
    nan = float('nan')
    assert not compare(OFFLINE, [said(1, score=nan), *OFFLINE[1:]]).equal
    assert not compare([said(1, score=nan)], [said(1, score=nan)]).equal
