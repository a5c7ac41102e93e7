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

"""``xmodal dataset`` on the command line: what it shows, keeps, clears and refuses."""

from dataclasses import replace
from io import StringIO
import json
from pathlib import Path
import subprocess
import sys

import pytest
from rich.console import Console

from test.paired_bags import LABELS, write_paired_bag
from test.waiting import COMMAND_S
from xmodal_ros.cli import dataset_run
from xmodal_ros.cli.dataset_page import render_clocks
from xmodal_ros.cli.dataset_run import DatasetSettings
from xmodal_ros.data.cache import StreamCache
from xmodal_ros.data.clock_report import ClockReport
from xmodal_ros.data.report import DataReport, RecordingReport
from xmodal_ros.errors import XmodalError


@pytest.fixture(scope='module')
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('bags')
    write_paired_bag(folder / 'bag_1', '1', labels=LABELS)
    write_paired_bag(folder / 'bag_2', '2', labels=LABELS, labelled=False, camera=False)
    return folder


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'xmodal_ros.cli.main', 'dataset', *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_S)


def test_it_shows_what_is_used_and_keeps_what_it_cut(bags, tmp_path, capsys):
    cache = tmp_path / 'cache'
    # Two processes, started by the command itself.
    done = run(
        bags, '--cache', cache, '--jobs', 2, '--write-clocks', '--json', tmp_path / 'found.json'
    )
    assert done.returncode == 0, done.stderr
    assert 'bag_2 is left out: it has no labels' in done.stdout
    assert f'cache: {cache}, 3 streams' in done.stdout
    # Without times of receipt of their own nothing is known of clocks.
    assert '–: imported, or recorded at its own stamps' in done.stdout
    assert 'no clocks.yaml is written: nothing was found to correct' in done.stdout
    assert '0.0000 s' not in done.stdout
    found = json.loads((tmp_path / 'found.json').read_text())
    first = found['recordings'][0]
    assert (first['name'], first['use'], first['segments']) == ('bag_1', 'learning', 3)
    assert {sensor['sensor'] for sensor in first['sensors']} == {'imu', 'camera'}
    assert found['clock_corrections'] == {}
    assert dataset_run.run(DatasetSettings((), cache=cache, clear_cache=True)) is None
    assert 'removed 3 streams' in capsys.readouterr().out
    assert StreamCache(cache).entries() == ()


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'align': 'sound'}, "--align 'sound' is none of receipt, motion"),
        ({'no_cache': True, 'cache': Path('here')}, 'exclude each other'),
        ({'sensors': ('imv',), 'no_cache': True}, "closest is 'imu'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(bags, settings, message):
    with pytest.raises(XmodalError, match=message):
        dataset_run.run(DatasetSettings((bags,), **settings))


def test_the_lag_by_motion_is_explained_where_it_was_asked_for_and_has_no_column_elsewhere():
    def shown(clock: ClockReport) -> str:
        recording = RecordingReport('/bags/a', 'a', clocks=(clock,))
        console = Console(width=120, record=True, file=StringIO())
        console.print(render_clocks(DataReport((recording,))))
        return console.export_text()

    clock = ClockReport('imu', 0.01, 0.0, 0.1, 0.001, 0.0)
    assert 'lag' not in shown(clock)
    asked = shown(replace(clock, against='camera', lag_s=0.25))
    assert '+0.250 s to camera' in asked
    assert 'lag by motion: what to add to its stamps' in asked
