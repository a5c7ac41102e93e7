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

from contextlib import ExitStack
import os
from pathlib import Path
import subprocess
import sys

from test.waiting import PATIENCE_S, started
from xmodal_standalone.progress import key_of, only_one, Stamps


def test_a_step_is_done_once_for_each_key(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path / 'stamps')
    assert not stamps.done('packages', 'a')
    stamps.set('packages', 'a')
    assert stamps.done('packages', 'a')
    assert not stamps.done('packages', 'b')
    stamps.clear()
    assert not stamps.done('packages', 'a')


def test_the_key_follows_content_names_and_members(tmp_path: Path) -> None:
    folder = tmp_path / 'package'
    folder.mkdir()
    (folder / 'A.msg').write_text('int32 a')
    before = key_of('3.11', files=[folder])
    assert key_of('3.11', files=[folder]) == before
    assert key_of('3.12', files=[folder]) != before

    (folder / 'A.msg').write_text('int32 b')
    changed = key_of('3.11', files=[folder])
    assert changed != before

    (folder / 'A.msg').rename(folder / 'B.msg')
    renamed = key_of('3.11', files=[folder])
    assert renamed not in (before, changed)

    (folder / 'C.msg').touch()
    assert key_of('3.11', files=[folder]) not in (before, changed, renamed)


def test_a_second_set_up_waits_for_a_tool_that_outlived_the_first(tmp_path: Path) -> None:
    import xmodal_standalone

    standalone = str(Path(xmodal_standalone.__file__).parents[1])
    second = (
        'from pathlib import Path\n'
        'from xmodal_standalone.progress import only_one\n'
        f'with only_one(Path({str(tmp_path)!r})):\n'
        '    print("through", flush=True)\n'
    )
    with ExitStack() as stack:
        with only_one(tmp_path) as lock:
            command = [sys.executable, '-c', 'input()']
            tool = stack.enter_context(started(command, stdin=subprocess.PIPE, pass_fds=[lock]))
        waiting = stack.enter_context(
            started(
                [sys.executable, '-c', second],
                stdout=subprocess.PIPE,
                env={**os.environ, 'PYTHONPATH': standalone},
            )
        )
        assert waiting.stdout is not None
        assert 'waiting' in waiting.stdout.readline()
        tool.communicate('\n', timeout=PATIENCE_S)
        assert waiting.stdout.readline() == 'through\n'
