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
"""What stops a command, and what does not."""

import signal

import pytest
from typer.testing import CliRunner

from xmodal_ros.cli import new_run
from xmodal_ros.cli.main import app
from xmodal_ros.cli.stopping import exit_code, Terminated


def test_a_process_that_calls_a_command_keeps_its_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(new_run, 'run', stop)
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    stopped = CliRunner().invoke(app, ['new', 'method', 'abc'])
    assert stopped.exit_code == 130
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_ends_by_itself_was_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(*_: object, **__: object) -> None:
        raise SystemExit('this method needs another file')

    monkeypatch.setattr(new_run, 'run', end)
    ended = CliRunner().invoke(app, ['new', 'method', 'abc'])
    assert 'stopped' not in ended.stderr
    assert 'this method needs another file' in ended.output
    assert exit_code(Terminated(143)) == 143
    assert exit_code(KeyboardInterrupt()) == 130
