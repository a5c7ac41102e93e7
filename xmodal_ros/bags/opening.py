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

"""Find a recording's files, open them by their content, and say in words why that fails."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
import difflib
import errno
from itertools import islice
import os
from pathlib import Path
import re
import sqlite3
from tempfile import gettempdir, TemporaryDirectory
from typing import Final

from xmodal_ros.bags import mcap_file, sqlite3_file
from xmodal_ros.bags.compression import (
    decompress_file,
    is_compressed,
    unpacked_name,
)
from xmodal_ros.bags.compression import (
    SUFFIXES as COMPRESSED,
)
from xmodal_ros.bags.mcap_file import McapFile
from xmodal_ros.bags.metadata_file import BagMetadata, METADATA_FILE, read_metadata
from xmodal_ros.bags.ros1 import Ros1File
from xmodal_ros.bags.sqlite3_file import explain_sqlite, Sqlite3File
from xmodal_ros.bags.storage import StorageFile
from xmodal_ros.errors import BagError

STORAGE_SUFFIXES: Final = ('.mcap', '.db3', '.bag')
_IN_FOLDERS: Final = ('.mcap', '.db3')
_MAGIC: Final[Mapping[str, bytes]] = {
    '.mcap': mcap_file.MAGIC,
    '.db3': sqlite3_file.MAGIC,
    '.bag': b'#ROSBAG V2.0\n',
}
_OLD_ROS1: Final = b'#ROSBAG V1'
_OPEN: Final[Mapping[str, Callable[[Path], StorageFile]]] = {
    '.mcap': McapFile,
    '.db3': Sqlite3File,
    '.bag': Ros1File,
}
_MEND: Final = {
    '.mcap': 'mend it with `mcap recover {file} -o mended.mcap` and put that in its place',
    '.bag': 'mend it with `rosbag reindex {file}`',
}
_NUMBER: Final = re.compile(r'_\d+$')
_MOST_NAMES: Final = 5
# So many items are looked at to find a close name, and so many in each of those.
_MOST_LOOKED_AT: Final = 1000
_MOST_LOOKED_INTO: Final = 20


@dataclass(frozen=True)
class OpenBag:
    """The open files of a recording.

    ``in_turn`` says that they follow each other, as those of a bag that was split while it was
    recorded; else they are merged by time. ``notes`` say of the folder what a user should know.
    """

    files: list[StorageFile]
    metadata: BagMetadata | None = None
    in_turn: bool = False
    notes: list[str] = field(default_factory=list)


def storage_paths(path: Path) -> list[Path]:
    """Give what to open for the recording at ``path``: its folder, or one or more files.

    Raises :class:`BagError` when there is no recording, naming those that lie one level deeper.
    """
    try:
        if path.is_symlink() and not path.exists():
            raise BagError(
                f'bag {str(path)!r} is a link that leads nowhere, to {str(path.readlink())!r}: '
                'fetch what it names (as by `git annex get`), or link it anew'
            )
        if not path.exists():
            raise BagError(f'bag {str(path)!r} does not exist: check the path{_nearby(path)}')
        if path.is_file():
            return [_file_or_its_folder(path)]
        if (path / METADATA_FILE).exists():
            return [path]
        if files := _files_of_one_bag(path):
            return files
        inner = [item.name for item in sorted(path.iterdir()) if is_recording(item)]
    except OSError as error:
        raise BagError(f'bag {str(path)!r} cannot be read: {error.strerror or error}') from error
    if inner:
        raise BagError(
            f'folder {str(path)!r} is no bag itself but holds {_shorten(inner)}: give those'
        )
    if deeper := folders_passed_over([path]):
        raise BagError(
            f'folder {str(path)!r} holds no recordings itself, but '
            f'{_shorten([str(each) for each in deeper])} do: give those'
        )
    raise BagError(
        f'folder {str(path)!r} holds no recordings, neither {METADATA_FILE} nor .mcap, .db3 or '
        '.bag files: give another, or make some with xmodal record, import or simulate'
    )


def storage_files(path: Path) -> tuple[Path, ...]:
    """Give the files that hold the messages of the recording at ``path``, in order.

    Raises :class:`BagError` when there is no recording.
    """
    paths = storage_paths(path)
    if paths[0].is_dir():
        paths = _listed_files(paths[0], read_metadata(paths[0] / METADATA_FILE))
    beside = [Path(f'{file}-wal') for file in paths if storage_suffix(file) == '.db3']
    return (*paths, *(file for file in beside if file.is_file()))


def storage_suffix(file: Path) -> str:
    """Give what kind of storage file a name promises, compressed or not; '' for none."""
    suffix = unpacked_name(file).suffix
    return suffix if suffix in STORAGE_SUFFIXES else ''


def file_stem(file: Path) -> str:
    """Give a storage file's name without what says its kind."""
    return unpacked_name(file).stem


def is_recording(path: Path) -> bool:
    """Say whether ``path`` looks like a recording, without opening it."""
    # Of hidden files there are those that macOS puts beside others on foreign disks.
    if path.name.startswith('.'):
        return False
    if not path.is_dir():
        # A link that leads nowhere is one that nobody has fetched: whoever opens it is told.
        return storage_suffix(path) != '' and (path.is_file() or path.is_symlink())
    if (path / METADATA_FILE).exists():
        return True
    with suppress(OSError):
        return bool(_files_of_one_bag(path))
    return False


def find_recordings(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Give the recordings that ``paths`` name: bags, or folders that hold bags.

    A path that is neither is given as it is, for the reader says best what is wrong with it.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inner: list[Path] = []
        with suppress(OSError):
            if path.is_dir() and not is_recording(path):
                inner = [item for item in _files_in(path) if is_recording(item)]
        found.update(dict.fromkeys(inner or [path]))
    return tuple(found)


def folders_passed_over(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Give folders in those of ``paths`` whose recordings :func:`find_recordings` does not give.

    They lie one or two levels deeper, as those of a person's sessions.
    """
    paths = list(paths)
    deeper: dict[Path, None] = {}
    for path in paths:
        with suppress(OSError):
            if path.is_dir() and not is_recording(path):
                deeper.update(dict.fromkeys(_folders_of_recordings(path, 2)))
    if not deeper:
        return ()
    given = {path.resolve() for path in find_recordings(paths)}
    return tuple(
        folder
        for folder in deeper
        if not given.issuperset(path.resolve() for path in find_recordings([folder]))
    )


def about_passed_over(paths: Iterable[Path]) -> Iterator[str]:
    """Say of each of :func:`folders_passed_over` what to do about it."""
    for folder in folders_passed_over(paths):
        yield f'{folder} holds recordings too, and is not looked into: name it as well'


def _folders_of_recordings(folder: Path, levels: int) -> Iterator[Path]:
    with suppress(OSError):
        for inner in islice(sorted(folder.iterdir()), _MOST_LOOKED_AT):
            if inner.name.startswith('.') or not inner.is_dir() or is_recording(inner):
                continue
            with suppress(OSError):
                if any(map(is_recording, islice(sorted(inner.iterdir()), _MOST_LOOKED_INTO))):
                    yield inner
            if levels > 1:
                yield from _folders_of_recordings(inner, levels - 1)


def open_bag(paths: list[Path], stack: ExitStack) -> OpenBag:
    """Open what :func:`storage_paths` gave and let ``stack`` close it.

    Raises :class:`BagError` that says why not.
    """
    folder = paths[0]
    if not folder.is_dir():
        opened = [_open_file(path, stack) for path in paths]
        return OpenBag(opened, notes=[*_about_several(paths)])
    metadata = read_metadata(folder / METADATA_FILE)
    try:
        files = _listed_files(folder, metadata)
        there = _storage_in(folder)
    except OSError as error:
        raise BagError(f'bag {str(folder)!r} cannot be read: {error.strerror or error}') from error
    names = {unpacked_name(file).name for file in files}
    notes = [
        f'{METADATA_FILE} does not name {file.name}, which lies beside it: it is not read; name '
        'it there, or give that file itself'
        for file in there
        if unpacked_name(file).name not in names
    ]
    return OpenBag([_open_file(path, stack) for path in files], metadata, True, notes)


def _about_several(paths: list[Path]) -> Iterator[str]:
    """Say what became of files that nothing declares to be one recording."""
    # A recorder that begins another file numbers them.
    if len({_NUMBER.sub('', file_stem(path)) for path in paths}) > 1:
        yield (
            f'{_shorten([path.name for path in paths])} lie in one folder without '
            f'{METADATA_FILE}, and are read as one recording: where they are several, give each '
            'a folder of its own, or name the files'
        )


def _open_file(path: Path, stack: ExitStack) -> StorageFile:
    unpacked = path
    try:
        if is_compressed(path):
            folder = stack.enter_context(TemporaryDirectory(prefix='xmodal-bag-'))
            unpacked = _decompress(path, Path(folder))
        kind = _kind_of(unpacked, path)
        # Whatever damaged bytes make a parser raise (struct.error, TypeError, KeyError, zstd's and
        # sqlite's own errors ...), to a user it is one thing: this is not readable.
        file = _OPEN[kind](unpacked)
    except BagError:
        raise
    except Exception as error:
        raise BagError(explain(path, error)) from error
    stack.callback(file.close)
    file.path = path
    stated = storage_suffix(path)
    if stated != kind:
        file.notes.append(
            f'{path.name} is a {kind} file, by its first bytes, and read as such: rename it'
        )
    return file


def _decompress(path: Path, folder: Path) -> Path:
    try:
        return decompress_file(path, folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BagError(
            f'bag file {str(path)!r} is compressed, and there is no room in {gettempdir()} to '
            f'decompress it: make room, set TMPDIR, or run `zstd -d {path}`'
        ) from error
    # Of damaged bytes zstd raises errors of its own, and EOFError.
    except Exception as error:
        raise BagError(
            f'bag file {str(path)!r} is compressed and cannot be decompressed ({error}): copy it '
            f'again; `zstd -t {path}` says whether it is whole'
        ) from error


def _kind_of(file: Path, named: Path) -> str:
    """Give the kind of a file by its first bytes; raises :class:`BagError` for none of them."""
    with file.open('rb') as stream:
        head = stream.read(max(map(len, _MAGIC.values())))
    for kind, magic in _MAGIC.items():
        if head.startswith(magic):
            return kind
    size = file.stat().st_size
    if size == 0:
        raise BagError(
            f'bag file {str(named)!r} is empty (0 bytes): nothing was recorded, record it again'
        )
    stated = storage_suffix(named)
    magic = _MAGIC.get(stated, b'')
    if magic.startswith(head):
        raise BagError(f'bag file {str(named)!r} is truncated after {size} bytes: record it again')
    if not head.strip(b'\0'):
        raise BagError(
            f'bag file {str(named)!r} begins with zeros: it was not written to the disk before '
            'power was lost, or not copied in full; copy it again'
        )
    if head.startswith(_OLD_ROS1):
        raise BagError(
            f'bag file {str(named)!r} is of a format older than 2.0 of ROS 1: convert it with '
            '`rosbag fix`'
        )
    raise BagError(
        f'{str(named)!r} is not a {stated} file: it starts with {_in_words(head)}: give '
        'another, or convert it'
    )


def _in_words(head: bytes) -> str:
    text = head.decode('ascii', 'replace').strip()
    if text and text.isprintable() and '\ufffd' not in text:
        return f'the text {text!r}'
    return f'the bytes {head.hex(" ")}'


def explain(path: Path, error: Exception) -> str:
    """Say why the storage file at ``path`` cannot be read and what to do about it."""
    if isinstance(error, PermissionError) or isinstance(error.__cause__, PermissionError):
        return f'bag {str(path)!r} cannot be read: permission denied (see `ls -l`)'
    if isinstance(error, sqlite3.Error):
        return explain_sqlite(path, error)
    if isinstance(error, OSError):
        return f'bag file {str(path)!r} cannot be read: {error.strerror or error}'
    text = str(error).strip().rstrip('.') or type(error).__name__
    mend = _MEND.get(storage_suffix(path), '')
    return (
        f'bag file {str(path)!r} cannot be read: it is truncated or damaged ({text}); copy it '
        f'again{mend and " or "}{mend.format(file=path)}'
    )


def _file_or_its_folder(file: Path) -> Path:
    """Prefer the folder when the file is all of its bag: subject and sensors are known there."""
    if not storage_suffix(file):
        raise BagError(
            f'{str(file)!r} is not a bag: give a bag folder or a file that ends in '
            f'{", ".join(STORAGE_SUFFIXES)}'
        )
    metadata = file.parent / METADATA_FILE
    if file.suffix == '.bag' or not metadata.exists():
        return file
    try:
        listed = read_metadata(metadata).files
    except BagError:
        return file
    alone = [unpacked_name(Path(name)).name for name in listed] == [unpacked_name(file).name]
    return file.parent if alone else file


def _listed_files(folder: Path, metadata: BagMetadata) -> list[Path]:
    """Give the files that metadata.yaml names, compressed or not; BagError for a missing one."""
    files = [_as_it_lies(folder / name) for name in metadata.files]
    missing = [file.name for file in files if not file.exists()]
    there = [file.name for file in _storage_in(folder)]
    if not files:
        raise BagError(
            f'bag {str(folder)!r}: its {METADATA_FILE} names no files'
            + (f', but {_shorten(there)} lie there: remove it' if there else ': record it again')
        )
    if missing:
        raise BagError(
            f'bag {str(folder)!r} lacks {_shorten(missing)}, which its {METADATA_FILE} names: '
            + (
                f'copy it here, or give what is there: {_shorten(there)}'
                if there
                else 'copy it here'
            )
        )
    return files


def _as_it_lies(file: Path) -> Path:
    """Give a file, or what somebody made of it by compressing or decompressing it."""
    if file.exists():
        return file
    others = [unpacked_name(file), *(file.with_name(file.name + each) for each in COMPRESSED)]
    return next((other for other in others if other.exists()), file)


def _files_of_one_bag(folder: Path) -> list[Path]:
    """Give the files of a folder without metadata.yaml; none where they lie among bags."""
    files = _storage_in(folder)
    return [] if files and any(map(_holds_files, folder.iterdir())) else files


def _holds_files(folder: Path) -> bool:
    """Say whether a folder in a folder is a bag, whatever lies further down."""
    if folder.name.startswith('.') or not folder.is_dir():
        return False
    with suppress(OSError):
        return (folder / METADATA_FILE).exists() or bool(_storage_in(folder))
    return False


def _storage_in(folder: Path) -> list[Path]:
    """Give the files of a folder that may be those of one bag."""
    return [
        item
        for item in _files_in(folder)
        if storage_suffix(item) in _IN_FOLDERS
        and not item.name.startswith('.')
        and not item.is_dir()
    ]


def _files_in(folder: Path) -> list[Path]:
    """Give what is in a folder in order, but for compressed files that lie there unpacked too."""
    items = sorted(folder.iterdir())
    return [
        item for item in items if item.suffix not in COMPRESSED or unpacked_name(item) not in items
    ]


def _nearby(path: Path) -> str:
    """Offer the recording, or folder of some, of the closest name, else say what is there."""
    first = path
    while not path.parent.is_dir():
        path = path.parent
    parent = path.parent
    # Far above what was typed are no recordings, but folders that may be slow to read.
    far = path is not first or os.path.realpath(parent) == os.sep
    items = sorted(islice(parent.iterdir(), _MOST_LOOKED_AT))
    names = [item.name for item in items if far or _leads_to_recordings(item)]
    if close := difflib.get_close_matches(path.name, names, n=1):
        return f'; did you mean {str(parent / close[0])!r}?'
    return f'; {str(parent)!r} holds {_shorten(names)}' if names and not far else ''


def _leads_to_recordings(path: Path) -> bool:
    with suppress(OSError):
        return is_recording(path) or (
            path.is_dir()
            and not path.name.startswith('.')
            and any(map(is_recording, islice(path.iterdir(), _MOST_LOOKED_INTO)))
        )
    return False


def _shorten(names: list[str]) -> str:
    shown = ', '.join(names[:_MOST_NAMES])
    return f'{shown} and {len(names) - _MOST_NAMES} more' if len(names) > _MOST_NAMES else shown
