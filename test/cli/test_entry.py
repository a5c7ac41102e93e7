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

"""How the command begins, and how little it loads for that."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

from test.bags.recordings import write_imu_bag
from test.waiting import run_python

# Interrupts itself when a module is first looked for, which no outside signal could time so well.
_INTERRUPT = """
import importlib.abc, os, signal, sys

class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == '{module}':
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.{handler})
sys.meta_path.insert(0, Interrupting())
"""
_RUN = """
import sys
from xmodal_ros.cli.entry import main
sys.argv = ['xmodal', 'export', '--help']
main()
"""


@pytest.mark.parametrize('module', ['typer', 'xmodal_ros.cli.export'])
def test_interrupted_while_it_loads_it_ends_without_a_traceback(module: str) -> None:
    interrupted = _INTERRUPT.format(module=module, handler='default_int_handler')
    ended = run_python(interrupted + _RUN, check=False)
    assert (ended.returncode, ended.stdout) == (130, '')
    assert ended.stderr in ('', 'stopped: nothing half-written is left behind\n')


def test_who_ignores_interruptions_goes_on_to_while_it_loads() -> None:
    ended = run_python(_INTERRUPT.format(module='typer', handler='SIG_IGN') + _RUN, check=False)
    assert (ended.returncode, ended.stderr) == (0, '')
    assert 'ONNX' in ended.stdout


def test_in_a_folder_that_was_removed_it_says_so_and_no_more(tmp_path: Path) -> None:
    removed = f'import os; os.chdir({str(tmp_path)!r}); os.rmdir({str(tmp_path)!r})\n'
    ended = run_python(removed + _RUN, check=False)
    assert (ended.returncode, ended.stdout) == (1, '')
    assert ended.stderr.startswith('error: the current folder was removed')
    assert ended.stderr.count('\n') == 1


def test_a_command_loads_no_other() -> None:
    told = _RUN.replace(
        'main()', 'import atexit; atexit.register(lambda: print(*sys.modules)); main()'
    )
    loaded = run_python(told).stdout.split()
    assert 'xmodal_ros.cli.export' in loaded
    assert not {'xmodal_ros.cli.train', 'xmodal_ros.labelling', 'cv2', 'numpy'} & set(loaded)


def test_a_recording_whose_name_is_no_text_is_shown(tmp_path: Path) -> None:
    bag = tmp_path / os.fsdecode(b'caf\xe9')
    write_imu_bag(tmp_path / 'bag').rename(bag)
    done = subprocess.run(
        [sys.executable, '-m', 'xmodal_ros.cli.entry', 'inspect', str(tmp_path)],
        env={**os.environ, 'PYTHONIOENCODING': 'utf-8:strict'},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b'caf\xe9\n')
