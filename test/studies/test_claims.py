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

"""Whoever is at a run keeps others from it, for as long as its process lives."""

import errno
import fcntl
import os
from pathlib import Path
from typing import NoReturn

import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.studies.claims import claim, clear_stale_claims, failed_attempts, is_claimed


def die_at(run: Path) -> None:
    """Let a process claim a run and end without giving it back."""
    child = os.fork()
    if not child:
        with claim(run):
            os._exit(0)
    os.waitpid(child, 0)


def test_each_process_that_died_at_a_run_is_counted_until_one_ends_it(tmp_path: Path) -> None:
    run = tmp_path / 'run.json'
    assert failed_attempts(run) == 0
    for deaths in (1, 2):
        die_at(run)
        assert failed_attempts(run) == deaths
        assert not is_claimed(run)
    with claim(run) as attempt:
        assert attempt == 3
        assert is_claimed(run)
        assert failed_attempts(run) == 0
        with claim(run) as other:
            assert other is None
    assert not list(tmp_path.iterdir())


def test_one_that_fails_but_lives_gives_its_claim_back(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), claim(tmp_path / 'run.json'):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_claims_of_the_dead_are_cleared_and_those_of_the_living_stay(tmp_path: Path) -> None:
    die_at(tmp_path / 'dead.json')
    (tmp_path / 'damaged.claim').write_text('{')
    assert failed_attempts(tmp_path / 'damaged.json') == 0
    with claim(tmp_path / 'living.json'):
        clear_stale_claims(tmp_path)
        assert [each.name for each in tmp_path.iterdir()] == ['living.claim']
        assert is_claimed(tmp_path / 'living.json')


def test_a_folder_that_cannot_be_written_or_locked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.ENOLCK, 'No locks available')

    with (
        pytest.raises(ConfigurationError, match=r'cannot write into .*gone'),
        claim(tmp_path / 'gone' / 'run.json'),
    ):
        pass
    monkeypatch.setattr(fcntl, 'flock', refuse)
    with (
        pytest.raises(ConfigurationError, match=r'No locks available.*give another --out'),
        claim(tmp_path / 'run.json'),
    ):
        pass
