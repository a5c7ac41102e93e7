"""Write a bag anew where one is, without losing the old one should that fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import shutil


@contextmanager
def set_aside(path: Path) -> Iterator[None]:
    """Move a bag out of the way; drop it when the block ends well, else put it back."""
    if not path.exists():
        yield
        return
    aside = path.with_name(f'.{path.name}.replaced')
    shutil.rmtree(aside, ignore_errors=True)
    path.rename(aside)
    try:
        yield
    except BaseException:
        aside.rename(path)
        raise
    shutil.rmtree(aside)
