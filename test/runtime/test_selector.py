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

"""Which source the selector publishes, and when it changes."""

from dataclasses import replace

import pytest

from test.runtime.selector_script import (
    decide,
    EPOCH,
    HOP,
    hops,
    label,
    NOTHING,
    said,
    SECOND,
    seconds_of,
    SETTINGS,
    SIT,
    sources_at,
    SteadyClock,
    together,
    UNSURE,
    WALK,
)
from xmodal_ros.activities import UNKNOWN
from xmodal_ros.runtime.label import Label, Scores
from xmodal_ros.runtime.selector import Selector
from xmodal_ros.runtime.selector_settings import SelectorSettings


def make(settings: SelectorSettings = SETTINGS, clock: SteadyClock | None = None) -> Selector:
    return Selector(settings, clock or SteadyClock())


def test_the_highest_priority_is_published_as_it_came_whoever_speaks_first() -> None:
    events = together(said('camera', hops(0, 5), SIT), said('imu', hops(0, 5)))
    decisions = decide(make(), events)
    # The camera was first, once.
    assert sources_at(decisions) == [(0.0, 'camera'), *((t, 'imu') for t in hops(0.5, 5))]
    assert decisions[1].scores == WALK
    assert decisions[1].frame_id == 'link'


def test_equal_priorities_go_by_the_order_of_the_list() -> None:
    sources = tuple(replace(each, priority=0) for each in SETTINGS.sources)
    selector = make(replace(SETTINGS, sources=sources))
    decisions = decide(selector, together(said('imu', hops(0, 2)), said('camera', hops(0, 2))))
    assert {each.source for each in decisions[1:]} == {'camera'}


def test_a_dead_source_is_left_within_timeout_plus_one_hop() -> None:
    events = together(said('imu', hops(0, 5)), said('camera', hops(0, 12), SIT))
    decisions = decide(make(), events)
    last_of_imu = max(t for t, name in sources_at(decisions) if name == 'imu')
    first_of_camera = min(t for t, name in sources_at(decisions) if name == 'camera')
    assert last_of_imu == 4.5
    assert 2.0 < first_of_camera - last_of_imu <= 2.0 + 0.5
    assert decisions[-1].label == 'sit'


def test_a_source_that_returns_has_to_live_a_while_before_it_takes_over() -> None:
    events = together(said('imu', [*hops(0, 5), *hops(10, 20)]), said('camera', hops(0, 20), SIT))
    decisions = decide(make(), events)
    takes_over = next(t for t, name in sources_at(decisions) if name == 'imu' and t > 5)
    assert 13.0 <= takes_over <= 13.0 + 0.5
    assert [t for t, _ in sources_at(decisions) if t > 7] == hops(7.5, 20)


def test_a_source_that_stutters_never_takes_over() -> None:
    stutter = [t for start in range(10, 60, 4) for t in (start, start + 0.5)]
    events = together(said('imu', [0, *stutter]), said('camera', hops(0, 60), SIT))
    decisions = decide(make(), events)
    assert {name for t, name in sources_at(decisions) if t > 3} == {'camera'}


def test_one_that_returns_is_taken_at_once_when_there_is_no_other() -> None:
    events = [*said('imu', hops(0, 3)), *said('camera', hops(6, 7)), *said('imu', hops(10, 12))]
    decisions = decide(make(), events)
    assert sources_at(decisions)[-4:] == [(t, 'imu') for t in hops(10, 12)]


@pytest.mark.parametrize('weak', [UNSURE, NOTHING])
@pytest.mark.parametrize('first', ['imu', 'camera'])
def test_while_the_selected_source_is_unsure_the_next_one_answers(
    weak: Scores, first: str
) -> None:
    imu = [*said('imu', hops(0, 2)), *said('imu', hops(2, 4), weak), *said('imu', hops(4, 6))]
    camera = said('camera', hops(0, 6), SIT)
    streams = (imu, camera) if first == 'imu' else (camera, imu)
    decisions = decide(make(), together(*streams))
    assert [t for t, _ in sources_at(decisions)] == hops(0, 6)
    assert all(each.label != UNKNOWN for each in decisions)
    assert {name for t, name in sources_at(decisions) if 2 <= t < 4} == {'camera'}
    assert {name for t, name in sources_at(decisions) if 0.5 <= t < 2 or t >= 4.5} == {'imu'}


def test_nobody_stands_in_where_that_is_not_wanted_or_nobody_knows_better() -> None:
    imu, camera = said('imu', hops(0, 4), UNSURE), said('camera', hops(0, 4), SIT)
    keeping = make(replace(SETTINGS, stand_in=False))
    assert {each.scores for each in decide(keeping, together(imu, camera))} == {UNSURE}
    both = together(imu, said('camera', hops(0, 4), NOTHING))
    assert {each.scores for each in decide(make(), both)} == {UNSURE}


def test_an_unsure_source_is_not_held_back_for_one_that_speaks_seldom() -> None:
    events = together(said('imu', hops(0, 9), UNSURE), said('camera', [0, 2, 4, 6, 8], SIT))
    decisions = decide(make(replace(SETTINGS, timeout_ns=5 * SECOND)), events)
    # Only after its second label is it known when the camera speaks again.
    assert [t for t, _ in sources_at(decisions) if t >= 2] == hops(2, 9)


def test_a_source_chosen_by_hand_is_the_only_one_that_counts() -> None:
    selector = make()
    events = together(said('imu', hops(0, 4)), said('camera', hops(0, 4), SIT))
    decide(selector, events)
    selector.change(replace(SETTINGS, source='camera'))
    events = together(said('imu', hops(4, 8)), said('camera', hops(4, 8), NOTHING))
    decisions = decide(selector, events)
    assert sources_at(decisions) == [(t, 'camera') for t in hops(4, 8)]
    selector.change(SETTINGS)
    decisions = decide(selector, together(said('imu', hops(8, 12)), said('camera', hops(8, 12))))
    assert decisions[-1].source == 'imu'
    assert [t for t, _ in sources_at(decisions)] == hops(8, 12)


def test_a_silent_source_chosen_by_hand_is_unknown_though_others_speak() -> None:
    clock = SteadyClock()
    selector = make(replace(SETTINGS, source='imu'), clock)
    for step, (name, each) in enumerate(said('camera', hops(0, 4))):
        clock.now_ns = step * HOP
        assert selector.push(name, each) == []
    assert selector.watch(EPOCH + 4 * SECOND) is None
    assert selector.silent
    assert sources_at(decide(selector, said('imu', [4.5]))) == [(4.5, 'imu')]
    clock.now_ns += 2 * SECOND
    unknown = selector.watch(EPOCH + 7 * SECOND)
    assert unknown is not None
    assert (unknown.scores, unknown.source) == (NOTHING, '')


def test_silence_is_unknown_once_a_timeout_on_the_steady_clock() -> None:
    clock = SteadyClock()
    selector = make(clock=clock)
    decide(selector, said('imu', hops(0, 1)))
    clock.now_ns = 2 * SECOND - 1
    assert selector.watch(EPOCH + 3 * SECOND) is None
    assert selector.until_silence_ns == 1
    clock.now_ns = 2 * SECOND
    assert selector.until_silence_ns == 0
    first = selector.watch(EPOCH + 3 * SECOND)
    assert first is not None
    assert (seconds_of(first), first.label, first.source) == (3.0, UNKNOWN, '')
    assert selector.silent
    # What was said before is not to be said any more.
    assert selector.tracks['imu'].latest is None
    clock.now_ns += SECOND
    assert selector.watch(EPOCH + 4 * SECOND) is None
    assert selector.until_silence_ns == SECOND
    clock.now_ns += SECOND
    second = selector.watch(EPOCH + 5 * SECOND)
    assert second is not None
    assert seconds_of(second) == 5.0
    assert selector.counts['unknown, silence'] == 2

    decisions = decide(selector, said('camera', hops(5.5, 6.5), SIT))
    assert sources_at(decisions) == [(5.5, 'camera'), (6.0, 'camera')]
    assert not selector.silent


@pytest.mark.parametrize('now_ns', [0, EPOCH, EPOCH + SECOND // 2])
def test_silence_is_told_even_where_the_nodes_clock_is_behind(now_ns: int) -> None:
    clock = SteadyClock()
    selector = make(clock=clock)
    decide(selector, said('imu', hops(0, 1)))
    clock.now_ns = 2 * SECOND
    unknown = selector.watch(now_ns)
    assert unknown is not None
    assert unknown.stamp_ns == EPOCH + HOP + 1
    assert sources_at(decide(selector, said('imu', [1.0]))) == [(1.0, 'imu')]


def test_before_any_label_silence_has_no_stamp_and_the_first_label_starts_time() -> None:
    clock = SteadyClock()
    selector = make(clock=clock)
    for _ in range(5):
        clock.now_ns += SECOND
        assert selector.watch(EPOCH + 3600 * SECOND + clock.now_ns) is None
    assert selector.silent
    assert sources_at(decide(selector, said('imu', hops(0, 5)))) == [
        (t, 'imu') for t in hops(0, 5)
    ]
    assert selector.resets == 0
    assert not selector.silent


@pytest.mark.parametrize(
    ('bad', 'reason'),
    [
        (Label(EPOCH, '', ()), 'no_results'),
        (Label(0, '', WALK), 'zero_stamp'),
        (Label(-5, '', WALK), 'zero_stamp'),
        (label(9, (('walk', float('nan')),)), 'not_finite'),
        (label(9, (('walk', 0.5), ('sit', float('inf')))), 'not_finite'),
        (label(9, (('', 0.5),)), 'no_name'),
        (label(9, (('walk', 0.5), ('walk', 0.5))), 'named_twice'),
        (label(9, (('walk', 7.0), ('sit', -2.0))), 'not_a_probability'),
        (label(1.0), 'duplicate'),
        (label(0.5), 'late'),
        (label(-1.0), 'late'),
    ],
)
def test_a_label_that_cannot_be_used_is_counted_and_changes_nothing(
    bad: Label, reason: str
) -> None:
    clock = SteadyClock()
    selector = make(clock=clock)
    decide(selector, said('imu', [0, 0.5, 1.0]))
    clock.now_ns = 2 * SECOND
    assert selector.push('imu', bad) == []
    assert selector.tracks['imu'].drops == {reason: 1}
    # It did not count as a sign of life either.
    assert selector.watch(EPOCH + 3 * SECOND) is not None
    assert selector.tracks['imu'].newest_ns == EPOCH + SECOND


@pytest.mark.parametrize('first', ['imu', 'camera'])
def test_all_start_anew_when_stamps_jump_back(first: str) -> None:
    selector = make()
    decide(selector, together(said('imu', hops(100, 105)), said('camera', hops(100, 105))))
    streams = said('imu', hops(0, 5)), said('camera', hops(0, 5))
    decisions = decide(selector, together(*(streams if first == 'imu' else streams[::-1])))
    stamps = [t for t, _ in sources_at(decisions)]
    assert stamps == hops(0, 5)
    assert selector.resets == 1
    assert decisions[-1].source == 'imu'


def test_one_source_that_jumps_back_while_another_goes_on_is_left() -> None:
    selector = make()
    decide(selector, together(said('imu', hops(100, 105)), said('camera', hops(100, 105))))
    imu, camera = said('imu', hops(0, 10)), said('camera', hops(105, 115))
    decisions = decide(selector, [each for pair in zip(imu, camera, strict=True) for each in pair])
    assert [t for t, _ in sources_at(decisions)] == hops(105, 115)
    assert {name for _, name in sources_at(decisions)} == {'camera'}
    assert selector.resets == 0


def test_a_survivor_whose_stamps_jump_back_is_heard_after_a_timeout() -> None:
    selector = make()
    decide(selector, together(said('imu', hops(100, 105)), said('camera', hops(100, 105))))
    decisions = decide(selector, said('camera', hops(0, 6), SIT))
    assert [t for t, _ in sources_at(decisions)] == hops(2.5, 6)
    assert selector.resets == 1


def test_one_wrong_stamp_far_ahead_is_forgotten_with_the_next_right_one() -> None:
    selector = make()
    events = said('imu', [0, 0.5, 3.6e6, 1.0, 1.5])
    assert [t for t, _ in sources_at(decide(selector, events))] == [0, 0.5, 3.6e6, 1.0, 1.5]
    assert selector.resets == 1


def test_after_a_reset_labels_of_any_time_are_published() -> None:
    selector = make()
    decide(selector, together(said('imu', hops(100, 105)), said('camera', hops(100, 105))))
    selector.reset()
    decisions = decide(selector, together(said('imu', hops(0, 2)), said('camera', hops(0, 2))))
    assert sources_at(decisions) == [(t, 'imu') for t in hops(0, 2)]


def test_labels_that_a_stall_has_delayed_never_go_back_behind_the_silence() -> None:
    """What was held back before the silence must not pass for time that goes on without us."""
    clock = SteadyClock()
    selector = make(clock=clock)
    # The camera's labels of the same stamps come second each time, and are never published.
    decide(selector, together(said('imu', hops(0, 5)), said('camera', hops(0, 5), SIT)))
    clock.now_ns += 3 * SECOND
    silence = selector.watch(EPOCH + round(9.4 * SECOND))
    assert silence is not None
    # The backlog of more than two timeouts comes in a tenth of a second.
    clock.now_ns += SECOND // 10
    decisions = decide(
        selector, together(said('imu', hops(5, 12)), said('camera', hops(5, 12), SIT))
    )
    assert selector.resets == 0
    assert [seconds_of(each) for each in decisions] == hops(9.5, 12)
