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

"""Results are written whole or not at all, wherever they are to go."""

import errno
import fcntl
import os
from pathlib import Path
import stat
import subprocess
import sys
from typing import NoReturn

import pytest

from test.waiting import run_python
from xmodal_ros import files
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.files import (
    atomic_swap,
    check_folder,
    check_writable,
    clear_abandoned,
    exclusive_lock,
    publish_folder,
    replace_file,
    Replacement,
    write_atomic,
)


def test_a_workplace_goes_with_its_owner_or_when_the_next_one_comes(tmp_path: Path) -> None:
    code = (
        'import os; from pathlib import Path; from xmodal_ros.files import Replacement; '
        f'made = Replacement(Path({str(tmp_path / "bag[1]")!r}), make_folder=True); '
        'print(made.new.parent, flush=True); os.abort()'
    )
    left = Path(run_python(code, check=False).stdout.strip())
    assert left.is_dir()
    for foreign in ('.bag[1]-notes', 'bag[1]-mine.partial'):
        (tmp_path / foreign).mkdir()
    with Replacement(tmp_path / 'other'):
        assert left.is_dir()
    with Replacement(tmp_path / 'bag[1]') as mine:
        assert not left.exists()
        assert clear_abandoned(tmp_path) == []
        assert mine.new.parent.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {'.bag[1]-notes', 'bag[1]-mine.partial'}


def test_what_was_left_may_be_kept_and_what_is_taken_at_birth_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / '.walk-1.partial'
    left.mkdir()
    with Replacement(tmp_path / 'walk', keep_abandoned=True):
        assert left.is_dir()
    lock = fcntl.flock
    taken: list[Path] = []

    def late(number: int, how: int) -> None:
        if not taken:
            # Another process is quicker, between the folder and its lock.
            taken.extend(tmp_path.glob('.walk-*.partial'))
            for path in taken:
                path.rmdir()
        lock(number, how)

    left.rmdir()
    monkeypatch.setattr(fcntl, 'flock', late)
    with Replacement(tmp_path / 'walk', make_folder=True) as made:
        assert len(taken) == 1
        assert made.new.parent not in taken
        assert made.new.is_dir()


def test_where_there_are_no_locks_what_was_left_goes_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_number: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, 'no locks')

    monkeypatch.setattr(fcntl, 'flock', refuse)
    left = tmp_path / '.walk-1.partial'
    left.mkdir()
    assert clear_abandoned(tmp_path) == []
    os.utime(left, (0, 0))
    assert clear_abandoned(tmp_path) == [left]


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    check_writable(pipe)
    write_atomic(pipe, 'result')
    assert os.read(reader, 100) == b'result'
    os.close(reader)
    assert pipe.is_fifo()
    assert [item.name for item in tmp_path.iterdir()] == ['pipe']


def test_standard_output_can_be_named() -> None:
    code = (
        'from pathlib import Path; from xmodal_ros.files import *; '
        "path = Path('/dev/stdout'); check_writable(path); write_atomic(path, 'result')"
    )
    # Into a pipe, whose entry in /proc leads to no file.
    assert run_python(code).stdout == 'result'
    assert Path('/dev/stdout').is_symlink()


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    target, link = tmp_path / 'folder' / 'target', tmp_path / 'link'
    target.parent.mkdir()
    target.write_text('old')
    link.symlink_to(target)
    check_writable(link)
    write_atomic(link, 'new')
    assert link.is_symlink()
    assert target.read_text() == 'new'


def test_who_may_read_and_write_a_file_stays_as_it_is(tmp_path: Path) -> None:
    old, new = tmp_path / 'old', tmp_path / 'new'
    old.write_text('old')
    for mode in (0o600, 0o664):
        old.chmod(mode)
        write_atomic(old, 'new')
        assert stat.S_IMODE(old.stat().st_mode) == mode
    write_atomic(new, 'new')
    assert stat.S_IMODE(new.stat().st_mode) == 0o644


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    loop = tmp_path / 'loop'
    loop.symlink_to(loop)
    for path in (tmp_path, tmp_path / ('n' * 300), loop / 'file', Path('/proc/file')):
        with pytest.raises(ConfigurationError, match='cannot write'):
            check_writable(path)
    file = tmp_path / 'file'
    with pytest.raises(ConfigurationError, match='two results'):
        check_writable(file, None, tmp_path / 'no' / '..' / 'file')


def test_where_no_folder_can_be_it_is_told_in_words_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path('text.txt').touch()
    for name, words in {
        'text.txt': "'text.txt' is a file, not a folder: give another --out",
        'text.txt/models/imu': "'text.txt' is a file, not a folder: give another --out",
        '/proc/models/imu': "nothing can be written into '/proc' (No such file or directory): "
        'give another --out',
    }.items():
        with pytest.raises(ConfigurationError) as refused:
            check_folder(Path(name))
        assert str(refused.value) == words
    with pytest.raises(ConfigurationError, match=r"text\.txt' is a file, not a folder"):
        check_writable(Path('text.txt/report.html'))
    Path('link').symlink_to('nothing')
    for name in ('link', 'link/models/imu'):
        with pytest.raises(ConfigurationError, match="'link' is a link that leads nowhere"):
            check_folder(Path(name))
    for path in (Path('n' * 300, 'imu'), Path('models', 'n' * 300)):
        with pytest.raises(ConfigurationError, match='File name too long'):
            check_folder(path)
        with pytest.raises(ConfigurationError, match='File name too long'):
            check_writable(path)
    Path('link').unlink()
    check_folder(Path('models/imu'))
    check_writable(Path('models/imu.onnx'))
    check_folder(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ['text.txt']


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> NoReturn:
        raise OSError(errno.ENOSPC, 'No space left on device')

    file = tmp_path / 'file'
    replace_file(file, b'old')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space'):
        replace_file(file, b'new')
    with pytest.raises(ConfigurationError, match=r'cannot write .*No space'):
        write_atomic(file, 'new')
    assert file.read_bytes() == b'old'
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize('before', ['nothing', 'folder', 'file', 'link', 'dangling link'])
def test_what_was_made_takes_the_place_of_whatever_is_there(tmp_path: Path, before: str) -> None:
    path, elsewhere = tmp_path / 'place' / 'model', tmp_path / 'elsewhere'
    path.parent.mkdir()
    elsewhere.mkdir()
    (elsewhere / 'kept').touch()
    if before == 'folder':
        path.mkdir()
        (path / 'old').touch()
    elif before == 'file':
        path.touch()
    elif before != 'nothing':
        path.symlink_to(elsewhere if before == 'link' else tmp_path / 'gone')
    with Replacement(path, make_folder=True) as replacement:
        (replacement.new / 'new').touch()
        assert not (path / 'new').exists()
        publish_folder(replacement.new)
        replacement.commit()
    assert [file.name for file in path.iterdir()] == ['new']
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o755
    assert list(path.parent.iterdir()) == [path]
    assert [file.name for file in elsewhere.iterdir()] == ['kept']


def test_what_is_not_finished_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / 'model'
    path.mkdir()
    with Replacement(path) as replacement:
        replacement.new.mkdir()
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match='file'), Replacement(Path('/proc/model')):
        pass


def test_one_process_at_a_time_holds_a_lock_and_it_ends_with_the_process(tmp_path: Path) -> None:
    file = tmp_path / 'lock'
    code = (
        'import sys, time; from pathlib import Path; from xmodal_ros.files import exclusive_lock\n'
        f'with exclusive_lock(Path({str(file)!r})):\n'
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b'held\n'
        with pytest.raises(BlockingIOError), exclusive_lock(file):
            pass
        holder.kill()
        holder.wait()
        with exclusive_lock(file), pytest.raises(BlockingIOError), exclusive_lock(file):
            pass
    with exclusive_lock(file):
        pass
    with pytest.raises(FileNotFoundError), exclusive_lock(tmp_path / 'no' / 'lock'):
        pass


@pytest.mark.parametrize('number', [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_a_file_system_knows_no_locks_the_work_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_file: int, _operation: int) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr('fcntl.flock', refuse)
    for _ in range(2):
        with exclusive_lock(tmp_path / 'lock'), exclusive_lock(tmp_path / 'lock'):
            pass
    assert [file.name for file in tmp_path.iterdir()] == ['lock']


@pytest.fixture(params=['at once', 'in steps'])
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    if request.param == 'in steps':
        monkeypatch.setattr(files, '_exchange_at_once', lambda *_: False)
    for name in ('new', 'old'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'name').write_text(name)
    return tmp_path / 'new', tmp_path / 'old'


def test_they_change_places(pair: tuple[Path, Path]) -> None:
    new, old = pair
    atomic_swap(new, old)
    assert (old / 'name').read_text() == 'new'
    assert (new / 'name').read_text() == 'old'
    assert sorted(path.name for path in old.parent.iterdir()) == ['new', 'old']


def test_what_cannot_be_done_leaves_both(pair: tuple[Path, Path]) -> None:
    new, old = pair
    with pytest.raises(OSError, match='No such file'):
        atomic_swap(new.with_name('missing'), old)
    assert (old / 'name').read_text() == 'old'


def test_this_system_does_it_at_once(tmp_path: Path) -> None:
    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').mkdir()
    assert files._exchange_at_once(tmp_path / 'a', tmp_path / 'b')
