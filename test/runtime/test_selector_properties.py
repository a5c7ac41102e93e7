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

"""What holds of the selector whatever comes."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from test.runtime.selector_script import (
    CAMERA,
    decide,
    EPOCH,
    Event,
    HOP,
    IMU,
    NOTHING,
    SECOND,
    SETTINGS,
    SIT,
    SteadyClock,
    UNSURE,
    WALK,
)
from xmodal_ros.activities import UNKNOWN
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.selector import Selector
from xmodal_ros.runtime.selector_settings import Mode, SelectorSettings, SourceSettings

NAMES = ('imu', 'camera', 'audio')
SOURCES = (CAMERA, IMU, SourceSettings('audio', accuracy=0.7))
SCORES = st.sampled_from([WALK, SIT, UNSURE, NOTHING])

settings = st.builds(
    SelectorSettings,
    sources=st.just(SOURCES),
    source=st.sampled_from(['auto', 'auto', *NAMES]),
    mode=st.sampled_from(['select', 'fuse']),
    stand_in=st.booleans(),
    unknown_threshold=st.floats(0, 1),
    smoothing_ns=st.sampled_from([0, 2 * SECOND]),
    smoothing_method=st.sampled_from(['mean', 'majority']),
    minimum_dwell_ns=st.sampled_from([0, SECOND]),
)
anything = st.one_of(
    st.tuples(
        st.sampled_from(NAMES),
        st.builds(
            Label,
            stamp_ns=st.integers(-(2**31) * SECOND, 2**31 * SECOND)
            | st.integers(0, 40).map(lambda hop: EPOCH + hop * HOP),
            frame_id=st.just(''),
            scores=st.one_of(
                SCORES,
                st.lists(st.tuples(st.text(max_size=2), st.floats()), max_size=3).map(tuple),
            ),
        ),
    ),
    # Silence of so many nanoseconds, by which the node's clock stands here.
    st.tuples(st.integers(0, 5 * SECOND), st.integers(0, 2**31 * SECOND)),
)


@given(settings, st.lists(anything, max_size=60))
def test_stamps_rise_until_time_starts_anew_and_nothing_raises(
    chosen: SelectorSettings, script: list[Event | tuple[int, int]]
) -> None:
    clock = SteadyClock()
    selector = Selector(chosen, clock)
    published = []
    for what, detail in script:
        if isinstance(detail, Label):
            assert isinstance(what, str)
            decisions = selector.push(what, detail)
        else:
            assert isinstance(what, int)
            clock.now_ns += what
            unknown = selector.watch(detail)
            decisions = [] if unknown is None else [unknown]
        published += [(selector.resets, each) for each in decisions]
    for (resets, before), (resets_then, after) in pairwise(published):
        assert after.stamp_ns > before.stamp_ns or resets_then > resets
    for _, each in published:
        assert all(0 <= score <= 1.001 for _, score in each.scores)
        assert len({name for name, _ in each.scores}) == len(each.scores)
        assert (each.source == '') <= (each.label == UNKNOWN)


@given(st.lists(SCORES, min_size=1, max_size=12), st.data())
def test_what_is_fused_does_not_depend_on_who_comes_first(
    scores: list[tuple[tuple[str, float], ...]], data: st.DataObject
) -> None:
    fusing = replace(SETTINGS, mode='fuse')
    streams = {
        name: [Label(EPOCH + k * HOP, name, each) for k, each in enumerate(order)]
        for name, order in (('imu', scores), ('camera', scores[::-1]))
    }
    start = [(name, streams[name].pop(0)) for name in ('imu', 'camera')]
    rest = zip(streams['imu'], streams['camera'], strict=True)
    in_turn = [*start, *(x for one, other in rest for x in (('imu', one), ('camera', other)))]
    shuffled: list[Event] = [*start]
    waiting = {name: list(stream) for name, stream in streams.items()}
    while any(waiting.values()):
        # Neither gets so far ahead that the other counts as dead.
        most = max(len(each) for each in waiting.values())
        able = [n for n, each in waiting.items() if each and len(each) >= most - 2]
        name = data.draw(st.sampled_from(able))
        shuffled.append((name, waiting[name].pop(0)))
    assert decide(Selector(fusing, SteadyClock()), shuffled) == decide(
        Selector(fusing, SteadyClock()), in_turn
    )


@given(
    st.integers(1, 8), st.integers(1, 8), st.integers(0, 30), st.sampled_from(['select', 'fuse'])
)
def test_death_is_noticed_within_timeout_plus_one_hop_at_any_rates(
    imu_step: int, camera_step: int, death: int, mode: Mode
) -> None:
    unit = SECOND // 5
    timeout = SETTINGS.timeout_ns
    selector = Selector(replace(SETTINGS, mode=mode), SteadyClock())
    events = [
        *(('imu', Label(EPOCH + t * unit, '', WALK)) for t in range(0, death + 1, imu_step)),
        *(('camera', Label(EPOCH + t * unit, '', SIT)) for t in range(0, 80, camera_step)),
    ]
    events.sort(key=lambda each: each[1].stamp_ns)
    last_of_imu = max(each.stamp_ns for name, each in events if name == 'imu')
    heard = 0
    for name, each in events:
        heard = each.stamp_ns
        if any(d.source == 'camera' for d in selector.push(name, each)) and heard > last_of_imu:
            break
    assert heard <= last_of_imu + timeout + camera_step * unit
