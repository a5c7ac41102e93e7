"""Results are written whole or not at all, wherever they are to go."""

import os
from pathlib import Path
import subprocess
import sys

import pytest

from test.waiting import COMMAND_S
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.whole_file import check_writable, write_whole


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    check_writable(pipe)
    write_whole(pipe, 'result')
    assert os.read(reader, 100) == b'result'
    os.close(reader)
    assert pipe.is_fifo()
    assert [item.name for item in tmp_path.iterdir()] == ['pipe']


def test_standard_output_can_be_named() -> None:
    code = (
        'from pathlib import Path; from xmodal_ros.whole_file import *; '
        "path = Path('/dev/stdout'); check_writable(path); write_whole(path, 'result')"
    )
    # Into a pipe, whose entry in /proc leads to no file.
    command = [sys.executable, '-c', code]
    done = subprocess.run(command, capture_output=True, check=True, timeout=COMMAND_S)
    assert done.stdout == b'result'
    assert Path('/dev/stdout').is_symlink()


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / 'folder' / 'target', tmp_path / 'link'
    target.parent.mkdir()
    target.write_text('old')
    link.symlink_to(target)
    check_writable(link)
    write_whole(link, 'new')
    assert link.is_symlink()
    assert target.read_text() == 'new'


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    loop = tmp_path / 'loop'
    loop.symlink_to(loop)
    for path in (tmp_path, tmp_path / ('n' * 300), loop / 'file', Path('/proc/file')):
        with pytest.raises(ConfigurationError, match='cannot write'):
            check_writable(path)
    file = tmp_path / 'file'
    with pytest.raises(ConfigurationError, match='two results'):
        check_writable(file, None, tmp_path / 'no' / '..' / 'file')
