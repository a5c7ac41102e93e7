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

"""A label a sample becomes segments."""

import numpy as np
import pytest

from xmodal_ros.modalities.label_runs import label_runs

MS = 1_000_000


def runs(times_ms: list[int], labels: str) -> list[tuple[int, int, str]]:
    """The runs of labels of one letter, where a blank is none, in milliseconds."""
    found = label_runs(np.array(times_ms, np.int64) * MS, [each.strip() for each in labels])
    return [(run.start_ns // MS, run.end_ns // MS, run.label) for run in found]


@pytest.mark.parametrize(
    ('times_ms', 'labels', 'expected'),
    [
        # Up to the first sample of the next; the last one is as long as the usual step.
        ([0, 20, 40, 60, 80], 'aabbb', [(0, 40, 'a'), (40, 100, 'b')]),
        ([0, 20, 40, 60, 80], 'aaaaa', [(0, 100, 'a')]),
        ([0, 20, 40, 60, 80], 'a aab', [(0, 20, 'a'), (40, 80, 'a'), (80, 100, 'b')]),
        ([0, 20, 40], '   ', []),
        # A gap ends what is done, also where the same is done after it.
        ([0, 20, 40, 2000, 2020], 'aaaaa', [(0, 60, 'a'), (2000, 2040, 'a')]),
        ([0, 20, 40, 2000, 2020], 'aaabb', [(0, 60, 'a'), (2000, 2040, 'b')]),
        ([0, 20, 40, 1040, 1060], 'aaaaa', [(0, 1080, 'a')]),
        # Slow sensors have long steps.
        ([0, 900, 1800, 4000], 'aaaa', [(0, 4900, 'a')]),
        # Of one time the first sample counts.
        ([0, 20, 20, 40, 60], 'aabbb', [(0, 40, 'a'), (40, 80, 'b')]),
        ([0, 20, 20, 40, 60], 'abaaa', [(0, 20, 'a'), (20, 40, 'b'), (40, 80, 'a')]),
    ],
)
def test_samples_of_one_label_that_follow_one_another_are_a_run(
    times_ms: list[int], labels: str, expected: list[tuple[int, int, str]]
) -> None:
    assert runs(times_ms, labels) == expected
