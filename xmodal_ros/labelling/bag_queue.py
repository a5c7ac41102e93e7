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

"""All the bags that a person goes through in one sitting, and the activities to choose from."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import threading
from typing import Final, Self

from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.labelling.recording import Recording
from xmodal_ros.labelling.session import LabelSession

# Open files and what is kept of them; going back and forth between two bags stays quick.
_RECORDINGS_OPEN: Final = 3
# How often it is looked for labels that count again because a table was emptied.
_AGAIN_S: Final = 1.0
# A read that takes longer ends by itself.
_PATIENCE_S: Final = 1.0


@dataclass
class _Place:
    """One bag of the queue; neither session nor error while it has not been looked at."""

    path: Path
    session: LabelSession | None = None
    error: str = ''


@dataclass(frozen=True)
class BagProgress:
    """How far one bag is; ``duration_s`` is 0 while it has not been looked at.

    ``segments`` are those of its table. A bag without any may hold ``offered`` ones elsewhere, in
    ``offers``, which training uses meanwhile. ``labelled_s`` is of those that training uses.
    """

    name: str
    path: str
    error: str
    locked: str
    duration_s: float
    labelled_s: float
    segments: int
    offers: str
    offered: int


class BagQueue:
    """The bags at ``paths``; threads may share it. Use it as a context manager.

    ``activities`` are those to choose from; where none are named, those that the bags hold.
    Raises :class:`BagError` when no bag can be read; the reason given is the first one's.
    """

    def __init__(self, paths: Sequence[Path], activities: Sequence[str] = ()) -> None:
        self._lock = threading.RLock()
        self._places = [_Place(path) for path in paths]
        self._recordings: OrderedDict[int, Recording] = OrderedDict()
        self._activities = list(dict.fromkeys(activities))
        self._fixed = bool(self._activities)
        self._looked, self._ended = threading.Event(), threading.Event()
        self._walk = threading.Thread(target=self._look_through, name='bags', daemon=True)
        for place in self._places:
            self._look(place)
            if place.session is not None:
                break
        else:
            raise BagError(self._places[0].error if self._places else 'no bag was named')
        self._walk.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self) -> None:
        """Wait until all bags have been looked at; what they offer is read later."""
        self._looked.wait()

    def close(self) -> None:
        """Close all recordings; labels are on the disk already."""
        self._ended.set()
        self._walk.join(_PATIENCE_S)
        with self._lock:
            for recording in self._recordings.values():
                recording.close()
            self._recordings.clear()

    @property
    def activities(self) -> tuple[str, ...]:
        """The activities in the order of their keys."""
        with self._lock:
            return tuple(self._activities)

    @activities.setter
    def activities(self, names: Sequence[str]) -> None:
        with self._lock:
            self._activities = list(dict.fromkeys(names))

    def progress(self) -> tuple[BagProgress, ...]:
        """Say of every bag how far it is."""
        return tuple(_progress(place) for place in self._places)

    def first(self) -> int:
        """Give the first readable bag without labels, else without a table, else the first."""
        readable = {i: each.session for i, each in enumerate(self._places) if each.session}
        return min(readable, key=lambda i: (bool(readable[i].segments), bool(readable[i].offers)))

    @property
    def saved(self) -> bool:
        """Whether anything was saved since the beginning."""
        return any(place.session is not None and place.session.saved for place in self._places)

    def session(self, index: int) -> LabelSession:
        """Give the labels of a bag.

        Raises :class:`ConfigurationError` when there is no such bag, :class:`BagError` when it
        cannot be read.
        """
        if not 0 <= index < len(self._places):
            raise ConfigurationError(f'there is no bag {index}')
        place = self._places[index]
        with self._lock:
            self._look(place)
            if place.session is None:
                raise BagError(place.error)
            return place.session

    def recording(self, index: int) -> Recording:
        """Give a bag open for showing; raises like :meth:`session`."""
        session = self.session(index)
        with self._lock:
            if index not in self._recordings:
                self._recordings[index] = Recording(session.path)
                if len(self._recordings) > _RECORDINGS_OPEN:
                    self._recordings.popitem(last=False)[1].close()
            self._recordings.move_to_end(index)
            return self._recordings[index]

    def _look(self, place: _Place) -> None:
        if place.session is not None or place.error:
            return
        try:
            place.session = LabelSession(place.path)
        except BagError as error:
            place.error = str(error)
            return
        if not self._fixed:
            names = {segment.label for segment in place.session.segments}
            self._activities += sorted(names - set(self._activities))

    def _look_through(self) -> None:
        try:
            for place in self._places:
                if self._ended.is_set():
                    return
                with self._lock:
                    self._look(place)
        finally:
            self._looked.set()
        sessions = [place.session for place in self._places if place.session is not None]
        while not self._ended.is_set():
            sessions = [session for session in sessions if self._read_offer(session)]
            self._ended.wait(_AGAIN_S)

    def _read_offer(self, session: LabelSession) -> bool:
        """Read what a bag offers; says whether that can be. Where not the page says why."""
        try:
            if not self._ended.is_set():
                session.offer()
        except BagError:
            return False
        return True


def _progress(place: _Place) -> BagProgress:
    session = place.session
    if session is None:
        return BagProgress(place.path.name, str(place.path), place.error, '', 0, 0, 0, '', 0)
    segments = session.segments
    offered = () if segments else session.offered
    return BagProgress(
        name=session.name,
        path=str(place.path),
        error='',
        locked=session.locked,
        duration_s=session.duration_ns / 1e9,
        labelled_s=sum(segment.end_ns - segment.start_ns for segment in segments or offered) / 1e9,
        segments=len(segments),
        offers=session.offers,
        offered=len(offered),
    )
