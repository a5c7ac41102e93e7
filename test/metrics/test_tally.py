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

"""Every scalar against hand-computed cases, the libraries' own, and what must always hold."""

from dataclasses import replace
from inspect import signature

from hypothesis import assume, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from test.evaluation.made_up import decide, HOP, LABELS
from xmodal_ros.metrics.measure import measure
from xmodal_ros.metrics.scores import score
from xmodal_ros.metrics.tally import delays_s, point, SCALARS, scalars, Tally

ONE_EACH = 'sss..www'
RECORDINGS = st.lists(
    st.lists(st.tuples(st.sampled_from('swv.'), st.sampled_from('swv?')), min_size=1, max_size=20),
    min_size=1,
    max_size=4,
)


def values(*recordings):
    return point(Tally.of(recordings))


def make(pairs, sure=0.7):
    return [
        decide(''.join(true for true, _ in pair), ''.join(said for _, said in pair), sure)
        for pair in pairs
    ]


def test_a_perfect_run_has_perfect_scores():
    found = values(decide(ONE_EACH, 'sssvvwww'))
    best = dict.fromkeys(SCALARS, 1.0) | dict.fromkeys(('ece', 'brier', 'unknown_rate'), 0.0)
    # Segments begin one hop before their first window's stamp.
    assert found == best | {'detection_delay_s': 0.5}


def test_windows_clips_and_delays_by_hand():
    found = values(decide(ONE_EACH, 'wss..w?w'.replace('.', 's')))
    # Windows: sit 2 of 3 right, walk 2 of 3 and one wrong.
    sit, walk = 2 * 2 / (3 + 2), 2 * 2 / (3 + 3)
    assert found['macro_f1_window'] == pytest.approx((sit + walk) / 2)
    assert found['balanced_accuracy_window'] == pytest.approx(2 / 3)
    assert found['macro_f1'] == found['accuracy'] == 1
    assert found['unknown_rate'] == 1 / 8
    assert found['selective_accuracy'] == 4 / 5
    # Sit is named a window late, walk at once.
    assert found['detection_rate'] == 1
    assert found['detection_delay_s'] == pytest.approx((1.0 + 0.5) / 2)


def test_calibration_by_hand():
    # Four windows at 0.8, three of them right; one at 0.5, wrong.
    sure, unsure = decide('ssss', 'sssw', sure=0.8), decide('s', 'v', sure=0.5)
    found = values(sure, unsure)
    assert found['ece'] == pytest.approx((4 * (0.8 - 0.75) + 1 * 0.5) / 5)
    right, wrong = 0.2**2 + 2 * 0.1**2, 0.8**2 + 0.9**2 + 0.1**2
    off = 0.5**2 + 0.75**2 + 0.25**2
    assert found['brier'] == pytest.approx((3 * right + wrong + off) / 5)


def test_a_confidence_on_the_edge_of_a_bin_is_of_the_lower_one():
    (each,) = [b for b in measure([decide('s', 's', sure=0.6)], ['1']).reliability if b.count]
    assert [each.low, each.high] == pytest.approx([8 / 15, 0.6])
    assert each.confidence == pytest.approx(0.6)
    assert each.accuracy == 1


def test_an_activity_that_is_not_known_is_wrong_everywhere():
    found = values(decide('sssxxx', 'ssssss', sure=1.0))
    assert found['macro_f1'] == pytest.approx(2 / 3 / 2)
    assert found['detection_rate'] == 0.5
    assert found['brier'] == pytest.approx((3 * 0 + 3 * 2) / 6)


def test_a_segment_nobody_names_has_no_delay_and_one_without_decisions_is_left_out():
    recording = decide('sss.www', 'sss.vvv'.replace('.', 's'))
    assert delays_s(recording) == {0: 0.5, 1: None}
    early = replace(recording, stamps_ns=recording.stamps_ns[:3], labels=['sit'] * 3)
    assert delays_s(early) == {0: 0.5}


@pytest.mark.parametrize(
    ('truth', 'said'), [('', ''), ('...', 'sw?'), ('ss', '??'), ('sss', 'sss'), ('x', 's')]
)
def test_nothing_to_measure_is_none_and_never_a_crash(truth, said):
    measures = measure([decide(truth, said)], ['1'])
    known = {name for name, value in measures.scalars.items() if value is not None}
    assert set(measures.scalars) == set(SCALARS)
    assert ('unknown_rate' in known) == bool(said)
    assert ('macro_f1' in known) == bool(truth.strip('.'))
    assert measures.intervals == {}


def test_no_recordings_at_all_give_no_scalars():
    assert set(values().values()) == {None}


@settings(max_examples=30, deadline=None)
@given(RECORDINGS)
def test_scalars_are_bounded_and_agree_with_the_library(pairs):
    recordings = make(pairs)
    found = values(*recordings)
    for name, value in found.items():
        assert value is None or 0 <= value <= (2 if name == 'brier' else 10)
        if name not in ('brier', 'detection_delay_s'):
            assert value is None or value <= 1
    rows = [
        (number, i) for number, r in enumerate(recordings) for i, t in enumerate(r.truth) if t >= 0
    ]
    assume(rows)
    truth = [recordings[n].true_labels[i] for n, i in rows]
    said = [recordings[n].labels[i] for n, i in rows]
    chances = np.array([recordings[n].probabilities[i] for n, i in rows])
    clips = [(n, recordings[n].truth[i]) for n, i in rows]
    scores = score(LABELS, chances, truth, clips, said)
    for name in ('macro_f1', 'accuracy', 'balanced_accuracy'):
        assert found[name] == pytest.approx(getattr(scores, name))
        assert found[f'{name}_window'] == pytest.approx(getattr(scores, f'{name}_window'))
    sure = [(t, c) for t, c in zip(truth, chances, strict=True) if c.any()]
    # Ubuntu 24.04's scikit-learn has it for two classes alone.
    if sure and 'labels' in signature(brier_score_loss).parameters:
        given_truth, given_chances = zip(*sure, strict=True)
        expected = brier_score_loss(
            list(given_truth), np.array(given_chances), labels=list(LABELS), scale_by_half=False
        )
        assert found['brier'] == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(RECORDINGS, st.randoms(use_true_random=False), st.integers(-3, 3))
def test_neither_order_nor_date_of_recordings_matters(pairs, random, hops):
    recordings = make(pairs)
    moved = [
        replace(
            each,
            stamps_ns=[stamp_ns + hops * HOP for stamp_ns in each.stamps_ns],
            segments=[
                replace(s, start_ns=s.start_ns + hops * HOP, end_ns=s.end_ns + hops * HOP)
                for s in each.segments
            ],
        )
        for each in recordings
    ]
    random.shuffle(moved)
    expected = {k: None if v is None else pytest.approx(v) for k, v in values(*recordings).items()}
    assert values(*moved) == expected


@settings(max_examples=25, deadline=None)
@given(RECORDINGS)
def test_weights_count_recordings_as_if_they_were_there_so_often(pairs):
    recordings = make(pairs)
    weights = np.arange(len(recordings)).astype(float)
    weighted = scalars(Tally.of(recordings).weighted(weights))
    repeated = Tally.of([each for n, each in enumerate(recordings) for _ in range(n)])
    for name, value in values_of(repeated).items():
        assert weighted[name] == pytest.approx(value, nan_ok=True)


def values_of(tally):
    return scalars(tally.weighted(np.ones(len(tally.edit))))
