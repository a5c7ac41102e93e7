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

"""What was started ends with what started it."""

from pathlib import Path
import subprocess
import sys

from test.waiting import started

SCRIPT = """
import multiprocessing
import os

from xmodal_ros.child_process import end_with_parent


def work():
    multiprocessing.parent_process().join()
    print('parent gone', flush=True)
    end_with_parent()
    print('still here', flush=True)


if __name__ == '__main__':
    multiprocessing.get_context('spawn').Process(target=work).start()
    os._exit(0)
"""


def test_a_process_whose_parent_died_while_it_started_ends_too(tmp_path: Path) -> None:
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT)
    root = Path(__file__).parents[1]
    # Its output ends when the last process that holds it does.
    with started(
        [sys.executable, str(script)],
        cwd=root,
        env={'PYTHONPATH': str(root)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read().split('\n') == ['parent gone', '']


LAUNCH = """
import os, subprocess, sys

child = '''
from xmodal_ros.child_process import end_with_launch
import signal

end_with_launch()
print('launched', flush=True)
signal.pause()
'''
subprocess.Popen(
    [sys.executable, '-c', child], env={**os.environ, 'XMODAL_LAUNCHED_BY': str(os.getpid())}
)
sys.stdin.read()
"""


def test_a_node_does_not_outlive_the_launch_that_started_it() -> None:
    root = Path(__file__).parents[1]
    with started(
        [sys.executable, '-c', LAUNCH],
        env={'PYTHONPATH': str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'launched\n'
        process.kill()
        # Its output ends when the last process that holds it does.
        assert process.stdout.read() == ''
