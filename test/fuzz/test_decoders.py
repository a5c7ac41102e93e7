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

"""No message does more than be refused; ``benchmarks/fuzz.py`` sends a million times as many."""

import json
from pathlib import Path
import struct
import zlib

import pytest

from benchmarks.fuzz import Run, send_random, show
from test.fuzz import decoders
from test.fuzz.decoders import BudgetError, Mutator, Reader, Target, targets
from test.messages import compressed_bytes, EPOCH
from xmodal_ros.streams.sample import DecodeError

TARGETS = targets()


@pytest.mark.parametrize('name', TARGETS)
def test_what_is_valid_is_read_and_what_is_not_is_refused(name: str) -> None:
    target = TARGETS[name]
    refused = 0
    for seed in target.seeds:
        target.make()(seed) if not target.refuses else _try(target, seed)
    reader, mutate = Reader(target, timed=False), Mutator(target.seeds, seed=3)
    for _ in range(150):
        data = mutate()
        reader(data)
        refused += target.refuses and not _try(target, data)
    assert reader.read == 150
    assert not target.refuses or refused > 20


def _try(target: Target, data: bytes) -> bool:
    try:
        target.make()(data)
    except DecodeError:
        return False
    return True


def test_what_takes_too_much_memory_or_raises_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    peaks = iter((100 << 20, 200 << 20) * 2)
    monkeypatch.setattr(decoders, '_peak_bytes', lambda **_: next(peaks))
    with pytest.raises(BudgetError, match='100 MiB more for a message of 1 bytes'):
        Reader(Target(lambda: bytes, ()), timed=False)(b'x')
    monkeypatch.undo()
    with pytest.raises(ZeroDivisionError):
        Reader(Target(lambda: lambda data: 1 // (len(data) - 1), ()))(b'x')


def test_a_picture_that_claims_more_than_its_bytes_is_refused_at_once() -> None:
    head = struct.pack('>IIBBBBB', 5000, 5000, 8, 2, 0, 0, 0)
    chunk = b'IHDR' + head
    png = b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + chunk
    png += struct.pack('>I', zlib.crc32(chunk)) + bytes(64)
    for name in ('compressed_gray', 'compressed_rgb', 'compressed_depth'):
        Reader(TARGETS[name])(compressed_bytes(EPOCH, png, 'png'))


def test_a_run_counts_and_keeps_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run('label', 400, tmp_path / 'findings', tmp_path / 'status.json')
    send_random(run, 400, seed=0)
    told = json.loads((tmp_path / 'status.json').read_text())
    assert (told['target'], told['messages'], told['found']) == ('label', 400, {})
    assert not (tmp_path / 'findings').exists()
    show([told], 'random')
    assert '400 messages by random' in capsys.readouterr().out
    run._reader._consume = lambda _: 1 // 0
    run(b'bad')
    (found,) = (tmp_path / 'findings').iterdir()
    assert found.read_bytes() == b'bad'
    assert 'ZeroDivisionError' in capsys.readouterr().err
