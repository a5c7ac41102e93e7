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

"""How far a command is, on a terminal and in a file."""

import io

from rich.console import Console

from xmodal_ros.cli.progress import BAR_LINES, Lines, ProgressBars
from xmodal_ros.progress import EpochMetrics


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    # In a terminal nothing moves unless it is asked for, so that tests read what is drawn last.
    return Console(file=written, force_terminal=terminal, width=120), written


def work(bars: ProgressBars) -> None:
    bars.begin('reading [x]', 2)
    bars.advance(1, 'bag_1')
    bars.advance(2, 'bag_2')
    bars.begin('training imu', 9)
    bars.epoch(EpochMetrics(1, 0.5, 0.25, 0.75, {'alignment': 0.125}))


def test_in_a_file_there_are_the_lines_that_a_command_asks_for() -> None:
    screen, written = console(terminal=False)
    with ProgressBars(screen, Lines(stage='{stage}: {total}', step='  {done}: {detail}')) as bars:
        work(bars)
        bars.note('[y] is left out')
    assert written.getvalue().splitlines() == [
        'reading [x]: 2',
        '  1: bag_1',
        '  2: bag_2',
        'training imu: 9',
        '  1: loss 0.500, alignment 0.125, validation 0.250 (75% right)',
        'note: [y] is left out',
    ]


def test_of_a_stage_there_may_be_its_last_step_alone() -> None:
    screen, written = console(terminal=False)
    with ProgressBars(screen, Lines(stage='{stage}', last='  {done}: {detail}')) as bars:
        work(bars)
    assert written.getvalue().splitlines() == [
        'reading [x]',
        '  2: bag_2',
        'training imu',
        '  1: loss 0.500, alignment 0.125, validation 0.250 (75% right)',
    ]


def test_a_note_comes_after_the_line_of_the_stage_that_it_is_about() -> None:
    screen, written = console(terminal=False)
    with ProgressBars(screen, Lines(stage='{stage}', last='  {done}: {detail}')) as bars:
        work(bars)
        bars.note('overfitted')
        bars.begin('testing', 1)
    assert written.getvalue().splitlines()[-4:] == [
        'training imu',
        '  1: loss 0.500, alignment 0.125, validation 0.250 (75% right)',
        'note: overfitted',
        'testing',
    ]


def test_where_steps_are_many_a_line_comes_every_few_seconds_and_of_the_last() -> None:
    screen, written = console(terminal=False)
    step, now = '  {done} of {total}: {detail}', [0.0]
    lines = Lines(stage='{stage}', step=step, last=step, every_s=5)
    with ProgressBars(screen, lines, now_s=lambda: now[0]) as bars:
        bars.begin('growing', 9)
        for tenth in range(1, 69):
            now[0] += 0.25
            bars.advance(tenth / 10, f'{tenth} trees')
        bars.begin('testing', 20)
        now[0] += 6
        bars.advance(3)
    assert written.getvalue().splitlines() == [
        'growing',
        '  2 of 9: 20 trees',
        '  4 of 9: 40 trees',
        '  6 of 9: 60 trees',
        '  6.8 of 9: 68 trees',
        'testing',
        '  3 of 20',
    ]


def test_on_a_terminal_each_stage_has_a_bar_and_no_lines() -> None:
    screen, written = console(terminal=True)
    with ProgressBars(screen, Lines(stage='LINE', step='LINE')) as bars:
        work(bars)
    drawn = written.getvalue()
    assert 'reading [x]' in drawn
    assert '2/2' in drawn
    assert '1/9' in drawn
    assert 'validation 0.250' in drawn
    assert 'LINE' not in drawn


def test_several_bars_stand_side_by_side_and_are_printed_at_the_end_without_a_terminal() -> None:
    screen, written = console(terminal=False)
    with ProgressBars(screen) as bars:
        first, second, third = (bars.add(name, 4) for name in ('one', 'two', 'three'))
        first.update(3)
        second.update(3, 6)
        second.advance(1, 'two [harmed]')
        third.remove()
    lines = written.getvalue().splitlines()
    assert len([line for line in lines if line.strip()]) == 2
    assert lines[0].startswith('one')
    assert '3/4' in lines[0]
    assert lines[1].startswith('two [harmed]')
    assert '4/6' in lines[1]


def test_in_a_file_several_bars_tell_now_and_then_that_they_go_on() -> None:
    screen, written = console(terminal=False)
    now = [0.0]
    with ProgressBars(screen, BAR_LINES, now_s=lambda: now[0]) as bars:
        first, second = (bars.add(name, 4) for name in ('one', 'two [harmed]'))
        first.update(1)
        now[0] = 11
        first.update(2)
        second.update(3)
        now[0] = 22
        second.advance(1, 'two [mended]')
    assert written.getvalue().splitlines() == ['  one: 2 of 4', '  two [mended]: 4 of 4']


def test_on_a_terminal_several_bars_print_no_lines() -> None:
    screen, written = console(terminal=True)
    now = [0.0]
    with ProgressBars(screen, BAR_LINES, now_s=lambda: now[0]) as bars:
        bar = bars.add('one', 4)
        now[0] = 11
        bar.update(2)
    assert '2/4' in written.getvalue()
    assert '2 of 4' not in written.getvalue()
