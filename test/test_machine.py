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

"""How much of the machine is used."""

import os
from pathlib import Path

import pytest

from xmodal_ros import machine
from xmodal_ros.machine import free_bytes, usable_cores


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Put another machine's files in place of this one's: four cores, 32 GiB free."""
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(machine, '_LIMITS', tmp_path)
    monkeypatch.setattr(machine, '_MEMORY', tmp_path / 'meminfo')
    (tmp_path / 'meminfo').write_text('MemTotal: 99 kB\nMemAvailable:   33554432 kB\n')
    return tmp_path


@pytest.mark.parametrize(
    ('quota', 'cores'),
    [
        (None, 4),
        ('max 100000', 4),
        ('200000 100000', 2),
        ('150000 100000', 2),
        ('5000 100000', 1),
        ('800000 100000', 4),
    ],
)
def test_cores_are_those_of_the_container(limits: Path, quota: str | None, cores: int) -> None:
    if quota is not None:
        (limits / 'cpu.max').write_text(f'{quota}\n')
    assert usable_cores() == cores


@pytest.mark.parametrize(
    ('most', 'used', 'free'),
    [
        (None, 0, 32 * 2**30),
        ('max', 0, 32 * 2**30),
        (8 * 2**30, 3 * 2**30, 5 * 2**30),
        (2**30, 2**31, 0),
    ],
)
def test_memory_is_that_of_the_container(limits: Path, most: object, used: int, free: int) -> None:
    if most is not None:
        (limits / 'memory.max').write_text(f'{most}\n')
        (limits / 'memory.current').write_text(f'{used}\n')
    assert free_bytes() == free


def test_what_a_container_keeps_of_files_is_free(limits: Path) -> None:
    for name, value in {'max': 8 * 2**30, 'current': 8 * 2**30}.items():
        (limits / f'memory.{name}').write_text(f'{value}\n')
    (limits / 'memory.stat').write_text(f'anon 7\ninactive_file {2**30}\nactive_file 5\n')
    assert free_bytes() == 2**30


def test_no_memory_is_counted_on_where_nothing_is_known(limits: Path) -> None:
    (limits / 'meminfo').unlink()
    assert free_bytes() == 0
    (limits / 'meminfo').write_text('nonsense: here\n')
    assert free_bytes() == 0
