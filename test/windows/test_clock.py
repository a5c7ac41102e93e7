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

"""Where the window clock's bounds lie, to the nanosecond."""

from test.messages import EPOCH, SECOND
from xmodal_ros.windows.clock import WindowClock
from xmodal_ros.windows.windowing import WindowingSpec

SPEC = WindowingSpec(length_ns=SECOND, hop_ns=SECOND // 2, rate_hz=50)


def test_a_minute_is_a_gap_and_more_than_that_begins_anew() -> None:
    clock = WindowClock(SPEC)
    assert clock.admit(EPOCH) == 'start'
    assert clock.admit(EPOCH + 60 * SECOND) == 'next'
    assert clock.counts['reset'] == 0
    assert clock.admit(EPOCH + 120 * SECOND + 1) == 'start'
    assert clock.counts['reset'] == 1


def test_less_than_a_length_back_is_late_and_a_length_begins_anew() -> None:
    clock = WindowClock(SPEC)
    clock.admit(EPOCH)
    assert clock.admit(EPOCH) == 'drop'
    assert clock.admit(EPOCH - SECOND + 1) == 'drop'
    assert (clock.counts['duplicate'], clock.counts['late']) == (1, 1)
    assert clock.admit(EPOCH - SECOND) == 'start'
    assert clock.counts['reset'] == 1


def test_how_far_evidence_has_to_go_on_is_told_from_where_it_has_come() -> None:
    assert WindowClock(SPEC).remaining_ns is None
    clock = WindowClock(SPEC)
    clock.admit(EPOCH)
    first = SPEC.first_end(EPOCH)
    assert clock.due(first - 1) == []
    assert clock.remaining_ns == 1
    assert clock.due(first) == [first]
    assert clock.remaining_ns == SPEC.hop_ns
