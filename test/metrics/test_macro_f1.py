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

"""Macro-F1 is scikit-learn's, to the last bit."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from xmodal_ros.metrics.macro_f1 import count_by_class, macro_f1


@pytest.mark.parametrize('seed', range(20))
def test_it_is_that_of_scikit_learn_over_the_classes_in_the_truth(seed: int) -> None:
    generator = np.random.default_rng(seed)
    classes = int(generator.integers(1, 30))
    truth = generator.integers(0, classes, 80)
    # One that no truth names stands for unknown.
    decided = generator.integers(-1, classes, 80)
    present = np.unique(truth).tolist()
    expected = f1_score(truth, decided, labels=present, average='macro', zero_division=0)
    counts = count_by_class(truth.tolist(), decided.tolist(), present)
    assert float(macro_f1(counts)) == float(expected)


def test_counts_of_recordings_add_up() -> None:
    first = count_by_class(['a', 'b'], ['a', 'a'], ['a', 'b'])
    second = count_by_class(['b'], ['b'], ['a', 'b'])
    together = count_by_class(['a', 'b', 'b'], ['a', 'a', 'b'], ['a', 'b'])
    assert np.array_equal(first + second, together)
