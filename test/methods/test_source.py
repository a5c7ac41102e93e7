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

"""Who is paired with whom, and what a frozen source answers."""

import pytest
import torch

from test.methods.classifiers import classifier, source, windows
from xmodal_ros.errors import ConfigurationError, TrainingError
from xmodal_ros.methods.source import NO_LABEL, paired_sources, Source

ROWS = torch.arange(12)
LABELS = ROWS % 3


def test_pairs_in_time_are_as_recorded_and_nobody_is_minus_one():
    in_time = torch.where(ROWS % 2 == 0, ROWS + 3, -1)
    given = source(in_time=in_time).partners(ROWS[4:8], LABELS[4:8], 'time')
    assert given.tolist() == [7, -1, 9, -1]


def test_pairs_by_class_show_the_same_activity_and_change_every_time():
    teacher = source(in_time=torch.full((12,), -1))
    # So many that one of the eight is missed once in sixty million times.
    draws = [teacher.partners(ROWS, LABELS, 'class') for _ in range(150)]
    for drawn in draws:
        assert torch.equal(teacher.windows.labels[drawn], LABELS)
    assert {int(drawn[0]) for drawn in draws} == {0, 3, 6, 9, 12, 15, 18, 21}


def test_an_activity_that_the_source_has_never_seen_has_no_partner():
    teacher = source(labels=torch.arange(24) % 2)
    given = teacher.partners(ROWS, LABELS, 'class')
    assert ((given == -1) == (LABELS == 2)).all()
    assert teacher.known.tolist() == [True, True, False]


def test_windows_without_a_label_are_paired_in_time_and_with_no_activity():
    theirs = torch.where(torch.arange(24) % 2 == 0, torch.arange(24) % 3, NO_LABEL)
    teacher = source(labels=theirs, in_time=torch.where(ROWS == 3, -1, ROWS))
    ours = torch.where(ROWS < 6, LABELS, NO_LABEL)
    assert teacher.partners(ROWS, ours, 'time').tolist() == [0, 1, 2, -1, *range(4, 12)]
    for _ in range(20):
        of_class = teacher.partners(ROWS, ours, 'class')
        assert torch.equal(theirs[of_class[:6]], LABELS[:6])
        assert (of_class[6:] == -1).all()
    mixed = teacher.partners(ROWS, ours, 'time_else_class')
    assert torch.equal(mixed[ROWS != 3], ROWS[ROWS != 3])
    assert theirs[mixed[3]] == LABELS[3]
    assert teacher.known.tolist() == [True, True, True]


def test_a_source_without_labels_for_an_activity_does_not_know_it():
    theirs = torch.where(torch.arange(24) % 3 == 1, NO_LABEL, torch.arange(24) % 3)
    assert source(labels=theirs).known.tolist() == [True, False, True]


def test_class_fills_in_where_time_has_nobody():
    in_time = torch.where(ROWS < 6, ROWS, -1)
    given = source(in_time=in_time).partners(ROWS, LABELS, 'time_else_class')
    assert given[:6].tolist() == [0, 1, 2, 3, 4, 5]
    assert (given[6:] >= 0).all()
    assert torch.equal(windows().labels[given[6:]], LABELS[6:])


def test_a_batch_gets_the_answers_for_its_partners_only():
    teacher = source(in_time=torch.where(ROWS == 2, 7, torch.where(ROWS == 5, 1, -1)))
    alone = source('alone', in_time=torch.full((12,), -1))
    rows = torch.tensor([5, 4, 2])
    paired = paired_sources({'a': teacher, 'b': alone}, rows, LABELS[rows], 'time')
    assert list(paired) == ['a']
    assert paired['a'].rows.tolist() == [0, 2]
    assert torch.equal(paired['a'].outputs.logits, teacher.outputs.logits[[1, 7]])


def test_a_source_with_other_activities_is_refused_with_the_remedy():
    with pytest.raises(ConfigurationError, match=r"'radar' tells 5 activities.*target 3: train"):
        Source('radar', classifier(classes=5), windows(), ROWS, 3, lambda raw, _: raw)


def test_answers_that_are_no_numbers_are_refused_with_their_count():
    teacher = source()
    teacher.windows.values[[2, 9], 5] = torch.nan
    with pytest.raises(TrainingError, match=r"'camera' answers 2 of its 24 windows .*no numbers"):
        _ = teacher.outputs
