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

"""What a step did, remembered so that the next run need not do it again."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import fcntl
import hashlib
import os
from pathlib import Path
import shutil


@dataclass(frozen=True)
class Stamps:
    """One file per finished step, holding a key of everything that the step depends on."""

    folder: Path

    def done(self, step: str, key: str) -> bool:
        """Tell whether ``step`` finished with the same ``key``."""
        try:
            return (self.folder / step).read_text() == key
        except OSError:
            return False

    def set(self, step: str, key: str) -> None:
        """Remember that ``step`` has finished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f'{step}.draft'
        draft.write_text(key)
        draft.replace(self.folder / step)

    def clear(self) -> None:
        """Forget every step."""
        shutil.rmtree(self.folder, ignore_errors=True)


def key_of(*texts: str, files: Iterable[Path] = ()) -> str:
    """Hash texts, and the names and contents of files; folders stand for all files in them."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f'{len(text)}:{text}'.encode())
    for file in files:
        members = sorted(path for path in file.rglob('*') if path.is_file()) or [file]
        for path in members:
            content = path.read_bytes()
            digest.update(f'{path.name}:{len(content)}:'.encode())
            digest.update(content)
    return digest.hexdigest()


@contextmanager
def only_one(folder: Path) -> Iterator[int]:
    """Let one set-up at a time work in ``folder``, and give the lock's file descriptor.

    Child processes are to inherit the descriptor, so that those which outlive a killed set-up
    keep the next one waiting until they are through.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('another set-up is at work in this checkout: waiting for it to end', flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)
