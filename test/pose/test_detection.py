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

"""The detector's answers are read at their anchors, and those of one body become one."""

import numpy as np
import pytest

from xmodal_ros.pose.detection import anchors, find_body, overlaps

PLACES = len(anchors())


def answers(given):
    """Answers of the net: by anchor its logit, box by centre and size, and points, in 0 to 1."""
    raw, logits = np.zeros((PLACES, 12), np.float32), np.full(PLACES, -50, np.float32)
    for at, (logit, box, points) in given.items():
        placed = np.array([*box[:2], *np.ravel(points)]) - np.tile(anchors()[at], 5)
        raw[at] = 224 * np.array([*placed[:2], *box[2:], *placed[2:]])
        logits[at] = logit
    return raw, logits


def shape(x, y):
    return [[x, y], [x, y - 0.2], [x, y - 0.1], [x, y - 0.3]]


def test_anchors_are_the_middles_of_the_maps_places_row_by_row() -> None:
    found = anchors()
    assert found.shape == (2254, 2)
    assert found[:4] * 28 == pytest.approx(np.array([[0.5, 0.5]] * 2 + [[1.5, 0.5]] * 2))
    assert found[2 * 28] * 28 == pytest.approx([0.5, 1.5])
    second, third = 2 * 28**2, 2 * 28**2 + 2 * 14**2
    assert found[[second, second + 2]] * 14 == pytest.approx(np.array([[0.5, 0.5], [1.5, 0.5]]))
    assert found[third : third + 7] * 7 == pytest.approx(np.array([[0.5, 0.5]] * 6 + [[1.5, 0.5]]))
    assert found[-1] * 7 == pytest.approx([6.5, 6.5])


@pytest.mark.parametrize('at', [0, 777, 1568, 2000, 2253])
def test_an_answer_is_counted_from_its_anchor(at: int) -> None:
    points = shape(0.4, 0.7)
    found = find_body(*answers({at: (3.0, (0.4, 0.6, 0.2, 0.2), points)}))
    assert found == pytest.approx(np.array(points), abs=1e-6)


def test_overlapping_answers_count_by_their_scores_and_others_do_not() -> None:
    sure, less = 1 / (1 + np.exp(-2.0)), 1 / (1 + np.exp(-1.0))
    given = {
        10: (1.0, (0.42, 0.5, 0.2, 0.2), shape(0.5, 0.6)),
        20: (2.0, (0.40, 0.5, 0.2, 0.2), shape(0.4, 0.6)),
        # Of somebody else, and of nothing.
        30: (1.9, (0.8, 0.5, 0.2, 0.2), shape(0.8, 0.6)),
        40: (-0.1, (0.40, 0.5, 0.2, 0.2), shape(0.0, 0.0)),
    }
    found = find_body(*answers(given))
    x = (sure * 0.4 + less * 0.5) / (sure + less)
    assert found == pytest.approx(np.array(shape(x, 0.6)), abs=1e-6)


def test_nobody_is_found_where_the_net_is_less_than_half_sure() -> None:
    box = (0.5, 0.5, 0.2, 0.2)
    assert find_body(*answers({5: (-0.01, box, shape(0.5, 0.5))})) is None
    assert find_body(*answers({5: (0.01, box, shape(0.5, 0.5))})) is not None


def test_large_numbers_and_empty_boxes_do_no_harm() -> None:
    with np.errstate(all='raise'):
        raw, logits = answers({5: (1e9, (0.5, 0.5, 0, 0), shape(0.5, 0.5))})
        logits[6] = -1e9
        assert find_body(raw, logits) == pytest.approx(np.array(shape(0.5, 0.5)), abs=1e-6)


def test_overlap_is_intersection_over_union() -> None:
    box = np.array([0.5, 0.5, 0.2, 0.2])
    others = [
        box,
        # Half of it, in the width of another.
        np.array([0.6, 0.5, 0.2, 0.2]),
        np.array([0.5, 0.5, 0.1, 0.1]),
        np.array([0.9, 0.5, 0.2, 0.2]),
        np.array([0.5, 0.5, -0.1, 0.1]),
    ]
    assert overlaps(np.array(others), box) == pytest.approx([1, 1 / 3, 1 / 4, 0, 0])
