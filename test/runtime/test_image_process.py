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

"""A process that takes images does not fetch their memory anew each time."""

import pytest

from test.waiting import run_python

PAGES_A_BLOCK = 250

# In a thread, whose memory the C library treats in its own way, as in the intake.
COUNT_FAULTS = f"""
import resource, sys, threading
from xmodal_ros.runtime.image_process import expect_images
import cv2

def frame():
    return [b'x' * ({PAGES_A_BLOCK} << 12) for _ in range(3)]

def frames(count):
    for _ in range(count):
        frame()

def run():
    if 'expected' in sys.argv:
        expect_images()
    frames(20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    frames(20)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, cv2.getNumThreads())

thread = threading.Thread(target=run)
thread.start()
thread.join()
"""


def faults_and_threads(*arguments: str) -> tuple[int, int]:
    faults, threads = map(int, run_python(COUNT_FAULTS, *arguments).stdout.split())
    return faults, threads


def test_memory_of_images_is_kept_and_opencv_uses_one_thread() -> None:
    unprepared, _ = faults_and_threads()
    if unprepared < 20 * PAGES_A_BLOCK:
        pytest.skip('this C library keeps the memory of large blocks by itself')
    faults, threads = faults_and_threads('expected')
    assert faults < PAGES_A_BLOCK
    assert threads == 1
