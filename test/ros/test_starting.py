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

"""How the process of a node begins and ends."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import threading

import pytest

from test.waiting import COMMAND_S, PATIENCE_S, poll_for, run_python, started
from xmodal_ros.ros.running import Ending

LOADING = """
import sys, time
from xmodal_ros.ros.starting import start
def load():
    print('loading', flush=True)
    time.sleep(1000)
sys.exit(start(load, ['node'], unbegun=5))
"""
STUCK = """
import sys, time
import rclpy
from rclpy.node import Node
from xmodal_ros.ros.running import run
class Stuck(Node):
    members = property(lambda self: (self,))
    def start(self):
        print('started', flush=True)
    def stop(self):
        print('stopping', flush=True)
        time.sleep(1000)
sys.exit(run(lambda done: Stuck('stuck'), ['stuck']))
"""
COLLECTING = """
import gc, sys
from xmodal_ros.ros.starting import start
def load():
    loaded = gc.isenabled()
    from rclpy.node import Node
    class Collecting(Node):
        members = property(lambda self: (self,))
        def start(self):
            started = gc.isenabled()
            def tell():
                print(loaded, started, gc.isenabled(), gc.get_freeze_count() > 10_000, flush=True)
                done.set()
            self.create_timer(0.01, tell)
        def stop(self):
            pass
    def make(event):
        global done
        done = event
        return Collecting('collecting')
    return make
sys.exit(start(load, ['node']))
"""
PLUGGED = """
import sys
from xmodal_ros.ros.starting import start
def load():
    import torch
    from pydantic import BaseModel
    class Model(BaseModel):
        value: int
    sys.exit('loaded')
start(load, ['node'])
"""
USED = """
import sys
from xmodal_ros.ros.classifier import ClassifierNode
import xmodal_ros.files
print(*sys.modules)
"""
LEAVING = """
import atexit, sys
from xmodal_ros.ros.starting import leave
class Slow:
    def __del__(self):
        print('taken down')
slow = Slow()
atexit.register(print, 'exit function')
print('first')
leave(3)
"""


def test_what_is_loaded_at_the_start_is_not_looked_through_for_garbage() -> None:
    done = run_python(COLLECTING)
    assert done.stdout == 'False False True True\n'


@pytest.mark.parametrize('wanted', [False, True])
def test_a_node_reads_the_metadata_of_all_packages_for_no_plugins_unless_they_are_wanted(
    wanted: bool, tmp_path: Path
) -> None:
    (tmp_path / 'plugged-1.0.dist-info').mkdir()
    (tmp_path / 'plugged-1.0.dist-info' / 'METADATA').write_text('Name: plugged\nVersion: 1.0\n')
    (tmp_path / 'plugged-1.0.dist-info' / 'entry_points.txt').write_text(
        '[torch.backends]\nplugged = plugged:load\n[pydantic]\nplugged = plugged:plugin\n'
    )
    (tmp_path / 'plugged.py').write_text(
        'print("plugged in")\n'
        'def load(): print("backend")\n'
        'class Plugin:\n'
        '    def new_schema_validator(self, *_):\n'
        '        print("plugin")\n'
        '        return None, None, None\n'
        'plugin = Plugin()\n'
    )
    switches = {'TORCH_DEVICE_BACKEND_AUTOLOAD': '1', 'PYDANTIC_DISABLE_PLUGINS': ''}
    given = {name: value for name, value in os.environ.items() if name not in switches}
    done = subprocess.run(
        [sys.executable, '-c', PLUGGED],
        env={**given, 'PYTHONPATH': str(tmp_path), **(switches if wanted else {})},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, 'loaded\n')
    said = ['plugged in', 'backend', 'plugin'] if wanted else []
    assert [*dict.fromkeys(done.stdout.split('\n')[:-1])] == said


def test_a_classifier_loads_nothing_that_it_has_no_use_for() -> None:
    loaded = set(run_python(USED).stdout.split())
    assert 'xmodal_ros.ros.sensor_input' in loaded
    useless = {'xmodal_ros.ros.mounting', 'xmodal_ros.runtime.watching', 'filelock'}
    assert not loaded & (useless | {'torch', 'cv2', 'scipy.signal', 'rosbags'})


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_process_that_is_still_loading_without_a_word(
    number: signal.Signals,
) -> None:
    with subprocess.Popen(
        [sys.executable, '-c', LOADING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'loading\n'
        process.send_signal(number)
        assert process.communicate(timeout=COMMAND_S) == ('', '')
        assert process.returncode == 5


def test_next_to_nothing_is_imported_before_signals_are_looked_at() -> None:
    """What Python imports at its own start, and what installs packages there, does not count."""
    code = (
        'import sys; before = set(sys.modules); '
        'import xmodal_ros.nodes.perception, xmodal_ros.nodes.trainer; '
        'print(*sorted(set(sys.modules) - before))'
    )
    loaded = set(run_python(code).stdout.split())
    assert 'xmodal_ros.ros.starting' in loaded
    heavy = {'importlib.metadata', 'dataclasses', 'multiprocessing', 'inspect', 'rclpy'}
    assert not loaded & heavy


def test_a_process_that_leaves_has_written_everything_and_takes_nothing_down() -> None:
    done = run_python(LEAVING, check=False)
    assert done.stdout == 'first\nexit function\n'
    assert done.returncode == 3


def test_the_executables_load_nothing_before_signals_end_them() -> None:
    code = (
        'import pkgutil, sys\n'
        'from importlib import import_module\n'
        'import xmodal_ros.nodes\n'
        'names = [each.name for each in pkgutil.iter_modules(xmodal_ros.nodes.__path__)]\n'
        'for name in names:\n'
        '    if not name.endswith("_node"):\n'
        '        import_module(f"xmodal_ros.nodes.{name}")\n'
        'heavy = {"rclpy", "numpy", "torch", "cv2", "pydantic", "rosbags"}\n'
        'sys.exit(f"loaded: {heavy & sys.modules.keys()}" if heavy & sys.modules.keys() else 0)\n'
    )
    run_python(code)


def test_whoever_insists_ends_a_node_that_takes_its_time_to_end() -> None:
    with started(
        [sys.executable, '-c', STUCK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == 'started\n'
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == 'stopping\n'

        def ended() -> bool:
            process.send_signal(signal.SIGINT)
            return process.poll() is not None

        poll_for(ended)
        assert process.returncode == 128 + signal.SIGINT


def test_a_signal_ends_the_wait_whichever_thread_is_given_it() -> None:
    done = Ending()

    def hit_itself() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    handler = signal.signal(signal.SIGUSR1, lambda *_: done.set())
    before = signal.set_wakeup_fd(-1)
    try:
        done.watch_signals()
        threading.Timer(0.1, hit_itself).start()
        assert done.wait(PATIENCE_S)
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGUSR1, handler)


def test_who_is_told_before_waiting_does_not_wait_and_telling_twice_is_no_harm() -> None:
    done = Ending()
    assert not done.is_set()
    assert not done.wait(0.01)
    for _ in range(100_000):
        done.set()
    assert done.is_set()
    assert done.wait()
