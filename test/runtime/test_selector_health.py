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

"""What the selector's diagnostics say."""

from dataclasses import replace

from test.runtime.selector_script import (
    decide,
    EPOCH,
    hops,
    NOTHING,
    said,
    SECOND,
    SETTINGS,
    SIT,
    SteadyClock,
    together,
)
from xmodal_ros.runtime.selector import Selector
from xmodal_ros.runtime.selector_health import Input, SelectorHealth
from xmodal_ros.runtime.selector_settings import SelectorSettings

INPUTS = {name: Input(f'/{name}', publishers=1, received=10) for name in ('imu', 'camera')}


def make(settings: SelectorSettings = SETTINGS) -> tuple[SteadyClock, Selector, SelectorHealth]:
    clock = SteadyClock()
    return clock, Selector(settings, clock), SelectorHealth(clock)


def test_every_source_has_state_why_age_and_rate() -> None:
    clock, selector, health = make()
    decide(selector, together(said('imu', hops(0, 5)), said('camera', hops(0, 5), SIT)))
    clock.now_ns = 5 * SECOND
    report = health.active(selector, INPUTS, outputs=1)
    values = dict(report.values)
    assert (report.level, report.message) == ('ok', 'imu answers')
    assert (values['imu: state'], values['camera: state']) == ('selected', 'ready')
    assert values['camera: why'] == 'imu goes before it'
    assert values['camera: label'] == 'sit'
    assert values['imu: rate'] == '2.0 Hz'
    assert values['imu: age of the newest label'] == '5.00 s'


def test_the_states_of_a_source_that_dies_and_returns() -> None:
    _, selector, health = make()
    decide(selector, together(said('imu', hops(0, 2)), said('camera', hops(0, 10))))
    report = health.active(selector, INPUTS, outputs=1)
    assert report.level == 'warning'
    assert report.message.startswith('imu: its newest label is 8.0 s older')
    decide(selector, together(said('imu', hops(10, 12)), said('camera', hops(10, 12))))
    values = dict(health.active(selector, INPUTS, outputs=1).values)
    assert values['imu: state'] == 'returning'
    assert values['imu: why'] == 'back for 1.5 s of 3 s'
    assert values['camera: state'] == 'selected'


def test_one_that_is_unsure_and_one_that_stands_in() -> None:
    _, selector, health = make()
    decide(selector, together(said('imu', hops(0, 3), NOTHING), said('camera', hops(0, 3), SIT)))
    values = dict(health.active(selector, INPUTS, outputs=1).values)
    assert (values['imu: state'], values['camera: state']) == ('unsure', 'standing in')


def test_silence_is_an_error_and_a_problem_of_the_graph_says_why() -> None:
    clock, selector, health = make()
    clock.now_ns = 2 * SECOND
    selector.watch(EPOCH)
    inputs = INPUTS | {'imu': Input('/imu', problem='nobody publishes on /imu')}
    report = health.active(selector, inputs, outputs=0)
    assert report.level == 'error'
    assert report.message.startswith('every source is silent: camera: it has said nothing yet')
    assert 'nobody publishes on /imu' in report.message
    assert dict(report.values)['imu: why'] == 'nobody publishes on /imu'


def test_labels_that_cannot_be_used_are_told_once() -> None:
    _, selector, health = make(replace(SETTINGS, source='imu'))
    decide(selector, said('imu', [0, 0.5, 0.5]))
    report = health.active(selector, INPUTS, outputs=1)
    assert report.level == 'warning'
    assert 'the same stamp as the one before' in report.message
    assert health.active(selector, INPUTS, outputs=1).level == 'ok'


def test_labels_of_two_that_speak_as_one_source_are_told_by_their_cause() -> None:
    _, selector, health = make(replace(SETTINGS, source='imu'))
    inputs = INPUTS | {'imu': Input('/imu', publishers=2, received=10)}
    decide(selector, said('imu', [0]))
    # It may be one that was killed, of which the graph does not know yet.
    assert health.active(selector, inputs, outputs=1).level == 'ok'
    decide(selector, said('imu', [0]))
    report = health.active(selector, inputs, outputs=1)
    assert report.level == 'warning'
    assert '2 publishers share /imu: end one of them' in report.message


def test_a_failure_inside_is_an_error_and_an_idle_selector_says_why() -> None:
    _, selector, health = make()
    assert health.active(selector, INPUTS, outputs=1, failures=1).level == 'error'
    assert health.idle('unconfigured', '').level == 'ok'
    assert health.idle('unconfigured', 'no sources').message == 'unconfigured: no sources'


def test_a_timeout_shorter_than_the_time_between_labels_is_told_with_the_remedy() -> None:
    clock, selector, health = make(replace(SETTINGS, timeout_ns=SECOND // 4))
    decide(selector, said('imu', hops(0, 3)))
    clock.now_ns = 10 * SECOND
    selector.watch(10 * SECOND)
    report = health.active(selector, INPUTS, outputs=1)
    assert report.level == 'error'
    assert 'labels come every 0.5 s, which is longer than the timeout' in report.message
    assert "set the parameter 'timeout' above 0.5" in report.message


def test_a_source_is_no_trouble_before_it_can_have_said_anything() -> None:
    clock, selector, health = make()
    assert health.active(selector, INPUTS, outputs=1).level == 'ok'
    clock.now_ns += SETTINGS.timeout_ns + SECOND
    report = health.active(selector, INPUTS, outputs=1)
    assert (report.level, 'it has said nothing yet' in report.message) == ('warning', True)
