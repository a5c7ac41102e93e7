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

"""The labels of one bag while a person marks them: who may write, and what lies on the disk.

The page holds the undo history and sends the whole table after every change; here it is checked
and written at once, so that the file is always what was marked. One tab at a time may write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import hashlib
import os
from pathlib import Path
import threading
from typing import Final, Literal

from xmodal_ros.bags.label_file import FILE_NAME, find_label_file, find_other_label_file
from xmodal_ros.bags.label_writing import check_segments, label_table, own_label_file
from xmodal_ros.bags.labels import label_topic, read_segments
from xmodal_ros.bags.reading import BagReader, LONGEST_NS
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError, ConfigurationError, XmodalError
from xmodal_ros.files import check_writable, write_atomic

# A tab that has not been heard of for so long may be followed by another without a question.
_PATIENCE_S: Final = 12.0
_DAY_NS: Final = 24 * 3600 * 1_000_000_000

RefusalReason = Literal['tab', 'revision', 'disk', 'locked']


class RefusedError(XmodalError):
    """Labels were not taken; ``reason`` says to the page what it should offer."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class LabelState:
    """What a tab is told.

    ``editor`` says that it may write, ``revision`` which labels these are, ``disk`` is the
    fingerprint of the file as it lies there now ('' for none), ``changed`` that somebody else
    wrote it. ``locked`` says why nobody can write.
    """

    revision: int
    segments: tuple[Segment, ...]
    editor: bool
    disk: str
    changed: bool
    locked: str


class LabelSession:
    """The labels of the bag at ``path``; threads may share it.

    ``saved`` says that anything was saved here. Raises :class:`BagError` when the bag
    cannot be read; a table that cannot be read or written locks the session instead, see
    :class:`LabelState`.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._tab = ''
        self._seen_s = float('-inf')
        self._revision = 0
        self._segments: tuple[Segment, ...] = ()
        self._elsewhere = ''
        self.saved = False
        self._offered: tuple[Segment, ...] | None = None
        self._locked = ''
        self._known = ''
        with BagReader(path) as reader:
            self.path = reader.path
            self.name = reader.name
            self.start_ns, self.end_ns = reader.start_ns, reader.end_ns
            if self.duration_ns > LONGEST_NS:
                raise BagError(
                    f'bag {str(path)!r} lasts {self.duration_ns / _DAY_NS:.1f} days by the times '
                    "of recording, which no page can show: probably the recorder's clock jumped "
                    '(see `xmodal inspect`); cut it, or record it again with the time set before'
                )
            self.file = own_label_file(reader.path)
            self._read(reader)
        if not self._locked:
            self._locked = _why_not_writable(self.file)

    @property
    def duration_ns(self) -> int:
        """How long the recording lasts."""
        return self.end_ns - self.start_ns

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The labels as they lie on the disk, in order of time."""
        with self._lock:
            return self._segments

    @property
    def locked(self) -> str:
        """Why nobody can write; '' when one can."""
        return self._locked

    @property
    def offers(self) -> str:
        """Where there are labels that count while there is no table; '' for none, or with one."""
        return '' if self._known else self._elsewhere

    @property
    def offered(self) -> tuple[Segment, ...]:
        """The labels from elsewhere, empty while nobody has asked for the :meth:`offer`."""
        return (self._offered or ()) if self.offers else ()

    def offer(self) -> tuple[Segment, ...]:
        """Give the labels from elsewhere that may serve as a start; ``offers`` says where.

        For those on a topic much of the recording may have to be read. Raises :class:`BagError`
        when they cannot be read.
        """
        if self.offers and self._offered is None:
            with BagReader(self.path) as reader:
                found = read_segments(reader)
            # A table that was made meanwhile holds no offer.
            if self.offers:
                self._offered = found
        return self.offered

    def state(self, tab: str, now_s: float) -> LabelState:
        """Tell ``tab`` how things stand; it counts as heard of at ``now_s`` on a steady clock."""
        with self._lock:
            if tab and tab == self._tab:
                self._seen_s = now_s
            return self._state(tab)

    def enter(self, tab: str, now_s: float, *, take: bool = False) -> LabelState:
        """Let ``tab`` write if no other does, or in any case when it is told to ``take`` over."""
        with self._lock:
            if take or self._tab in ('', tab) or now_s - self._seen_s > _PATIENCE_S:
                self._tab, self._seen_s = tab, now_s
            return self._state(tab)

    def leave(self, tab: str) -> None:
        """Forget ``tab``, which was closed."""
        with self._lock:
            if tab == self._tab:
                self._tab = ''

    def save(
        self, tab: str, revision: int, disk: str, segments: Sequence[Segment], now_s: float
    ) -> LabelState:
        """Write the labels whole; without any the table is removed.

        ``revision`` and ``disk`` are those of the state that the tab has last seen. Raises
        :class:`RefusedError` when another tab writes, when either has moved on, or nobody can
        write, and :class:`ConfigurationError` for segments that no table may hold.
        """
        with self._lock:
            if self._locked:
                raise RefusedError('locked', self._locked)
            if tab != self._tab:
                raise RefusedError('tab', 'another tab is labelling this bag')
            self._seen_s = now_s
            if revision != self._revision:
                raise RefusedError('revision', 'these labels are older than those in the file')
            found = _fingerprint(self.file)
            if found not in (self._known, disk):
                raise RefusedError('disk', f'{self.file} was changed by another program')
            ordered = check_segments(segments, self.start_ns, self.end_ns)
            if ordered:
                write_atomic(self.file.resolve(), label_table(ordered, self.start_ns))
            else:
                _remove(self.file)
            self._segments, self.saved = ordered, True
            self._known = _fingerprint(self.file)
            self._revision += 1
            return self._state(tab)

    def reload(self, tab: str) -> LabelState:
        """Read the table again, which another program has changed.

        Raises :class:`RefusedError` with the reason when it cannot be read; the labels stay.
        """
        with self._lock, BagReader(self.path) as reader:
            before = self._locked, self._segments, self.file, self._elsewhere
            self._locked, self._segments = '', ()
            self._read(reader)
            if self._locked:
                complaint = self._locked
                self._locked, self._segments, self.file, self._elsewhere = before
                raise RefusedError('disk', complaint)
            self._locked = _why_not_writable(self.file)
            self._revision += 1
            return self._state(tab)

    def _read(self, reader: BagReader) -> None:
        """Read the labels and remember which file they came from."""
        try:
            found = find_label_file(reader.path)
            own = found is not None and found.name.endswith(FILE_NAME)
            segments = read_segments(reader) if own else ()
        except BagError as error:
            self._locked = str(error)
            segments, found, own = (), None, False
        if found is not None and own:
            self.file, self._segments = found, segments
        self._elsewhere, self._offered = '' if self._locked else _elsewhere(reader), None
        self._known = _fingerprint(self.file)

    def _state(self, tab: str) -> LabelState:
        disk = _fingerprint(self.file)
        return LabelState(
            revision=self._revision,
            segments=self._segments,
            editor=bool(tab) and tab == self._tab and not self._locked,
            disk=disk,
            changed=disk != self._known and not self._locked,
            locked=self._locked,
        )


def _fingerprint(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ''
    except OSError as error:
        return f'unreadable: {error}'


def _why_not_writable(file: Path) -> str:
    # It would be replaced, whoever wanted to keep it as it is.
    if file.is_file() and not os.access(file, os.W_OK, effective_ids=True):
        return f'labels cannot be saved here: {file} may only be read (see `ls -l`)'
    try:
        check_writable(file.resolve())
    except ConfigurationError as error:
        return f'labels cannot be saved here: {error}; copy the bag to a folder you may write to'
    return ''


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(f'cannot remove {file}: {error}') from error


def _elsewhere(reader: BagReader) -> str:
    """Give the file or topic whose labels may serve as a start, '' for none and for several."""
    try:
        file = find_other_label_file(reader.path)
        return (label_topic(reader) or '') if file is None else file.name
    except BagError:
        return ''
