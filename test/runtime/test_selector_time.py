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

"""What the selector makes of bursts, gaps, jumps and clocks that disagree, in both modes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest

from test.runtime.selector_script import (
    EPOCH,
    hops,
    label,
    NOTHING,
    SECOND,
    seconds_of,
    SETTINGS,
    SIT,
    SteadyClock,
    UNSURE,
    WALK,
)
from xmodal_ros.activities import UNKNOWN
from xmodal_ros.runtime.label import Label, Scores
from xmodal_ros.runtime.selector import Decision, Selector
from xmodal_ros.runtime.selector_health import Input, SelectorHealth
from xmodal_ros.runtime.selector_settings import Mode, SelectorSettings

HOP_S = 0.5
INPUTS = {name: Input(f'/{name}', publishers=1, received=10) for name in ('imu', 'camera')}


@dataclass
class Robot:
    """A selector that is watched as by its node; ``published`` says when, by the clock."""

    settings: SelectorSettings
    node_ahead_s: float = 0.0
    clock: SteadyClock = field(default_factory=SteadyClock)
    published: list[tuple[float, Decision]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.selector = Selector(self.settings, self.clock)

    def run(
        self,
        first: float,
        last: float,
        imu: Callable[[float], Iterable[Label]],
        camera: Callable[[float], Iterable[Label]],
    ) -> None:
        """Let time pass; the sources say of each hop which labels come then."""
        for at in hops(first, last, 0.1):
            self.clock.now_ns = round(at * SECOND)
            if round(at * 10) % round(HOP_S * 10) == 0:
                for name, labels in (('imu', imu(at)), ('camera', camera(at))):
                    for each in labels:
                        self.note(self.selector.push(name, each))
            node_ns = EPOCH + round((at + self.node_ahead_s) * SECOND)
            unknown = self.selector.watch(node_ns)
            self.note([] if unknown is None else [unknown])

    def note(self, decisions: list[Decision]) -> None:
        self.published += [(self.clock.now_ns / SECOND, each) for each in decisions]

    @property
    def falls(self) -> list[tuple[float, float]]:
        stamps = [seconds_of(each) for _, each in self.published]
        return [(a, b) for a, b in pairwise(stamps) if b <= a]

    def between(self, first: float, last: float) -> list[Decision]:
        return [each for at, each in self.published if first <= at < last]


def on_time(scores: Scores = WALK, ahead: float = 0.0) -> Callable[[float], list[Label]]:
    return lambda at: [label(at + ahead, scores)]


def silent(_at: float) -> list[Label]:
    return []


def burst(first: float, last: float, scores: Scores = NOTHING) -> list[Label]:
    return [label(at, scores) for at in hops(first, last, HOP_S)]


@pytest.mark.parametrize('mode', ['select', 'fuse'])
@pytest.mark.parametrize('late', [NOTHING, WALK, UNSURE])
@pytest.mark.parametrize('gap', [2.5, 3.0, 10.0, 60.0])
def test_a_source_that_returns_with_a_burst_has_to_live_a_while_however_many_came(
    mode: Mode, late: Scores, gap: float
) -> None:
    robot = Robot(replace(SETTINGS, mode=mode))
    back = 10 + gap
    robot.run(0, 10, on_time(), on_time(SIT))
    robot.run(10, back, silent, on_time(SIT))
    robot.run(back, back + 0.1, lambda _: burst(10, back + HOP_S, late), on_time(SIT))
    robot.run(back + 0.1, back + 8, on_time(), on_time(SIT))
    assert robot.falls == []
    assert robot.selector.resets == 0
    assert {each.source for each in robot.between(back, back + 3)} == {'camera'}
    assert {each.label for each in robot.between(back, back + 3)} == {'sit'}
    assert 'imu' in robot.between(back + 3.5, back + 5)[-1].source


@pytest.mark.parametrize('phase', [0.0, 0.1, 0.3, 0.4])
@pytest.mark.parametrize('spoke', [0.1, 10.0])
def test_life_after_a_burst_counts_from_when_it_came(spoke: float, phase: float) -> None:
    """However little it had said before, so that nobody knows how late its labels come."""
    robot = Robot(SETTINGS)
    robot.run(0, spoke, on_time(), on_time(SIT))
    robot.run(spoke, 22, silent, on_time(SIT))
    for at in burst(0.5 if spoke < 1 else spoke, 22):
        robot.clock.now_ns = round((21.5 + phase) * SECOND)
        robot.note(robot.selector.push('imu', at))
    robot.run(22, 30, on_time(), on_time(SIT))
    takes_over = next(at for at, each in robot.published if at > 15 and each.source == 'imu')
    assert 3.0 <= takes_over - (21.5 + phase) <= 3.0 + 2 * HOP_S


@pytest.mark.parametrize('mode', ['select', 'fuse'])
def test_labels_after_which_nothing_is_decided_put_silence_off_by_a_timeout_at_most(
    mode: Mode,
) -> None:
    robot = Robot(replace(SETTINGS, mode=mode))
    robot.run(0, 0.1, on_time(WALK, 3.0), silent)
    # Stamps that are before what silence has been told with, of clocks that jump meanwhile.
    robot.run(0.1, 3.0, silent, silent)
    robot.run(3.0, 3.1, on_time(WALK, 1.0), silent)
    robot.run(3.1, 4.5, silent, silent)
    robot.run(4.5, 4.6, silent, on_time(SIT, -0.5))
    robot.run(4.6, 9.0, silent, silent)
    times = [at for at, _ in robot.published]
    assert max(b - a for a, b in pairwise(times)) <= 2 * 2.0 + 0.1


@pytest.mark.parametrize('mode', ['select', 'fuse'])
@pytest.mark.parametrize('ahead', [0.0, 3.0, 4.0, 10.0, 3600.0, -10.0, -3600.0])
def test_a_dead_source_is_left_as_soon_whatever_its_clock_says(mode: Mode, ahead: float) -> None:
    robot = Robot(replace(SETTINGS, mode=mode))
    robot.run(0, 15, on_time(WALK, ahead), silent)
    robot.run(15, 25, on_time(WALK, ahead), on_time(SIT))
    robot.run(25, 35, silent, on_time(SIT))
    last_of_imu = max(at for at, each in robot.published if 'imu' in each.source)
    first_of_camera = next(
        at for at, each in robot.published if each.source == 'camera' and at > last_of_imu
    )
    assert first_of_camera - last_of_imu <= 2.0 + 2 * HOP_S
    assert UNKNOWN not in {each.label for _, each in robot.published}
    # Another time comes into use, and only with that stamps may step back.
    assert robot.selector.resets == (ahead != 0)
    assert len(robot.falls) == (ahead > 0)


@pytest.mark.parametrize(('imu', 'camera'), [(1.02, 1.0), (1.0, 1.02), (0.98, 1.0)])
def test_a_clock_that_drifts_away_leaves_no_gap_longer_than_the_timeout(
    imu: float, camera: float
) -> None:
    robot = Robot(SETTINGS)
    robot.run(0, 200, lambda at: [label(at * imu)], lambda at: [label(at * camera, SIT)])
    times = [at for at, _ in robot.published]
    assert robot.falls == []
    assert max(b - a for a, b in pairwise(times)) <= 2.0 + HOP_S
    assert len({each.source for each in robot.between(190, 200)}) == 1


@pytest.mark.parametrize('mode', ['select', 'fuse'])
@pytest.mark.parametrize('seconds', [3.0, 30.0, 60.0])
def test_windows_of_the_future_leave_the_others_answering(mode: Mode, seconds: float) -> None:
    robot = Robot(replace(SETTINGS, mode=mode))
    robot.run(0, 10, on_time(), on_time(SIT))
    robot.run(10, 10.1, lambda at: burst(at, at + seconds), on_time(SIT))
    robot.run(10.1, 12, silent, on_time(SIT))
    robot.run(12, 30, on_time(), on_time(SIT))
    assert robot.falls == []
    assert robot.selector.resets == 0
    assert all(seconds_of(each) <= at + 2 for at, each in robot.published)
    times = [at for at, _ in robot.published]
    assert max(b - a for a, b in pairwise(times)) <= 2.0 + HOP_S
    assert 'imu' in robot.between(20, 30)[-1].source


@pytest.mark.parametrize('wrong', [3.0, 30.0, -3.0, -30.0, -1e9])
def test_one_wrong_stamp_of_a_source_is_nothing_to_the_others(wrong: float) -> None:
    robot = Robot(SETTINGS)
    robot.run(0, 10, on_time(), on_time(SIT))
    robot.run(10, 10.1, on_time(WALK, wrong), on_time(SIT))
    robot.run(10.1, 20, on_time(), on_time(SIT))
    assert robot.falls == []
    assert robot.selector.resets == 0
    assert [seconds_of(each) for each in robot.between(8, 20)] == hops(8, 20)


@pytest.mark.parametrize('jump', [30.0, -5.0, -30.0])
def test_where_all_clocks_are_set_labels_go_on_within_timeout_and_a_hop(jump: float) -> None:
    robot = Robot(SETTINGS)
    robot.run(0, 10, on_time(), on_time(SIT))
    robot.run(10, 20, on_time(WALK, jump), on_time(SIT, jump))
    assert len(robot.falls) == (jump < 0)
    labelled = [at for at, each in robot.published if each.source]
    assert max(b - a for a, b in pairwise(labelled)) <= 2.0 + 2 * HOP_S
    assert seconds_of(robot.published[-1][1]) == 19.5 + jump


def test_a_source_by_another_clock_follows_a_dead_one_without_an_unknown_between() -> None:
    clock = SteadyClock()
    selector = Selector(SETTINGS, clock)
    made: list[Decision] = []
    for step in range(20 * 50):
        clock.now_ns, seconds = step * SECOND // 50, step / 50
        if step % 25 == 0 and seconds <= 6:
            made += selector.push('imu', label(seconds))
        # Not due when the timeout is over, and an hour ahead since its second label.
        if step % 25 == 12:
            made += selector.push('camera', label(seconds + 3600 * (seconds > 1), SIT))
        unknown = selector.watch(EPOCH + clock.now_ns)
        made += [] if unknown is None else [unknown]
    assert {each.source for each in made} == {'imu', 'camera'}
    assert UNKNOWN not in {each.label for each in made}


def test_a_burst_by_a_clock_that_was_set_back_is_nothing_to_one_that_speaks() -> None:
    clock = SteadyClock()
    selector = Selector(SETTINGS, clock)
    selector.push('camera', label(0))
    made: list[Decision] = []
    for step in range(1, 20):
        clock.now_ns = step * SECOND // 2
        made += selector.push('imu', label(step / 2))
        if step == 14:
            made += [d for each in burst(-3599.5, -3593) for d in selector.push('camera', each)]
    assert {each.source for each in made} == {'imu'}
    assert selector.resets == 0


def test_a_recording_that_loops_begins_anew_each_time_at_once() -> None:
    robot = Robot(SETTINGS)
    for loop in range(3):
        robot.run(
            loop * 10,
            loop * 10 + 10,
            on_time(WALK, -10.0 * loop),
            on_time(SIT, -10.0 * loop),
        )
    assert robot.selector.resets == 2
    assert [seconds_of(each) for _, each in robot.published].count(0.5) == 3


def test_two_that_return_at_once_with_their_bursts_say_nothing_stale() -> None:
    robot = Robot(SETTINGS)
    robot.run(0, 5, on_time(), on_time(SIT))
    robot.run(5, 14, silent, silent)
    robot.run(14, 14.1, lambda _: burst(5, 14 + HOP_S, WALK), lambda _: burst(5, 14 + HOP_S, SIT))
    robot.run(14.1, 20, on_time(), on_time(SIT))
    assert robot.falls == []
    assert robot.selector.resets == 0
    assert all(at - seconds_of(each) <= 2.0 for at, each in robot.published)
    assert robot.between(19, 20)[-1].label == 'walk'


@pytest.mark.parametrize('ahead', [10.0, 3600.0, -10.0, -1.6e9])
def test_the_silence_of_sources_by_another_clock_is_told_in_their_time(ahead: float) -> None:
    robot = Robot(SETTINGS)
    # Nobody speaks yet: what is said has to come before stamps of any clock.
    robot.run(-5, 0, silent, silent)
    robot.run(0, 5, on_time(WALK, ahead), silent)
    robot.run(5, 13, silent, silent)
    silences = [seconds_of(each) - ahead for _, each in robot.published if not each.source]
    assert silences == pytest.approx([6.5, 8.5, 10.5, 12.5], abs=0.2)
    robot.run(13, 13.1, lambda at: burst(5 + ahead, at + ahead + HOP_S, WALK), silent)
    assert robot.falls == []
    assert robot.selector.resets == 0
    assert all(seconds_of(each) - ahead > 12.4 for each in robot.between(13, 14))


def test_while_the_nodes_clock_stands_still_silence_is_told_once() -> None:
    robot = Robot(SETTINGS)
    robot.run(0, 5, on_time(), silent)
    for second in range(5, 30):
        robot.clock.now_ns = second * SECOND
        unknown = robot.selector.watch(EPOCH + 4 * SECOND)
        robot.note([] if unknown is None else [unknown])
    silences = [each.stamp_ns for _, each in robot.published if not each.source]
    assert silences == [EPOCH + round(4.5 * SECOND) + 1]
    # It goes on from there, as a simulation that was paused.
    robot.note(robot.selector.push('imu', label(5.0)))
    assert robot.published[-1][1].source == 'imu'


def test_a_source_in_another_time_is_told_with_how_far_it_is_and_what_to_do() -> None:
    robot = Robot(SETTINGS)
    health = SelectorHealth(robot.clock)
    robot.run(0, 5, silent, on_time(SIT))
    robot.run(5, 10, on_time(WALK, 10.0), on_time(SIT))
    report = health.active(robot.selector, INPUTS, outputs=1)
    assert report.level == 'warning'
    assert 'imu: its newest label is 10.0 s ahead of the time that the others keep' in (
        report.message
    )
    assert 'synchronise' in report.message
    assert dict(report.values)['imu: state'] == 'in another time'
