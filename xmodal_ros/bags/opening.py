"""Find a recording's files, open them, and say in words why that fails."""

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from rosbags.rosbag1 import Reader as Ros1Reader
from rosbags.rosbag2 import Reader as Ros2Reader
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from xmodal_ros.errors import BagError

FileReader = Ros1Reader | Ros2Reader

METADATA_FILE: Final = 'metadata.yaml'
STORAGE_SUFFIXES: Final = ('.mcap', '.db3', '.bag')
_MAGIC: Final = {
    '.mcap': b'\x89MCAP0\r\n',
    '.db3': b'SQLite format 3\0',
    '.bag': b'#ROSBAG V2.0\n',
}
_MEND: Final = {
    '.mcap': 'mend it with `mcap recover {file} -o mended.mcap` and use mended.mcap',
    '.db3': 'mend it with `sqlite3 {file} .recover | sqlite3 mended.db3` and use mended.db3',
    '.bag': 'mend it with `rosbag reindex {file}`',
}
_MOST_NAMES: Final = 5


def storage_paths(path: Path) -> list[Path]:
    """Give what to open for the recording at ``path``: its folder, or one or more files.

    Raises :class:`BagError` when there is no recording, naming those that lie one level deeper.
    """
    try:
        if not path.exists():
            raise BagError(f'bag {str(path)!r} does not exist: check the path{_nearby(path)}')
        if path.is_file():
            return [_file_or_its_folder(path)]
        if (path / METADATA_FILE).exists():
            return [path]
        files = [file for file in sorted(path.iterdir()) if file.suffix in ('.mcap', '.db3')]
        if files:
            return files
        inner = [item.name for item in sorted(path.iterdir()) if is_recording(item)]
    except OSError as error:
        raise BagError(f'bag {str(path)!r} cannot be read: {error.strerror or error}') from error
    if inner:
        raise BagError(
            f'folder {str(path)!r} is no bag itself but holds {_shorten(inner)}: give those'
        )
    raise BagError(
        f'folder {str(path)!r} is no bag: it has neither {METADATA_FILE} nor .mcap or .db3 files'
    )


def storage_files(path: Path) -> tuple[Path, ...]:
    """Give the files that hold the messages of the recording at ``path``, in order.

    Raises :class:`BagError` when there is no recording.
    """
    paths = storage_paths(path)
    folder = paths[0]
    if not folder.is_dir():
        return tuple(paths)
    listed = [folder / Path(name).name for name in _listed_files(folder / METADATA_FILE)]
    return tuple(listed) or tuple(file for file in sorted(folder.iterdir()) if file.is_file())


def is_recording(path: Path) -> bool:
    """Say whether ``path`` looks like a recording, without opening it."""
    if path.is_file():
        return path.suffix in STORAGE_SUFFIXES
    if not path.is_dir() or path.name.startswith('.'):
        return False
    return (path / METADATA_FILE).exists() or any(path.glob('*.mcap')) or any(path.glob('*.db3'))


def find_recordings(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Give the recordings that ``paths`` name: bags, or folders that hold bags.

    A path that is neither is given as it is, for the reader says best what is wrong with it.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inner: list[Path] = []
        with suppress(OSError):
            if path.is_dir() and not is_recording(path):
                inner = [item for item in sorted(path.iterdir()) if is_recording(item)]
        found.update(dict.fromkeys(inner or [path]))
    return tuple(found)


def open_readers(paths: list[Path], stack: ExitStack) -> list[FileReader]:
    """Open each path and let ``stack`` close it; raises :class:`BagError` saying why not."""
    readers: list[FileReader] = []
    for path in paths:
        try:
            reader = Ros1Reader(path) if path.suffix == '.bag' else Ros2Reader(path)
            reader.open()
        # Whatever damaged bytes make the library raise (struct.error, TypeError, KeyError,
        # zstd's and sqlite's own errors ...), to a user it is one thing: this is not readable.
        except Exception as error:
            raise BagError(explain(path, error)) from error
        stack.callback(reader.close)
        readers.append(reader)
    return readers


def explain(path: Path, error: Exception) -> str:
    """Say why the recording at ``path`` cannot be read and what to do about it."""
    if isinstance(error, PermissionError) or isinstance(error.__cause__, PermissionError):
        return f'bag {str(path)!r} cannot be read: permission denied (see `ls -l`)'
    files = [path] if path.is_file() else sorted(path.iterdir())
    for file in files:
        if file.suffix in STORAGE_SUFFIXES and (damage := _damage(file)):
            return damage
    text = str(error).rstrip('.') or type(error).__name__
    return f'bag {str(path)!r} cannot be read: {text}: is the file complete?'


def _damage(file: Path) -> str:
    """Say what is visibly wrong with one storage file; empty when nothing is."""
    magic = _MAGIC[file.suffix]
    try:
        size = file.stat().st_size
        with file.open('rb') as stream:
            head = stream.read(len(magic))
            stream.seek(max(0, size - len(magic)))
            tail = stream.read()
    except OSError as error:
        return f'bag file {str(file)!r} cannot be read: {error.strerror or error}'
    if size == 0:
        return f'bag file {str(file)!r} is empty (0 bytes): nothing was recorded, record it again'
    if head != magic:
        if magic.startswith(head):
            return f'bag file {str(file)!r} is truncated after {size} bytes: record it again'
        return f'{str(file)!r} is not a {file.suffix} file: it starts with {head!r}'
    if file.suffix == '.mcap' and tail == magic and size > len(magic):
        return ''
    mend = _MEND[file.suffix].format(file=file)
    if file.suffix == '.mcap':
        return (
            f'bag file {str(file)!r} is truncated (it has no footer): the recording was not '
            f'closed or not copied in full; copy it again or {mend}'
        )
    return f'bag file {str(file)!r} is truncated or damaged; copy it again or {mend}'


def _file_or_its_folder(file: Path) -> Path:
    """Prefer the folder when the file is all of its bag: subject and sensors are known there."""
    if file.suffix not in STORAGE_SUFFIXES:
        raise BagError(
            f'{str(file)!r} is not a bag: give a bag folder or a file that ends in '
            f'{", ".join(STORAGE_SUFFIXES)}'
        )
    metadata = file.parent / METADATA_FILE
    if file.suffix == '.bag' or not metadata.exists():
        return file
    return file.parent if _listed_files(metadata) == [file.name] else file


def _listed_files(metadata: Path) -> list[str]:
    """Give the names of a bag's files as its metadata lists them; [] where it does not."""
    try:
        document = YAML(typ='safe').load(metadata.read_text())
        names = document['rosbag2_bagfile_information']['relative_file_paths']
        return [str(name) for name in names]
    except (OSError, ValueError, YAMLError, KeyError, TypeError):
        return []


def _nearby(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        return ''
    names = [item.name for item in sorted(parent.iterdir()) if is_recording(item)]
    return f'; {str(parent)!r} holds {_shorten(names)}' if names else ''


def _shorten(names: list[str]) -> str:
    shown = ', '.join(names[:_MOST_NAMES])
    return f'{shown} and {len(names) - _MOST_NAMES} more' if len(names) > _MOST_NAMES else shown
