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

"""``xmodal label`` as it is typed: what it prints, and how it ends."""

from http.client import HTTPConnection
import json
from pathlib import Path
import shutil
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from test.bags.recordings import write_imu_bag
from test.messages import EPOCH, SECOND
from test.waiting import PATIENCE_S, poll_for, started
from xmodal_ros.bags.segment import Segment
from xmodal_ros.cli.main import app


def test_it_prints_an_address_that_answers_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', segments=[Segment(EPOCH, EPOCH + SECOND, 'sit')])
    broken = tmp_path / 'broken.mcap'
    broken.write_bytes(b'')
    (tmp_path / 'monday').mkdir()
    shutil.copytree(bag, tmp_path / 'monday' / 'bag')
    words = ['label', str(tmp_path), '--no-browser']
    command = [sys.executable, '-m', 'xmodal_ros.cli.main', *words]
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = urlsplit(process.stdout.readline().strip())
        connection = HTTPConnection(str(url.hostname), int(url.port or 0), timeout=PATIENCE_S)
        connection.request('GET', f'{url.path}?{url.query}')
        answer = connection.getresponse()
        assert answer.status == 303
        answer.read()
        # It stays connected, as browsers do.
        headers = {'Cookie': str(answer.getheader('Set-Cookie')).partition(';')[0]}

        def holds_labels() -> bool:
            connection.request('GET', '/api/queue', headers=headers)
            bags = json.loads(connection.getresponse().read())['bags']
            return bool(bags[0]['offered'])

        # They are counted once all bags have been looked at.
        poll_for(holds_labels, 'the labels in the bag are not counted')
        told = ''
        while 'is empty (0 bytes)' not in told:
            line = process.stderr.readline()
            assert line, told
            told += line
        process.send_signal(signal.SIGINT)
        told += process.stderr.read()
        assert process.wait(PATIENCE_S) == 0
        connection.close()
    assert 'ended; nothing changed; 1 of 2 bags hold labels of their own' in told
    assert f'warning: {tmp_path / "monday"} holds recordings too' in told
    assert 'Traceback' not in told


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['nothing'], 'does not exist'),
        (['bag', '--labels', 'sit,unknown'], 'stands for no activity'),
    ],
)
def test_bad_input_is_an_error_in_words(tmp_path: Path, arguments: list[str], words: str) -> None:
    write_imu_bag(tmp_path / 'bag')
    path, *options = arguments
    ended = CliRunner().invoke(app, ['label', str(tmp_path / path), '--no-browser', *options])
    assert ended.exit_code != 0
    assert words in str(ended.exception)
