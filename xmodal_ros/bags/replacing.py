"""Write a bag anew where one is, without losing the old one should that fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import tempfile

from xmodal_ros.atomic_swap import atomic_swap
from xmodal_ros.errors import BagError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give where to write a bag that takes the place of what is at ``path``, if anything is.

    Both change places when the block ends well, and not before: a process that is killed while it
    writes leaves the old bag where it was. A file or a link may be in the place too; what a link
    leads to stays. Raises :class:`BagError` when nothing can be written there.
    """
    if not path.exists():
        yield path
        return
    try:
        folder = tempfile.TemporaryDirectory(
            prefix=f'.{path.name}.',
            suffix='.replacement',
            dir=path.parent,
            ignore_cleanup_errors=True,
        )
    except OSError as error:
        raise BagError(f'cannot replace bag {str(path)!r}: {error}') from error
    with folder as name:
        # The storage file bears the name of the folder it is written in.
        new = Path(name) / path.name
        yield new
        try:
            atomic_swap(new, path)
        except OSError as error:
            raise BagError(f'cannot replace bag {str(path)!r}: {error}') from error
