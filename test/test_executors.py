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

"""Work is done elsewhere: what dies takes nothing else with it, and all ends with who asked."""

from concurrent.futures import Executor
import multiprocessing
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
import traceback

import pytest

from test.dask_cluster import ROOT
from test.needs import need
from test.waiting import PATIENCE_S, poll_for
from xmodal_ros import executors
from xmodal_ros.errors import ConfigurationError, TrainingError, XmodalError
from xmodal_ros.executors import (
    ExecutorSettings,
    is_lost_worker,
    LocalExecutor,
    LostWorkerError,
    parse_options,
    SlurmExecutor,
)


def fail() -> None:
    raise TrainingError('no windows')


class OfTwoThingsError(Exception):
    """Cannot be read again where it was pickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f'{first} is no {second}')


class WithFileError(TrainingError):
    """Cannot be pickled."""

    def __init__(self) -> None:
        super().__init__('no windows in an open file')
        self.file = sys.stdin


def fail_with(error: type[Exception], words: tuple[str, ...] = ()) -> None:
    raise error(*words)


def die() -> None:
    os._exit(7)


def write_and_sleep(file: Path) -> None:
    file.write_text(str(os.getpid()))
    # Longer than any test may take.
    time.sleep(1000)


def is_alive(process: int) -> bool:
    try:
        return Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def test_one_process_that_dies_is_told_and_the_others_go_on():
    with ExecutorSettings(2).open() as executor:
        deaths = [executor.submit(die) for _ in range(2)]
        others = [executor.submit(pow, 2, n) for n in range(20)]
        assert [other.result() for other in others] == [2**n for n in range(20)]
        for death in deaths:
            error = death.exception()
            assert isinstance(error, LostWorkerError)
            assert is_lost_worker(error)
            assert 'exit code 7' in str(error)
        error = executor.submit(fail).exception()
        assert isinstance(error, TrainingError)
        assert not is_lost_worker(error)
    assert not multiprocessing.active_children()


def test_an_error_that_cannot_be_sent_comes_in_its_words_and_takes_no_process_with_it():
    with ExecutorSettings(1).open() as executor:
        before = executor.submit(os.getpid).result()
        with pytest.raises(RuntimeError, match=r'^OfTwoThingsError: ann is no bob$') as raised:
            executor.submit(fail_with, OfTwoThingsError, ('ann', 'bob')).result()
        assert 'in fail_with' in ''.join(traceback.format_exception(raised.value))
        with pytest.raises(XmodalError, match=r'^no windows in an open file$'):
            executor.submit(fail_with, WithFileError).result()
        assert executor.submit(os.getpid).result() == before


def test_an_exception_here_ends_what_is_at_work_at_once(tmp_path):
    executor = LocalExecutor(2)
    at_work = executor.submit(write_and_sleep, tmp_path / 'a')
    waiting = [executor.submit(write_and_sleep, tmp_path / 'b') for _ in range(5)]

    def interrupted() -> None:
        with executor:
            poll_for((tmp_path / 'a').exists)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert is_lost_worker(at_work.exception() or OSError())
    assert any(future.cancelled() for future in waiting)
    assert not multiprocessing.active_children()


def assert_its_process_ends_with(script: str, folder: Path, number: int) -> None:
    """A process whose number a script writes to the file it is given ends by the script's end."""
    (folder / 'script.py').write_text(script)
    file = folder / 'number'
    command = [sys.executable, str(folder / 'script.py'), str(file)]
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as parent:
        poll_for(lambda: file.exists() and bool(file.read_text()))
        child = int(file.read_text())
        assert is_alive(child)
        parent.send_signal(number)
        assert parent.wait(PATIENCE_S) == -number
    poll_for(lambda: not is_alive(child))


def test_processes_end_with_the_one_that_started_them_however_that_ends(tmp_path):
    script = (
        'import sys\n'
        'from pathlib import Path\n'
        'from test.test_executors import write_and_sleep\n'
        'from xmodal_ros.executors import LocalExecutor\n'
        'if __name__ == "__main__":\n'
        '    with LocalExecutor(1) as executor:\n'
        '        executor.submit(write_and_sleep, Path(sys.argv[1])).result()\n'
    )
    assert_its_process_ends_with(script, tmp_path, signal.SIGKILL)


def test_jobs_of_slurm_give_values_errors_and_deaths(tmp_path):
    need('submitit')
    # Slurm's place is taken by submitit's own processes.
    with SlurmExecutor(2, tmp_path / 'slurm', {'timeout_min': 2}, cluster='local') as executor:
        assert isinstance(executor, Executor)
        value, error, death = (
            executor.submit(pow, 2, 5),
            executor.submit(fail),
            executor.submit(die),
        )
        for future in (value, error, death):
            poll_for(future.done)
        assert value.result() == 32
        assert isinstance(error.exception(), TrainingError)
        assert isinstance(death.exception(), LostWorkerError)


def test_options_of_slurm_are_read_and_belong_to_it():
    assert parse_options(['slurm_partition=gpu', 'timeout_min=240']) == {
        'slurm_partition': 'gpu',
        'timeout_min': 240,
    }
    with pytest.raises(ConfigurationError, match="'gpu' is not of the form NAME=VALUE"):
        parse_options(['gpu'])
    with pytest.raises(ConfigurationError, match='--cluster-option is for --cluster slurm'):
        ExecutorSettings(1, '', {'timeout_min': 1}).open()


@pytest.mark.parametrize(
    ('address', 'package', 'extra'),
    [('slurm', 'submitit', 'slurm'), ('tcp://127.0.0.1:1', 'distributed', 'dask')],
)
def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch, address, package, extra):
    monkeypatch.setitem(sys.modules, package, None)
    settings = ExecutorSettings(1, address, folder=tmp_path)
    with (
        pytest.raises(ConfigurationError, match=rf"'{package}'.*xmodal_ros\[{extra}\]"),
        settings.open(),
    ):
        pass


def test_a_cluster_that_is_not_there_is_said(tmp_path, monkeypatch):
    need('distributed')
    monkeypatch.setattr(executors, '_ANSWER_S', 1)
    settings = ExecutorSettings(1, 'tcp://127.0.0.1:1')
    with pytest.raises(ConfigurationError, match='no dask scheduler answers'), settings.open():
        pass
