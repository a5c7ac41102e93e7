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

"""``xmodal benchmark`` finds the benchmarks and says which there are."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import xmodal_ros
from xmodal_ros.cli import benchmark_run
from xmodal_ros.cli.benchmark_run import (
    chosen,
    find_checkout,
    read_results,
    together,
    without_gpu,
)
from xmodal_ros.cli.main import app
from xmodal_ros.errors import ConfigurationError

FOUND = [{'name': 'inspect', 'group': 'reading'}, {'name': 'forward imu', 'group': 'forwards'}]


def test_benchmarks_are_chosen_by_name_or_group():
    assert chosen(FOUND, ()) == FOUND
    assert chosen(FOUND, ('forwards',)) == FOUND[1:]
    assert chosen(FOUND, ('forward imu', 'inspect')) == FOUND
    with pytest.raises(ConfigurationError, match="no benchmark 'speed', only: forward imu, ins"):
        chosen(FOUND, ('speed',))


def test_without_a_checkout_it_says_where_the_benchmarks_are(monkeypatch, tmp_path):
    assert (find_checkout() / 'benchmarks' / 'rows').is_dir()
    monkeypatch.setattr(xmodal_ros, '__file__', str(tmp_path / 'lib' / 'x.py'))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match='in a checkout'):
        find_checkout()
    monkeypatch.chdir(Path(__file__).parents[2])
    assert find_checkout() == Path.cwd()


def test_earlier_figures_stand_beside_new_ones(tmp_path):
    old = [{'name': name, 'group': 'all', 'kind': name} for name in ('a', 'b')]
    (tmp_path / 'old.json').write_text(json.dumps({'format': 1, 'results': old}))
    new = {'name': 'b', 'group': 'all', 'kind': 'newer'}
    assert together([new], read_results(tmp_path / 'old.json')) == [old[0], new]
    (tmp_path / 'other.json').write_text('{"format": 9, "results": []}')
    with pytest.raises(ConfigurationError, match='measure again'):
        read_results(tmp_path / 'other.json')
    with pytest.raises(ConfigurationError, match='none of'):
        read_results(tmp_path / 'none.json')


def test_what_needs_a_gpu_is_told_and_not_measured_without_one():
    engine: dict[str, Any] = {'name': 'engine', 'group': 'gpu', 'needs_gpu': True}
    asked: list[dict[str, Any]] = [*FOUND, engine]
    possible, impossible = without_gpu(asked, {'gpu': ''})
    assert possible == FOUND
    assert impossible == [{**engine, 'unmeasured': 'no GPU was there'}]
    assert without_gpu(asked, {'gpu': 'H200'}) == (asked, [])

    # Figures of a machine that had one stay.
    earlier = {**engine, 'kind': 'row'}
    assert together(impossible, [earlier]) == [earlier]
    assert together(impossible, [earlier, *impossible]) == [earlier]
    assert together([earlier], impossible) == [earlier]
    assert together(impossible, []) == impossible


def test_it_lists_what_there_is():
    told = CliRunner().invoke(app, ['benchmark', '--list', 'reading'])
    assert told.exit_code == 0, told.output
    assert 'inspect' in told.stdout


def test_a_benchmark_that_fails_is_named_with_its_last_words(monkeypatch, tmp_path):
    (tmp_path / 'benchmarks').mkdir()
    (tmp_path / 'benchmarks' / 'harness.py').write_text(
        'import json, sys\n'
        "print(json.dumps({'machine': {}, 'benchmarks': [{'name': 'bad', 'group': 'all'}]}))\n"
        "if sys.argv[1] == 'measure': sys.exit('out of paper')\n"
    )
    monkeypatch.setattr(benchmark_run, 'find_checkout', lambda: tmp_path)
    told = CliRunner().invoke(app, ['benchmark'])
    assert told.exit_code == 1
    assert 'out of paper' in told.stderr
    assert 'failed: bad' in told.stderr
