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

"""Memory that steps of training free."""

import ctypes
import sys

import pytest

from test.waiting import run_python

# Sixty-four megabytes, as activations of pictures are, freed and needed again.
_FAULTS = """
import resource
import numpy as np
from xmodal_ros.training.freed_memory import freed_memory_kept

def faults():
    for _ in range(2):
        np.ones(2**26, np.uint8)
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        np.ones(2**26, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - begun

def resident():
    return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()

usual = faults()
with freed_memory_kept():
    with freed_memory_kept():
        kept = faults()
    # One in another is no end yet.
    kept += faults()
    within = resident()
after = resident()
print(usual, kept, faults(), within - after)
"""


@pytest.mark.skipif(
    sys.platform != 'linux' or not hasattr(ctypes.CDLL(None), 'mallopt'),
    reason='only glibc can be told what to keep',
)
def test_what_a_step_frees_is_not_mapped_anew_in_the_next_and_is_given_back_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ('GLIBC_TUNABLES', 'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'):
        monkeypatch.delenv(name, raising=False)
    usual, kept, after, given_back = map(int, run_python(_FAULTS).stdout.split())
    assert kept < usual / 10
    assert after > usual / 2
    assert given_back > 2**25


@pytest.mark.parametrize('name', ['MALLOC_TRIM_THRESHOLD_', 'GLIBC_TUNABLES'])
def test_what_the_user_has_said_of_it_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        name, '131072' if name.startswith('MALLOC') else 'glibc.malloc.trim_threshold=131072'
    )
    usual, kept, _, _ = map(int, run_python(_FAULTS).stdout.split())
    assert kept > usual / 2
