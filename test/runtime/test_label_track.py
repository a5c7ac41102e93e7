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

"""What a source's own labels tell of it."""

import pytest

from test.runtime.selector_script import EPOCH, SECOND, WALK
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.label_track import LabelTrack

TIMEOUT = 3 * SECOND


def spoken(seconds: int) -> LabelTrack:
    """A source that has spoken each second, as time went on."""
    track = LabelTrack('imu')
    for second in range(seconds):
        track.take(Label(EPOCH + second * SECOND, 'link', WALK), second * SECOND, TIMEOUT)
    return track


def test_only_labels_behind_go_on_telling_the_time_of_the_track() -> None:
    track = spoken(3)
    newest = EPOCH + 2 * SECOND
    assert (track.behind, track.voice_ns) == (False, newest)
    track.stray('behind', newest + SECOND, 9 * SECOND, TIMEOUT)
    assert (track.behind, track.voice_ns) == (True, newest)
    track.stray('ahead', newest + 60 * SECOND, 9 * SECOND, TIMEOUT)
    assert (track.behind, track.voice_ns) == (False, newest + 60 * SECOND)


@pytest.mark.parametrize(('late_s', 'begins_after_s'), [(0.2, 0), (0.3, 1)])
def test_life_begins_with_the_next_label_where_one_is_late_by_more_than_a_quarter_of_its_step(
    late_s: float, begins_after_s: int
) -> None:
    track = spoken(5)
    clock = round((5 + late_s) * SECOND)
    track.take(Label(EPOCH + 5 * SECOND, 'link', WALK), clock, TIMEOUT)
    track.live_from(EPOCH + 5 * SECOND, clock)
    assert track.alive_since_ns == EPOCH + (5 + begins_after_s) * SECOND
