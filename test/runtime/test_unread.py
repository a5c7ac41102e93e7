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

"""Messages wait for the word on how they are read, and not for ever."""

from xmodal_ros.runtime.pipeline import Received
from xmodal_ros.runtime.unread import UnreadMessages

SECOND = 1_000_000_000


def came(*at_ns: int) -> list[Received]:
    return [Received(b'', each) for each in at_ns]


def test_what_came_before_the_word_is_read_after_it_in_order():
    unread = UnreadMessages(10, lambda: SECOND)
    assert unread.through(came(1, 2), waits=True) == []
    assert unread.through(came(3), waits=True) == []
    assert unread.through(came(4), waits=False) == came(1, 2, 3, 4)
    assert unread.through(came(5), waits=False) == came(5)


def test_what_has_waited_a_second_is_given_though_nobody_said_how_to_read_it():
    now = [SECOND]
    unread = UnreadMessages(10, lambda: now[0])
    assert unread.through(came(1, SECOND // 2), waits=True) == []
    now[0] = SECOND + 1
    assert unread.through(came(SECOND + 1), waits=True) == came(1)
    now[0] = 3 * SECOND
    assert unread.through([], waits=True) == came(SECOND // 2, SECOND + 1)


def test_of_a_flood_no_more_waits_than_there_is_room_for():
    unread = UnreadMessages(2, lambda: 0)
    assert unread.through(came(1, 2, 3, 4, 5), waits=True) == came(1, 2, 3)
    assert unread.through([], waits=False) == came(4, 5)
