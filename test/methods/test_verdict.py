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

"""What is decided about sources, from scores of people whom the target had not met."""

import json

import pytest

from xmodal_ros.methods.verdict import compare, judge, Way

ALONE = {'a': 0.5, 'b': 0.6, 'c': 0.4}


def shifted(*differences: float) -> dict[str, float]:
    return {name: ALONE[name] + d for name, d in zip(ALONE, differences, strict=True)}


def way(taught: dict[str, float], averaged: dict[str, float], *sources: str) -> Way:
    return Way(sources or ('thigh',), taught, averaged)


def test_a_difference_is_that_of_the_same_people():
    found = compare(shifted(0.1, 0.2, -0.03), ALONE)
    assert found.gain == pytest.approx(0.09)
    assert (found.better, found.units) == (2, 3)
    # The standard error of the mean of 0.1, 0.2 and -0.03.
    assert found.error == pytest.approx(0.11532562594670797 / 3**0.5)


def test_of_one_person_nothing_is_certain():
    verdict = judge('wrist', 'people', {'a': 0.5}, [way({'a': 0.9}, {'a': 0.8})])
    assert verdict.decision == 'averaged'
    assert verdict.document()['standard_error'] is None


@pytest.mark.parametrize(
    ('taught', 'averaged', 'decision'),
    [
        ((0.05, 0.06, 0.07), (0.02, 0.02, 0.02), 'kept'),
        ((0.05, 0.06, 0.07), (0.10, 0.11, 0.10), 'averaged'),
        ((-0.05, -0.06, -0.07), (-0.02, -0.02, -0.02), 'not used'),
        ((-0.05, -0.06, -0.07), (0.05, 0.05, 0.04), 'averaged'),
        ((0.1, -0.1, 0.03), (0.02, 0.0, 0.0), 'averaged'),
        ((0.1, -0.1, 0.03), (-0.3, -0.3, -0.3), 'kept'),
        ((0.1, -0.1, -0.03), (-0.3, -0.3, -0.3), 'not used'),
    ],
)
def test_strong_evidence_decides_and_weak_evidence_averages(taught, averaged, decision):
    verdict = judge('wrist', 'people', ALONE, [way(shifted(*taught), shifted(*averaged))])
    assert verdict.decision == decision


def test_the_sentence_says_who_taught_whom_what_it_was_worth_and_to_how_many():
    verdict = judge('wrist', 'people', ALONE, [way(shifted(0.1, 0.12, -0.02), ALONE)])
    assert verdict.sentence == (
        'thigh taught wrist: +0.07 macro-F1 on people it had not met (2 of 3 better); kept'
    )


def test_of_several_ways_the_best_is_judged_and_all_are_told():
    near = way(shifted(0.01, 0.01, 0.02), ALONE, 'near')
    both = way(shifted(0.1, 0.1, 0.09), ALONE, 'near', 'far')
    verdict = judge('wrist', 'parts of a recording', ALONE, [near, both])
    assert verdict.sources == ('near', 'far')
    assert verdict.sentence.startswith('near and far taught wrist: +0.10')
    assert 'on parts of a recording it had not been taught on' in verdict.sentence
    document = json.loads(json.dumps(verdict.document()))
    assert document['macro_f1'].keys() == {
        'alone', 'near', 'near, averaged', 'near and far', 'near and far, averaged',
    }  # fmt: skip
    assert document['macro_f1']['alone'] == pytest.approx(0.5)
