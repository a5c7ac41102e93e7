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

"""The linters of ament find nothing, where they are installed."""

from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
CODE: Final = ('benchmarks', 'examples', 'launch', 'standalone', 'test', 'xmodal_ros')
XML: Final = ('package.xml',)
# What they are told beside the folders; .flake8 says why some of what they ask for is not.
LINTERS: Final = {
    'ament_copyright': (),
    'ament_flake8': ('--config', '.flake8'),
    'ament_pep257': (
        '--add-ignore',
        *('D205', 'D213', 'D400', 'D401', 'D402', 'D403', 'D415'),
        '--',
    ),
    'ament_xmllint': (),
}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize('linter', LINTERS)
def test_a_linter_of_ament_finds_nothing(
    linter: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    module = pytest.importorskip(f'{linter}.main', reason='it comes with a ROS installation')
    monkeypatch.chdir(ROOT)
    code = module.main(argv=[*LINTERS[linter], *(CODE if linter != 'ament_xmllint' else XML)])
    said = ''.join(capfd.readouterr())
    if 'failed to load external entity "http' in said:
        pytest.skip('the schema of package.xml is on the network, which cannot be reached')
    assert code == 0, said
