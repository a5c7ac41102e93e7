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

import subprocess
import sys
import time

from benchmarks.models import windowing
from benchmarks.robot import Delays, Heard, spent

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
            while spent(process.pid).wakeups < 300 and time.monotonic() < deadline:
                time.sleep(0.01)
            found = spent(process.pid)
        finally:
            process.kill()
    # Its first thread only waits.
    assert found.wakeups >= 300
    assert found.memory_mb > 1


def test_windows_of_a_camera_take_more_pictures_where_the_hop_asks_for_it() -> None:
    assert windowing('camera', 0.5).rate_hz == 8
    assert windowing('camera', 0.2).rate_hz == 10
