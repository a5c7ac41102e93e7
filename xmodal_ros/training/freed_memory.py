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

"""Memory that a step has freed, kept for the next one."""

from collections.abc import Iterator
from contextlib import contextmanager
import ctypes
import os
import threading
from typing import Final

# Parameters of glibc's mallopt(3), by their numbers in malloc.h.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_KEEPING: Final = {_MMAP_THRESHOLD: 2**30, _TRIM_THRESHOLD: 2**31 - 1}
# What glibc comes to by itself in a process that frees large blocks.
_USUAL: Final = {_MMAP_THRESHOLD: 2**25, _TRIM_THRESHOLD: 2**26}
# Where the user has said what is kept, that holds.
_OF_USER: Final = ('MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_', 'GLIBC_TUNABLES')
_LOCK: Final = threading.Lock()
_within = 0


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let the C library keep within what is freed, and give it back at the end of the last such.

    Each step frees what the next one needs again: returned to the system every time, hundreds of
    megabytes of pictures are cleared and mapped anew in each. Does nothing where the C library is
    not glibc, or where the environment tells it what to keep.
    """
    library = ctypes.CDLL(None)
    able = hasattr(library, 'mallopt') and hasattr(library, 'malloc_trim')
    if not able or any(name in os.environ for name in _OF_USER):
        yield
        return
    _enter(library)
    try:
        yield
    finally:
        _leave(library)


def _enter(library: ctypes.CDLL) -> None:
    global _within
    with _LOCK:
        _within += 1
        for parameter, value in _KEEPING.items():
            library.mallopt(parameter, value)


def _leave(library: ctypes.CDLL) -> None:
    global _within
    with _LOCK:
        _within -= 1
        if _within == 0:
            for parameter, value in _USUAL.items():
                library.mallopt(parameter, value)
            library.malloc_trim(0)
