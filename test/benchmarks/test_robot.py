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

"""What is told of a robot is what its processes did, and when its samples and labels came."""

import os
from pathlib import Path
import subprocess
import sys
import time

import pytest

from benchmarks.models import windowing
from benchmarks.robot import Delays, Heard, Spent, spent

MS = 10**6


def test_a_label_waits_for_the_first_sample_after_the_end_of_its_window() -> None:
    delays = Delays()
    delays.published_ns += [95 * MS, 105 * MS, 200 * MS, 210 * MS]
    delays.hear(end_ns=100 * MS, now_ns=108 * MS)
    # One at the end says as much as a later one.
    delays.hear(end_ns=200 * MS, now_ns=201 * MS)
    assert delays.take() == Heard(delays_ms=[8.0, 1.0], waits_ms=[5.0, 0.0])
    assert delays.take() == Heard([], [])


def test_wakeups_are_those_of_all_threads_of_a_process() -> None:
    script = """
import threading, time
def nap():
    while True:
        time.sleep(0.001)
for _ in range(3):
    threading.Thread(target=nap).start()
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, '-c', script]) as process:
        try:
            deadline = time.monotonic() + 20
            before = spent(process.pid)
            while (found := spent(process.pid)).wakeups_since(before) < 300:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            process.kill()
    # Its first thread only waits.
    assert len(found.wakeups) == 4
    assert found.memory_mb > 1


def test_threads_that_end_or_begin_meanwhile_take_nothing_away() -> None:
    before = Spent(1.0, 10.0, {1: 50, 2: 1000, 3: 30})
    # The second has ended, the third too, and another has its number.
    assert Spent(2.0, 10.0, {1: 60, 3: 2, 4: 7}).wakeups_since(before) == 17


def test_a_thread_that_ends_while_it_is_looked_at_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task = Path(f'/proc/{os.getpid()}/task')
    own = [*task.iterdir()]
    ended = task.parent / 'task' / '0'
    monkeypatch.setattr(Path, 'iterdir', lambda _: iter([*own, ended]))
    assert spent(os.getpid()).wakeups.keys() == {int(each.name) for each in own}


def test_windows_of_a_camera_take_more_pictures_where_the_hop_asks_for_it() -> None:
    assert windowing('camera', 0.5).rate_hz == 8
    assert windowing('camera', 0.2).rate_hz == 10
