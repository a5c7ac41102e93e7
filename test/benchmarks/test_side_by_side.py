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

"""The figures that two sides are compared by, and the processes they come from."""

from collections.abc import Iterator
import json
import math
import os
from pathlib import Path
import time
from typing import Any

import pytest

from benchmarks import side_by_side
from benchmarks.harness import Comparison
from benchmarks.side_by_side import (
    Answer,
    Child,
    children,
    draining,
    median,
    PROFILES,
    publish_at,
    wait_until_received,
    with_profile,
)
from test.waiting import poll_for
from xmodal_ros.runtime.pipeline import Received

CHILD = """
import json, os, sys
if sys.argv[1:] == ['--role', 'broken']:
    sys.exit(3)
for line in sys.stdin:
    print(json.dumps({**json.loads(line), 'name': os.environ['NAME']}), flush=True)
sys.exit(4 if sys.argv[2] == 'untidy' else 0)
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / 'child.py'
    path.write_text(CHILD)
    return str(path)


def test_rounds_of_which_nothing_was_received_do_not_meet_a_target() -> None:
    assert math.isnan(median([]))
    assert not Comparison((median([]),), (1.0,), target=0.5).met


def test_waiting_for_messages_ends_when_all_are_there_or_no_more_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def growing(last: int) -> Iterator[Answer]:
        for received in range(last):
            yield {'received': received}
        while True:
            yield {'received': last}

    monkeypatch.setattr(side_by_side, '_POLL_S', 0)
    monkeypatch.setattr(side_by_side, '_STALL_S', 0.05)
    assert wait_until_received(growing(9).__next__, 5) == {'received': 5}
    assert wait_until_received(growing(3).__next__, 5) == {'received': 3}


class Sensor:
    """One of 1 kHz whose messages can be taken from when it is made."""

    depth = 800

    def __init__(self) -> None:
        self.looks = self._taken = 0
        self._begun_ns = time.time_ns()

    def take(self) -> list[Received]:
        self.looks += 1
        last = (time.time_ns() - self._begun_ns) // 10**6
        numbers = range(self._taken + 1, last + 1)
        self._taken = last
        return [Received(b'', self._begun_ns + number * 10**6) for number in numbers]

    def wait(self, _: float) -> None:
        time.sleep(0.001)

    def wake(self) -> None:
        """Nobody waits for long."""


def test_messages_are_drained_many_at_a_time_and_none_twice() -> None:
    sensor: Any = Sensor()
    pushed: list[int] = []
    with draining(
        sensor, lambda received: pushed.append(received.received_ns), lambda _: 200_000_000
    ):
        poll_for(lambda: len(pushed) > 500)
    assert pushed == sorted(set(pushed))
    assert sensor.looks < len(pushed) / 5


def test_messages_are_published_as_often_as_wanted_and_not_faster() -> None:
    published: list[float] = []
    publish_at(1000, 5, lambda: published.append(time.monotonic()))
    assert len(published) == 5
    assert published[-1] - published[0] >= 4 / 1000 - 1e-3


def test_the_users_profile_of_fast_dds_is_replaced() -> None:
    environment = {'HOME': '/root', PROFILES[1]: '/mine.xml'}
    assert with_profile(environment, None) == {'HOME': '/root'}
    chosen = with_profile(environment, Path('/ours.xml'))
    assert chosen == {'HOME': '/root', PROFILES[0]: '/ours.xml'}


def test_children_answer_and_end(script: str) -> None:
    roles = ('one', 'other')
    environments = {role: {**os.environ, 'NAME': role} for role in roles}
    with children(script, environments) as started:
        for role in roles:
            assert started[role].ask(number=1) == {'number': 1, 'name': role}
    with pytest.raises((RuntimeError, ValueError)):
        started['one'].ask()


def test_a_child_that_ends_is_an_error(script: str) -> None:
    broken = Child(script, 'broken', os.environ)
    with pytest.raises(RuntimeError, match='broken ended with 3'):
        broken.ask()
    with pytest.raises(RuntimeError, match='broken ended with 3'):
        broken.close()
    untidy = Child(script, 'untidy', {**os.environ, 'NAME': json.dumps(None)})
    assert untidy.ask() == {'name': 'null'}
    with pytest.raises(RuntimeError, match='untidy ended with 4'):
        untidy.close()
