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

"""``xmodal new``: what is written is a package that passes its own test."""

from collections.abc import Iterator
import importlib.util
from pathlib import Path
import re
import subprocess
import sys

import numpy as np
import pytest

from test.waiting import run_python
from xmodal_ros import registry
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.cli.new_run import Kind, run
from xmodal_ros.configuration.training import KEYS
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.registry import find_modality

NAMES: dict[Kind, str] = {'method': 'my_loss', 'modality': 'force', 'encoder': 'my_net'}
# What an installation adds: the metadata with the entry points.
INSTALL = """
import os, runpy, sys
for package in sys.argv[1:]:
    os.chdir(package)
    sys.argv = ['setup.py', '-q', 'egg_info']
    runpy.run_path('setup.py')
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[Kind, Path]]:
    """Give a package of each kind, known to this process as an installed one is."""
    written = {kind: run(kind, name, tmp_path / kind) for kind, name in NAMES.items()}
    run_python(INSTALL, *written.values())
    for package in written.values():
        monkeypatch.syspath_prepend(package)
    forget()
    yield written
    forget()


def forget() -> None:
    registry._declared.cache_clear()
    registry.entries.cache_clear()
    find_modality.cache_clear()


def test_each_kind_of_package_passes_its_own_test(packages: dict[Kind, Path]) -> None:
    for kind, package in packages.items():
        (file,) = package.glob('test/test_*.py')
        found = importlib.util.spec_from_file_location(file.stem, file)
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        tests = [each for name, each in vars(module).items() if name.startswith('test_')]
        assert len(tests) == 1, kind
        tests[0]()
        # What training needs is in the command that is shown.
        (command,) = re.findall(
            '^xmodal train .*', (package / 'README.md').read_text(), re.MULTILINE
        )
        needed = {key for key, field in KEYS.items() if field.default is ...} - {'bags'}
        assert needed
        assert all(f' --{key.replace("_", "-")} ' in command for key in needed), command
        text = (package / 'README.md').read_text()
        begun = 'xmodal record recordings/' if kind == 'modality' else 'xmodal simulate recordings'
        assert text.index(begun) < text.index(command)
        # Nothing of the template is left.
        assert not [each for each in package.rglob('*.py') if '{{' in each.read_text()]


def test_a_recording_of_a_new_modality_is_written_as_its_page_says(
    packages: dict[Kind, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(
        '```python\n(.*?)```', (packages['modality'] / 'README.md').read_text(), re.DOTALL
    )
    start_ns, end_ns = 1_700_000_000 * 10**9, 1_700_000_001 * 10**9
    values = [(start_ns + n * 10**7, np.ones(3)) for n in range(100)]
    monkeypatch.chdir(tmp_path)
    exec(code, {'start_ns': start_ns, 'end_ns': end_ns, 'my_values': values})  # noqa: S102
    with BagReader(tmp_path / 'recordings' / 'anna_1') as reader:
        assert reader.topics[reader.sensor('force').topic].count == 100
        assert [segment.label for segment in read_segments(reader)] == ['walking']


def test_a_test_before_installing_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = run('method', 'my_other_loss', tmp_path / 'my package')
    install = 'pip install --no-build-isolation -e .'
    assert f"cd '{package}' && {install} && pytest" in capsys.readouterr().err
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider'],
        cwd=package,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert f"method 'my_other_loss' is not installed: run `{install}`" in done.stdout
    assert 'ConfigurationError' not in done.stdout


def test_names_that_cannot_be_or_are_taken_are_refused(tmp_path: Path) -> None:
    for name, words in (
        ('My-Loss', 'can be no name here'),
        ('class', 'it is a word of Python'),
        ('infonce', 'already'),
    ):
        with pytest.raises(ConfigurationError, match=words):
            run('method', name, tmp_path / 'new')
    (tmp_path / 'there').mkdir()
    with pytest.raises(ConfigurationError, match='exists already'):
        run('method', 'my_loss', tmp_path / 'there')
    assert not (tmp_path / 'new').exists()
