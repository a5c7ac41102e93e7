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

"""What counts as the same result, and that nothing else does."""

import json
from pathlib import Path
import shlex
import sys

import pytest

from benchmarks.same_as_before import (
    differences,
    digest_of_tensors,
    digest_of_windows,
    main,
    reduced,
)

# Writes what `xmodal` would, where it would; LEARNT stands for all that is learnt.
COMMAND = """
import json, sys, time
from pathlib import Path

command, *arguments = sys.argv[1:]
path = lambda option: Path(arguments[arguments.index(option) + 1])
if command == 'simulate':
    (Path(arguments[0]) / 'subject_04').mkdir(parents=True)
    (Path(arguments[0]) / 'subject_04' / 'bag').write_text('bag')
if command in ('train', 'study'):
    out = path('--out')
    cache = out / 'windows' if command == 'study' else path('--cache')
    entry = cache / f'subject_01-imu_wrist-{out.name.replace("-", "")}'
    entry.mkdir(parents=True)
    (entry / 'entry.json').write_text(str(out))
    (entry / 'stream').write_text('stream')
if command == 'train':
    out.mkdir(parents=True)
    (out / 'model.safetensors').write_text('LEARNT' if 'dcat' in arguments else 'weights')
    header = json.dumps({'__metadata__': {'bundle_json_sha256': str(out)}}).encode()
    golden = len(header).to_bytes(8, 'little') + header + b'answers'
    (out / 'golden.safetensors').write_bytes(golden)
    bundle = {'labels': ['sitting'], 'provenance': {'bags': [arguments[0]], 'seed': 0}}
    (out / 'bundle.json').write_text(json.dumps(bundle))
if command != 'simulate':
    document = {'macro_f1': 0.5}
    if command == 'train':
        document |= {'bundle': str(out), 'durations_s': {'reading': time.time()}}
    path('--json').write_text(json.dumps(document))
sys.exit(3 if 'LEARNT' == 'nothing' and command == 'study' else 0)
"""


def command(folder: Path, learnt: str) -> str:
    script = folder / f'{learnt}.py'
    script.write_text(COMMAND.replace('LEARNT', learnt))
    return shlex.join([sys.executable, '-S', '-E', str(script)])


def test_only_named_keys_are_left_out() -> None:
    document = {
        'path': '/a',
        'unheard_of': 1,
        'runs': [{'path': '/b', 'f1': 0.5, 'deeper': {'path': '/c'}}],
    }
    assert reduced(document, {'runs.*.path'}) == {
        'path': '/a',
        'unheard_of': 1,
        'runs': [{'f1': 0.5, 'deeper': {'path': '/c'}}],
    }


@pytest.mark.parametrize(
    ('key', 'stream', 'same'), [('other', b'\0\1', True), ('key', b'\0\2', False)]
)
def test_windows_are_their_arrays_whatever_the_folder(tmp_path, key, stream, same):
    for side, name, content in (('before', 'key', b'\0\1'), ('after', key, stream)):
        entry = tmp_path / side / f'subject_01-imu_wrist-{name}'
        entry.mkdir(parents=True)
        (entry / 'entry.json').write_text(name)
        (entry / 'stream').write_bytes(content)
    before, after = digest_of_windows(tmp_path / 'before'), digest_of_windows(tmp_path / 'after')
    assert list(before) == ['windows imu_wrist']
    assert (before == after) is same


def test_tensors_are_compared_without_what_is_named_of_their_header(tmp_path):
    def digest(digest_of_json: str, shape: int, data: bytes) -> str:
        header = {'__metadata__': {'sha256': digest_of_json}, 'logits': {'shape': [shape]}}
        text = json.dumps(header).encode()
        file = tmp_path / 'golden.safetensors'
        file.write_bytes(len(text).to_bytes(8, 'little') + text + data)
        return digest_of_tensors(file, {'__metadata__.sha256'})

    assert digest('a', 2, b'12345678') == digest('another', 2, b'12345678')
    assert digest('a', 2, b'12345678') != digest('a', 2, b'12345679')
    assert digest('a', 2, b'12345678') != digest('a', 1, b'12345678')


def test_a_figure_that_is_missing_is_a_difference() -> None:
    before, after = {'imu': {'weights': 'a', 'scores': 'b'}}, {'imu': {'weights': 'a'}}
    assert differences(before, after) == [('imu', 'scores', 'b', '')]
    assert differences(after, before) == [('imu', 'scores', '', 'b')]


def test_a_changed_weight_is_found_and_other_folders_and_times_are_not(tmp_path, capsys):
    before = tmp_path / 'before.json'
    same, other = command(tmp_path, 'same'), command(tmp_path, 'other')
    assert main(['--command', same, '--out', str(before)]) == 0
    work = tmp_path / 'work'
    assert main(['--command', same, '--against', str(before), '--work', str(work)]) == 0
    assert 'all 39 figures are the same' in ' '.join(capsys.readouterr().out.split())
    assert (work / 'bundles' / 'D-CAT' / 'model.safetensors').exists()
    assert main(['--command', other, '--against', str(before)]) == 1
    (table,) = capsys.readouterr().out.split('different from')[1:]
    assert [line.split()[1:4:2] for line in table.splitlines() if 'weights' in line] == [
        ['D-CAT', 'weights']
    ]
    assert 'scores' not in table
    figures = json.loads(before.read_text())
    assert set(figures) == {'commit', 'versions', 'machine', 'figures'}


def test_a_command_that_fails_is_named(tmp_path, capsys):
    assert main(['--command', command(tmp_path, 'nothing')]) == 2
    words = ' '.join(capsys.readouterr().out.split())
    assert 'study' in words
    assert 'ended with 3' in words


def test_a_folder_with_old_results_is_refused(tmp_path, capsys):
    (tmp_path / 'old').touch()
    with pytest.raises(SystemExit):
        main(['--work', str(tmp_path)])
    assert 'is not empty' in capsys.readouterr().err
