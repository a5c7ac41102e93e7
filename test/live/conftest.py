"""The graph that live tests share."""

from collections.abc import Iterator

import pytest

from test.live.graph import Watcher, watching


@pytest.fixture(scope='module')
def watcher() -> Iterator[Watcher]:
    with watching() as watcher:
        yield watcher
