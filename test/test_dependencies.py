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

"""Python packages that are missing or too old are told in a sentence, before anything else."""

from importlib import metadata
from pathlib import Path
import subprocess
import sys

import pytest

from test.waiting import run_python
from xmodal_ros import dependencies
from xmodal_ros.dependencies import check_dependencies, Dependency, OF_NODES, OF_THE_COMMAND
from xmodal_ros.errors import ConfigurationError

# What the Debian packages of Ubuntu 24.04 say of themselves.
UBUNTU_24_04 = {'pydantic': '1.10.14', 'typer': '0.9.0', 'numpy': '1.26.4', 'rich': '13.7.1'}


@pytest.fixture
def ubuntu(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        return UBUNTU_24_04.get(name) or metadata.version(name)

    monkeypatch.setattr(dependencies, 'version', version)


def test_what_is_installed_here_will_do() -> None:
    check_dependencies((*OF_NODES, *OF_THE_COMMAND))


def test_what_ubuntu_brings_is_too_old_and_the_sentence_says_what_to_do(ubuntu: None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_dependencies((*OF_NODES, *OF_THE_COMMAND))
    words = str(refused.value)
    assert 'pydantic is of version 1.10.14, at least 2.11 is needed' in words
    assert 'typer is of version 0.9.0, at least 0.19 is needed' in words
    assert "python3 -m pip install 'pydantic>=2.11' 'typer>=0.19'" in words
    assert sys.executable in words
    assert 'numpy' not in words


def test_tests_begin_with_the_sentence_in_a_python_that_lacks_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'pydantic-1.10.14.dist-info').mkdir()
    (tmp_path / 'pydantic-1.10.14.dist-info' / 'METADATA').write_text(
        'Metadata-Version: 2.1\nName: pydantic\nVersion: 1.10.14\n'
    )
    monkeypatch.setenv('PYTHONPATH', str(tmp_path))
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', '--collect-only', __file__],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert 'pydantic is of version 1.10.14' in done.stderr
    assert 'python3 "$(which colcon)" test' in done.stderr


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match='the Python package nowhere is missing'):
        check_dependencies([Dependency('no_such_module', 'nowhere', '1')])


@pytest.mark.parametrize(
    ('found', 'least', 'enough'),
    [
        ('0.12.5', '0.12.5', True),
        ('0.9.0', '0.12.5', False),
        ('0.12', '0.12.5', False),
        ('2.0rc1', '2', True),
        ('10.1', '2.9', True),
    ],
)
def test_versions_are_compared_as_numbers(
    found: str, least: str, enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, 'version', lambda _: found)
    old = [*dependencies.unmet([Dependency('sys', 'sys', least)])]
    assert (not old) is enough


@pytest.mark.parametrize('command', ['xmodal_ros.nodes.perception', 'xmodal_ros.cli.entry'])
def test_who_is_started_with_too_old_packages_says_so_and_nothing_else(command: str) -> None:
    code = (
        'import runpy, sys\n'
        'from xmodal_ros import dependencies\n'
        'dependencies.version = lambda _: "0.1"\n'
        f'sys.argv = [{command!r}]\n'
        f'runpy.run_module({command!r}, run_name="__main__")\n'
    )
    done = run_python(code, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith('error: the Python package')
    assert done.stderr.count('\n') == 1
