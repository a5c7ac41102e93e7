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

"""What of the machine a process may use: all of it, or as much as its container is given."""

from contextlib import suppress
import os
from pathlib import Path
from typing import Final

# Of a container with a namespace of its own: its limits, by cgroup v2.
_LIMITS: Final = Path('/sys/fs/cgroup')
_MEMORY: Final = Path('/proc/meminfo')


def usable_cores() -> int:
    """Count the cores that this process may run on, at most as its container's quota of CPU.

    A quota of one and a half cores is taken for two; there is always one.
    """
    cores = len(os.sched_getaffinity(0))
    # OSError: no such limit. ValueError: none is set, which reads "max 100000".
    with suppress(OSError, ValueError):
        quota, period = map(int, (_LIMITS / 'cpu.max').read_text().split())
        cores = min(cores, -(-quota // period))
    return max(1, cores)


def free_bytes() -> int:
    """Give the memory that is free for this process; 0 where it cannot be said."""
    try:
        lines = dict(line.split(':') for line in _MEMORY.read_text().splitlines())
        free = int(lines['MemAvailable'].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 0
    with suppress(OSError, ValueError):
        most, used = (int((_LIMITS / f'memory.{name}').read_text()) for name in ('max', 'current'))
        free = min(free, max(0, most - used + _given_back()))
    return free


def _given_back() -> int:
    """Give what the container keeps of files, and gives back where memory is wanted."""
    with suppress(OSError, ValueError):
        for line in (_LIMITS / 'memory.stat').read_text().splitlines():
            name, value = line.split()
            if name == 'inactive_file':
                return int(value)
    return 0
