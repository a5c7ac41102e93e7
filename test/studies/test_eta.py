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

"""The time left is told from runs of the same kind."""

from xmodal_ros.studies.eta import EtaEstimator


def test_the_time_left_by_hand():
    eta = EtaEstimator(['a', 'a', 'b', 'c'], workers=2)
    assert eta.seconds() is None
    assert eta.text() == 'unknown time'
    eta.observe('b', 10)
    eta.finish('a', 2)
    # a 2, b 10, and c as long as the mean of 6, by two workers.
    assert eta.seconds() == (2 + 10 + 6) / 2
    eta.finish('a', 4)
    eta.finish('b', 10)
    eta.finish('c', 1)
    assert eta.seconds() == 0


def test_in_words():
    for seconds, text in ((59, '59 s'), (600, '10 min'), (9000, '2.5 h')):
        eta = EtaEstimator(['a'], workers=1)
        eta.observe('a', seconds)
        assert eta.text() == text
