"""What the tests of launch files share."""

from collections.abc import Iterator

import pytest

from test.live.graph import Watcher, watching


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with watching() as watcher:
        yield watcher
