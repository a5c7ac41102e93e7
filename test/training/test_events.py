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

"""Events say in lines of JSON what a reporter hears."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st
import pytest

from test.waiting import run_python
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.progress import EpochMetrics
from xmodal_ros.training.events import (
    Event,
    EventReporter,
    Failed,
    Finished,
    from_line,
    Note,
    Progress,
    StageStarted,
    Stopped,
    to_line,
)


class Told:
    """A reporter of events with a clock that is set by hand."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now_s = 100.0
        self.reporter = EventReporter(self.events.append, lambda: self.now_s)


@pytest.mark.parametrize(
    'event',
    [
        StageStarted('training imu', 40),
        Progress('cutting windows', 3, 9, 'bag_3', eta_s=2.5),
        Progress('training imu', 2, 9, 'loss', 2, 9, 0.25, 0.5, 0.75, 12.0),
        Note('a "quoted"\nline'),
        Finished('models/imu', {'test_macro_f1': 0.5}),
        Failed('no space'),
        Stopped('by hand'),
    ],
)
def test_a_line_reads_back_as_the_event(event):
    line = to_line(event)
    assert '\n' not in line
    assert json.loads(line)['event'] == event.event
    assert from_line(line) == event


def test_what_is_no_number_and_what_is_not_known_yet():
    assert from_line(to_line(Progress('s', 1, 2, loss=math.nan))) == Progress('s', 1, 2)
    assert from_line('{"event": "note", "text": "a", "colour": "red"}') == Note('a')


@given(st.text() | st.sampled_from(['{}', '[]', '{"event": "note"}', '{"event": [1]}', '1']))
def test_a_line_that_is_no_event_is_refused(line):
    with pytest.raises(ConfigurationError, match='is no event'):
        from_line(line)


def test_progress_is_told_as_often_as_it_can_be_read_and_the_end_always():
    told = Told()
    told.reporter.begin('reading', 1000)
    for done in range(1, 1001):
        told.now_s += 0.01
        told.reporter.advance(done)
    assert 40 < len(told.events) < 60
    assert told.events[0] == StageStarted('reading', 1000)
    assert told.events[-1] == Progress('reading', 1000, 1000, eta_s=0.0)


def test_the_pace_is_that_since_this_run_began():
    told = Told()
    told.reporter.begin('training imu', 40)
    for epoch in (30, 31, 32):
        told.reporter.epoch(EpochMetrics(epoch, 0.1, 0.2, 0.9, {}))
        told.now_s += 3
    etas = [event.eta_s for event in told.events if isinstance(event, Progress)]
    assert etas == [None, 27.0, 24.0]


def test_within_an_epoch_the_last_one_is_told_with_it_and_no_longer_in_another_stage():
    told = Told()
    told.reporter.begin('training imu', 40)
    told.reporter.advance(0.5)
    told.reporter.epoch(EpochMetrics(1, 0.25, 0.5, 0.75, {}))
    told.now_s += 1
    told.reporter.advance(1.23456, 'loss')
    told.reporter.begin('testing', 9)
    told.reporter.advance(3)
    first, _, within, other = (event for event in told.events if isinstance(event, Progress))
    assert first == Progress('training imu', 0.5, 40)
    assert within == Progress(
        'training imu', 1.235, 40, 'loss', 1, 40, 0.25, 0.5, 0.75, within.eta_s
    )
    assert other == Progress('testing', 3, 9)


def test_whoever_follows_a_run_needs_no_torch():
    code = (
        'import sys; sys.modules["torch"] = None; '
        'from xmodal_ros import progress; '
        'from xmodal_ros.training import events, process, run_status'
    )
    run_python(code)
