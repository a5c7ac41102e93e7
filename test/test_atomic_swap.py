"""Folders that change places."""

from pathlib import Path

import pytest

from xmodal_ros import atomic_swap as module
from xmodal_ros.atomic_swap import atomic_swap


@pytest.fixture(params=['at once', 'in steps'])
def folders(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    if request.param == 'in steps':
        monkeypatch.setattr(module, '_exchange_at_once', lambda *_: False)
    for name in ('new', 'old'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'name').write_text(name)
    return tmp_path / 'new', tmp_path / 'old'


def test_they_change_places(folders: tuple[Path, Path]) -> None:
    new, old = folders
    atomic_swap(new, old)
    assert (old / 'name').read_text() == 'new'
    assert (new / 'name').read_text() == 'old'
    assert sorted(path.name for path in old.parent.iterdir()) == ['new', 'old']


def test_what_cannot_be_done_leaves_both(folders: tuple[Path, Path]) -> None:
    new, old = folders
    with pytest.raises(OSError, match='No such file'):
        atomic_swap(new.with_name('missing'), old)
    assert (old / 'name').read_text() == 'old'


def test_this_system_does_it_at_once(tmp_path: Path) -> None:
    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').mkdir()
    assert module._exchange_at_once(tmp_path / 'a', tmp_path / 'b')
