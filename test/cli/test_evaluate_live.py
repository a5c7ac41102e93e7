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

"""What ``xmodal evaluate --live --show-labels`` prints while a recording is played."""

from dataclasses import replace
import io

from rich.console import Console

from test.evaluation.made_up import make_evaluation
from xmodal_ros.cli.evaluate_live import LabelPrinter
from xmodal_ros.evaluation.scoring import BagEvaluation


def printed(bag: BagEvaluation) -> list[list[str]]:
    text = io.StringIO()
    printer = LabelPrinter(bag, Console(file=text, width=200))
    for prediction in bag.offline.predictions:
        printer(prediction)
    first, *lines = text.getvalue().splitlines()
    assert first == 'live bag_0, by seconds since its first label'
    return [line.split() for line in lines]


def test_changes_are_printed_where_the_truth_is_known_with_whether_they_are_right() -> None:
    said = ['walk'] * 10 + ['sit'] * 18 + ['walk'] * 4
    (bag,) = make_evaluation([said], truth=('walk', 'sit'), subjects=['7']).bags
    unlabelled = replace(bag, truth=(*bag.truth[:12], -1, -1, -1, *bag.truth[15:]))
    lines = printed(unlabelled)
    assert [(line[3], line[5:]) for line in lines] == [
        ('walk', ['right']),
        ('sit', ['truth:', 'walk']),
        ('sit', ['right']),
        ('walk', ['truth:', 'sit']),
    ]


def test_of_a_recording_without_labels_each_change_is_printed() -> None:
    (bag,) = make_evaluation([['walk'] * 5 + ['sit'] * 11], truth=('walk',), subjects=['7']).bags
    nothing = replace(bag, truth=(-1,) * len(bag.truth))
    assert [line[3:] for line in printed(nothing)] == [['walk', '0.80'], ['sit', '0.80']]
