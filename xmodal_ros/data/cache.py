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

"""Cut streams of recordings on disk, to be mapped into memory by whoever trains on them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
import hashlib
import importlib.metadata
import json
import math
import os
from pathlib import Path
import shutil
from typing import Any, Final
import zlib

import cv2
import numpy as np
import scipy

import xmodal_ros
from xmodal_ros.data.cutting import Cut, CutFacts, CutIndex, CutRequest, STREAM_FILE
from xmodal_ros.data.file_identity import content
from xmodal_ros.data.window_array import MappedStream
from xmodal_ros.errors import TrainingError
from xmodal_ros.files import clear_abandoned, is_old, Workplace
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.registry import other_code

_ENTRY: Final = 'entry.json'
_NEW: Final = 'stream'
# What version 0.1 built in, without a lock.
_NEW_BEFORE: Final = '.partial-*'
_FORMAT: Final = 2
_NAME_LENGTH: Final = 40
# Whatever decides on the numbers of a window: a change in any of these cuts them anew.
_SOURCES: Final = (
    'streams',
    'windows',
    'modalities',
    'data/cutting.py',
    'bags/reading.py',
    'bags/ros1.py',
    'bags/clocks.py',
)
_INDEX: Final[dict[str, type[np.generic]]] = {
    'ends_ns': np.int64,
    'firsts': np.int64,
    'coverage': np.float64,
    'received_ns': np.int64,
    'delays_ns': np.int64,
}


@dataclass(frozen=True)
class StreamCache:
    """A folder of cut streams, one folder in it for each sensor of a recording and way of cutting.

    Whatever changes what would be cut leads to another folder: the recording's files (their
    sizes, times and both ends), topic, type, where the sensor sits, its clock's correction,
    stream, window, the code that cuts and the libraries it uses. Labels do not: they choose among
    windows later. A folder appears whole or not at all, whoever else writes the same one.
    """

    folder: Path

    def place(self, files: Sequence[Path], request: CutRequest, clock: str) -> Path:
        """Give the folder of a cut stream, there or not; ``clock`` describes the correction."""
        stream, window = request.cut_spec
        sensor = request.sensor
        parts = (
            _FORMAT,
            [(*content(file), file.stat().st_mtime_ns) for file in files],
            (sensor.topic, request.msgtype, repr(sensor.placement), repr(request.audio_format)),
            clock,
            stream.model_dump(mode='json'),
            window.model_dump(mode='json'),
            _code(),
            other_code(type(find_modality(stream.modality))),
            _versions(),
        )
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
        name = f'{files[0].stem[:_NAME_LENGTH]}-{sensor.name[:_NAME_LENGTH]}-{digest}'
        return self.folder / name.replace('/', '_')

    @contextmanager
    def temporary_folder(self) -> Iterator[Path]:
        """Give a folder to build in; it and what is left in it go when the block ends.

        Those of processes that were killed go first. Raises :class:`TrainingError` when nothing
        can be written here.
        """
        try:
            self._clear_abandoned()
            workplace = Workplace(self.folder, _NEW, keep_abandoned=True)
        except OSError as error:
            raise self.cannot_write(error) from error
        with closing(workplace):
            yield workplace.path

    def publish(self, built: Path, cut: Cut, place: Path) -> None:
        """Complete the folder ``built``, which holds the stream, and put it in its place.

        Raises OSError when it cannot be written.
        """
        parts = {
            name: np.asarray(getattr(cut.index, name), kind).tobytes()
            for name, kind in _INDEX.items()
        }
        for name, part in parts.items():
            _write(built / name, part)
        document = {'format': _FORMAT, **cut.facts.document()}
        document['windows'] = len(cut.index.ends_ns)
        document['seconds'] = len(cut.index.received_ns)
        document['crc32'] = _crc32(document, parts)
        _write(built / _ENTRY, json.dumps(document).encode())
        with (built / STREAM_FILE).open('rb') as file:
            os.fsync(file.fileno())
        try:
            built.rename(place)
        except OSError:
            # Another process was faster, and what it put there is the same; or it is damaged, and
            # others may be putting it out of the way too.
            if self.read(place) is None:
                with suppress(FileNotFoundError):
                    place.rename(built.with_name(f'{built.name}.damaged'))
                try:
                    built.rename(place)
                except OSError:
                    if self.read(place) is None:
                        raise

    def read(self, place: Path) -> tuple[Cut, MappedStream] | None:
        """Give a cut stream, or None where there is none, or one that is damaged.

        Of the samples only the size is checked: to read them all would cost what mapping saves.
        """
        try:
            document: dict[str, Any] = json.loads((place / _ENTRY).read_text(encoding='utf-8'))
            parts = {name: (place / name).read_bytes() for name in _INDEX}
            if document.pop('crc32') != _crc32(document, parts):
                return None
            if document.pop('format') != _FORMAT:
                return None
            windows, seconds = document.pop('windows'), document.pop('seconds')
            facts = CutFacts.read(document)
            file = (place / STREAM_FILE).stat()
            stream = MappedStream(
                place / STREAM_FILE, facts.shape, np.dtype(facts.dtype), file.st_mtime_ns
            )
            if file.st_size != math.prod(facts.shape) * stream.dtype.itemsize:
                return None
            index = {name: np.frombuffer(parts[name], kind) for name, kind in _INDEX.items()}
            lengths = [len(index[name]) for name in _INDEX]
            if lengths != [windows, windows, windows, seconds, seconds]:
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return Cut(facts, CutIndex(**index)), stream

    def entries(self) -> tuple[Path, ...]:
        """Give the folders of all cut streams."""
        return tuple(sorted(entry.parent for entry in self.folder.glob(f'*/{_ENTRY}')))

    def size_bytes(self) -> int:
        """Give how much all cut streams take on disk."""
        total = 0
        for entry in self.entries():
            for file in entry.iterdir():
                with suppress(OSError):
                    total += file.stat().st_size
        return total

    def clear(self) -> int:
        """Remove all cut streams, and nothing else that may lie in the folder; say how many.

        Raises :class:`TrainingError` when one cannot be removed.
        """
        entries = self.entries()
        try:
            self._clear_abandoned()
            if not entries:
                return 0
            with closing(Workplace(self.folder, _NEW, keep_abandoned=True)) as gone:
                for entry in entries:
                    # Out of sight first: what is being removed is half of what it was.
                    shutil.rmtree(entry.rename(gone.path / entry.name))
        except OSError as error:
            raise TrainingError(f'cannot clear the cache in {self.folder}: {error}') from error
        return len(entries)

    def _clear_abandoned(self) -> None:
        """Remove what processes that were killed have left; what cannot be removed stays."""
        clear_abandoned(self.folder, _NEW)
        for path in self.folder.glob(_NEW_BEFORE):
            with suppress(OSError):
                if is_old(path):
                    shutil.rmtree(path)

    def cannot_write(self, error: OSError) -> TrainingError:
        """Give the error to tell a user whose cache cannot be written."""
        return TrainingError(
            f'cannot keep windows in {self.folder}: {error.strerror or error}; nothing '
            'half-written is left. Make room there, name another folder with --cache, or keep '
            'windows in memory with --no-cache'
        )


def _write(path: Path, content: bytes) -> None:
    with path.open('wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _crc32(document: Mapping[str, Any], parts: Mapping[str, bytes]) -> int:
    """Give a checksum of an entry's document and small files."""
    found = zlib.crc32(json.dumps(document, sort_keys=True).encode())
    for name in _INDEX:
        found = zlib.crc32(parts[name], found)
    return found


@lru_cache(maxsize=1)
def _code() -> str:
    root = Path(xmodal_ros.__file__).parent
    digest = hashlib.sha256()
    for name in _SOURCES:
        path = root / name
        for file in sorted(path.rglob('*.py')) if path.is_dir() else [path]:
            digest.update(f'{file.relative_to(root)}\0'.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    return {
        'numpy': np.__version__,
        'cv2': cv2.__version__,
        'scipy': scipy.__version__,
        'rosbags': importlib.metadata.version('rosbags'),
    }
