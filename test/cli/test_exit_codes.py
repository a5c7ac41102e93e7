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

"""Exit codes tell wrong use from what goes wrong, as docs/command.md says."""

from pathlib import Path
import sys

import pytest

from xmodal_ros.cli.main import main

_TRAIN = ('train', 'nothing', '--target', 'imu', '--out', 'imu')


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (_TRAIN, '--test-subjects is missing'),
        (('train', '--target', 'imu', '--out', 'imu', '--test-subjects', '3'), 'BAG is missing'),
        ((*_TRAIN, '--test-subjects', '3', '--method', 'infonc'), "did you mean 'infonce'?"),
        ((*_TRAIN, '--test-subjects', '3', '--window', '0.01'), 'at least 0.25'),
        (('evaluate', 'recordings'), 'no bundle is named'),
        (('import', 'files', 'bag', '--subject', 'ada'), 'nothing to import'),
        (('import', 'utd-mhad', 'data', 'bags', '--subjects', 'ada'), 'is no number'),
        (('new', 'method', 'foo-bar'), 'can be no name here'),
        (('label', 'recordings', '--labels', 'unknown'), 'stands for no activity'),
        (('train', '--surce', 'imu'), 'No such option'),
    ],
)
def test_wrong_use_ends_with_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    (tmp_path / 'recordings').mkdir()
    (tmp_path / 'recordings' / 'walk.mcap').touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['xmodal', *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert told in capsys.readouterr().err
    assert ended.value.code == 2


def test_what_goes_wrong_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['xmodal', 'inspect', 'nothing'])
    with pytest.raises(SystemExit) as ended:
        main()
    assert 'does not exist' in capsys.readouterr().err
    assert ended.value.code == 1
