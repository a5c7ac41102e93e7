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

"""When ROS time begins anew, and when two clocks only take turns."""

from test.runtime.selector_script import SECOND, SteadyClock
from xmodal_ros.runtime.time_jumps import TimeJumps


def test_time_that_jumps_back_begins_anew_each_time_it_is_started() -> None:
    clock = SteadyClock()
    jumps = TimeJumps(clock)
    for _ in range(3):
        clock.now_ns += 10 * SECOND
        assert jumps.begins_anew()
    assert jumps.trouble(['/player']) == ''


def test_two_clocks_that_take_turns_begin_time_anew_once_and_are_told_with_who_they_are() -> None:
    clock = SteadyClock()
    jumps = TimeJumps(clock)
    began = 0
    for _ in range(1000):
        clock.now_ns += SECOND // 100
        began += jumps.begins_anew()
    assert began == 1
    words = jumps.trouble(['/one', '/other'])
    assert '999 times' in words
    assert '2 publishers of /clock (/one, /other)' in words
    assert 'Let only one of them' in words
    assert jumps.trouble(['/one', '/other']) == ''
