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

"""The runner of cases, run as a script."""

from pathlib import Path
import runpy
import sys

import pytest

SCRIPT = Path(__file__).parents[2] / 'benchmarks' / 'cases.py'


def test_what_a_case_lacks_is_told_and_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'case_12_film.py').write_text('"""A film.\nExpected: it is read."""\n')
    arguments = [str(tmp_path), '--ffmpeg', '', '--no-live', '--only', '12']
    monkeypatch.setattr(sys, 'argv', [str(SCRIPT), *arguments])
    monkeypatch.setenv('COLUMNS', '100')
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name='__main__')
    said = capsys.readouterr().out
    assert 'not run   it needs ffmpeg' in said
    assert '1 cases, 0 checks: 0 right, 0 wrong; 1 cases not run' in said
    assert ended.value.code == 0
