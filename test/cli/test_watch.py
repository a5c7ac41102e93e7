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

"""The command as a person types it: what it prints of what was said, and its exit codes."""

import json
import os
from pathlib import Path
import pty
import sys
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import pytest
from rich.console import Console
from std_msgs.msg import String
import typer
from typer.testing import CliRunner
from vision_msgs.msg import Classification, ObjectHypothesis

from test.live.graph import LATCHED, watching
from test.live.talker import Stream, talking
from test.messages import SECOND
from test.waiting import poll_for
from xmodal_ros.cli.watch import watch
from xmodal_ros.cli.watch_page import render
from xmodal_ros.cli.watch_run import as_json
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros.isolation import isolated_process, reserved_domain
from xmodal_ros.ros.messages import classification
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.watching import LabelHeard, Watch
from xmodal_ros.tools.watch.listener import Watcher

ROOT = Path(__file__).parents[2]
app = typer.Typer()
app.command()(watch)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def drawn(state: Watch, now_ns: int, *, width: int = 160) -> str:
    console = Console(width=width, record=True, file=open(os.devnull, 'w'))  # noqa: PTH123, SIM115
    console.print(render(state, now_ns, 0.0))
    return console.export_text()


def one_label() -> Watch:
    state = Watch()
    state.note_graph({'/imu_classifier/activity': ['/imu_classifier']}, 0)
    scores = (('walk', 0.75), ('sit', 0.25))
    state.note_label('/imu_classifier/activity', Label(SECOND, 'imu_link', scores), 0)
    return state


def test_names_from_the_network_cannot_command_the_terminal() -> None:
    state = one_label()
    command = '\x1b]52;c;eA==\x07' + 'x' * 1000
    scores = ((command, 0.75), (command + '2', 0.25))
    state.note_label('/imu_classifier/activity', Label(2 * SECOND, 'imu_link', scores), 1)
    state.note_source('/imu_classifier/activity', command, 1)
    state.note_source('/imu_classifier/activity', command + '\n2', 2)
    text = drawn(state, SECOND)
    assert '\x1b' not in text
    assert '\x07' not in text
    assert text.count('x') < 1500
    assert ']52;c;eA==' in text


def test_the_page_shows_label_bar_and_runner_up_while_they_are_new() -> None:
    text = drawn(one_label(), SECOND)
    assert '█████████░░░ 0.75' in text
    assert 'sit 0.25' in text
    old = drawn(one_label(), 60 * SECOND)
    assert 'silent, was walk' in old
    assert '█' not in old
    assert '60.0 s' in old


def test_labels_of_two_nodes_of_one_name_are_not_shown_as_those_of_one() -> None:
    state = one_label()
    state.note_names(['/imu_classifier'] * 2)
    for number in range(5):
        scores = ((f'name{number}', 0.5), ('sit', 0.5))
        state.note_label('/imu_classifier/activity', Label(SECOND, 'imu_link', scores), 0)
    text = ' '.join(drawn(state, SECOND).split())
    assert 'mixed: name0, name1, name2 and 3 more' in text
    assert '█' not in text
    assert 'sit 0.5' not in text
    assert 'warning: nodes bear one name (2 called /imu_classifier)' in text
    assert as_json(state, SECOND)['warnings'] == list(state.clashes)


def test_names_are_never_cut_however_narrow_the_terminal() -> None:
    state = one_label()
    state.note_report('/imu_classifier', LabelHeard('error', 'e' * 90, 'imu classifier'), 0)
    narrow = drawn(state, SECOND, width=60)
    assert narrow.count('e' * 3) > 5
    assert '…' not in narrow


def test_a_silent_domain_gives_1_and_says_where_it_looked() -> None:
    with reserved_domain() as domain, isolated_process(domain):
        result = run('--once', '--seconds', '0.5')
    assert result.exit_code == 1
    text = ' '.join(result.output.split())
    assert f'no node is found in ROS domain {domain} (discovery range LOCALHOST)' in text
    assert 'xmodal doctor' in text


def test_options_that_do_not_fit_are_refused_with_a_remedy() -> None:
    for arguments, remedy in ((('--json',), '--once'), ((), '--once for one table')):
        result = run(*arguments)
        assert isinstance(result.exception, ConfigurationError)
        assert remedy in str(result.exception)
    assert run('--once', '--seconds', '0').exit_code == 2


def say(stamp: int) -> Classification:
    return classification(stamp, 'imu_link', [('walk', 0.75), ('sit', 0.25)])


def test_a_robot_is_shown_by_types_whatever_its_names() -> None:
    status = DiagnosticStatus(
        level=DiagnosticStatus.WARN,
        name='/robot/choice',
        hardware_id='activity selector',
        message='camera: silent',
    )
    with (
        reserved_domain() as domain,
        isolated_process(domain),
        watching() as robot,
        robot.publisher(Classification, '/robot/what') as labels,
        robot.publisher(String, '/robot/what/source', LATCHED) as source,
        robot.publisher(Classification, '/robot/activity_label', LATCHED) as truth,
        robot.publisher(DiagnosticArray, '/diagnostics') as reports,
    ):
        # The node that the graph names is the one that diagnostics name.
        status.name = '/watcher'
        source.publish(String(data='imu'))
        truth.publish(Classification(results=[ObjectHypothesis(class_id='jump', score=1.0)]))
        streams = [
            Stream(labels, 10, say),
            Stream(reports, 10, lambda _: DiagnosticArray(status=[status])),
        ]
        with talking(streams):
            found = run('--once', '--json')
            stopped = stop_in_a_terminal(domain)
    assert found.exit_code == 0, found.output
    rows = {row['topic']: row for row in json.loads(found.output)['labels']}
    assert list(rows) == ['/robot/what', '/robot/activity_label']
    what = rows['/robot/what']
    assert (what['label'], what['confidence'], what['source']) == ('walk', 0.75, 'imu')
    assert (what['kind'], what['level'], what['health']) == (
        'selector',
        'warning',
        'camera: silent',
    )
    assert what['rate_hz'] == pytest.approx(10, rel=0.3)
    assert rows['/robot/activity_label']['label'] == 'jump'
    code, seen = stopped
    assert code == 0, seen
    assert 'Traceback' not in seen


def test_two_nodes_of_one_name_are_found_in_the_graph() -> None:
    def sit(stamp: int) -> Classification:
        return classification(stamp, 'imu_link', [('sit', 0.75), ('walk', 0.25)])

    with (
        reserved_domain() as domain,
        isolated_process(domain),
        watching() as one,
        watching() as other,
        one.publisher(Classification, '/what') as ones,
        other.publisher(Classification, '/what') as others,
        talking([Stream(ones, 10, say), Stream(others, 10, sit)]),
        Watcher() as watcher,
    ):

        def both() -> bool:
            watcher.step()
            rows = watcher.watch.rows(time.monotonic_ns())
            return bool(rows) and rows[0].lately == ('sit', 'walk')

        poll_for(both, 'labels of both nodes')
        (clash,) = watcher.watch.clashes
    assert '2 called /watcher' in clash


def stop_in_a_terminal(domain: int) -> tuple[int, str]:
    """Run the command in a terminal of its own, press Ctrl-C once it shows a label."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {'COLUMNS': '150', 'TERM': 'xterm', 'ROS_DOMAIN_ID': str(domain)}
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, '-m', 'xmodal_ros.cli.main', 'watch'])  # noqa: S606
    seen, pressed = b'', False
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:
            break
        seen += read
        if not pressed and b'0.75' in seen and b'imu' in seen:
            os.write(terminal, b'\x03')
            pressed = True
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen.decode(errors='replace')
