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

"""Frames of a robot that are fixed to each other, and the rotations between them."""

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
import difflib
import threading
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.streams.placement import as_matrix, Matrix, rotation_from_quaternion, UNTURNED
from xmodal_ros.streams.transforms import Transform

_NAMES_SHOWN: Final = 12
_MOST_FOUND: Final = 100


@dataclass(frozen=True, slots=True)
class _Link:
    parent: str
    rotation: Matrix


@dataclass(frozen=True, slots=True)
class _Ancestry:
    """A frame, its parent, that one's parent …, and those of them that go round in a circle."""

    frames: tuple[str, ...]
    circle: tuple[str, ...]


class FixedFrames:
    """Collect static transforms and chain their rotations; several threads may do so at once.

    A child frame has one parent: what was said last counts, but of publishers who contradict
    each other, those whose transforms are latched. ``ignored`` counts what could not be used,
    ``complaint`` is the last such thing in words. Leading slashes of names mean nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latched: dict[str, _Link] = {}
        self._passing: dict[str, _Link] = {}
        self._links: Mapping[str, _Link] = ChainMap(self._latched, self._passing)
        # Asked for with every message of an IMU, found anew only after something has changed.
        self._found: dict[tuple[str, str], Matrix | None] = {}
        self.ignored = 0
        self.complaint = ''

    def add(self, transforms: Iterable[Transform], *, latched: bool = True) -> None:
        """Take transforms; one that names no two frames or holds no rotation is ignored."""
        for transform in transforms:
            try:
                child, link = _read(transform)
            except ConfigurationError as error:
                self.ignore(str(error))
                continue
            with self._lock:
                links = self._latched if latched else self._passing
                if links.get(child) != link:
                    links[child] = link
                    self._found.clear()

    def ignore(self, complaint: str) -> None:
        """Count something that could not be used."""
        with self._lock:
            self.ignored += 1
            self.complaint = complaint

    def rotation(self, target_frame: str, source_frame: str) -> Matrix | None:
        """Give the matrix (3, 3) that maps vectors of ``source_frame`` to ``target_frame``.

        None when no chain of static transforms, up or down, joins the two. From a frame to
        itself it is the identity, whether it is known or not.
        """
        key = target_frame, source_frame
        with self._lock:
            if key not in self._found:
                # Messages may come with ever new frames.
                if len(self._found) >= _MOST_FOUND:
                    self._found.clear()
                self._found[key] = self._find(target_frame.lstrip('/'), source_frame.lstrip('/'))
            return self._found[key]

    def problem(self, target_frame: str, source_frame: str) -> str:
        """Say in words why there is no rotation between two frames; '' where there is one."""
        if self.rotation(target_frame, source_frame) is not None:
            return ''
        with self._lock:
            text = self._explain(target_frame.lstrip('/'), source_frame.lstrip('/'))
            if self.ignored:
                text += f' ({self.ignored} ignored, the last because {self.complaint})'
        return text

    def _find(self, target: str, source: str) -> Matrix | None:
        if target == source:
            return UNTURNED
        path = _path(self._ancestry(source), self._ancestry(target))
        if path is None:
            return None
        up, down = ([self._links[frame].rotation for frame in frames] for frames in path)
        return as_matrix((_product(down).T @ _product(up)).tolist())

    def _explain(self, target: str, source: str) -> str:
        known = sorted({*self._links, *(link.parent for link in self._links.values())})
        if not known:
            return 'no static transform has come'
        for frame in (source, target):
            if frame not in known:
                return _unknown(frame, known)
        ancestries = self._ancestry(source), self._ancestry(target)
        for ancestry in ancestries:
            if ancestry.circle:
                circle = ' -> '.join((*ancestry.circle, ancestry.circle[0]))
                return (
                    f'the static transforms from {ancestry.frames[0]!r} up go round in a circle '
                    f'({circle}): correct the one that names the wrong parent'
                )
        fixed = [
            _listed(
                frame
                for frame in known
                if frame != ancestry.frames[0]
                and self._ancestry(frame).frames[-1] == ancestry.frames[-1]
            )
            for ancestry in ancestries
        ]
        return (
            f'no static transforms join {source!r} and {target!r}: one is missing, or a joint '
            f'between them moves; {source!r} is fixed to {fixed[0]}, {target!r} to {fixed[1]}'
        )

    def _ancestry(self, frame: str) -> _Ancestry:
        # A dictionary keeps the order and finds a name at once.
        seen = {frame: 0}
        while (link := self._links.get(frame)) is not None:
            frame = link.parent
            if frame in seen:
                names = tuple(seen)
                return _Ancestry(names, names[seen[frame] :])
            seen[frame] = len(seen)
        return _Ancestry(tuple(seen), ())


def _read(transform: Transform) -> tuple[str, _Link]:
    parent, child = transform.parent.lstrip('/'), transform.child.lstrip('/')
    if not parent or not child or parent == child:
        raise ConfigurationError(
            f'a transform from {parent!r} to {child!r} does not name two frames'
        )
    try:
        x, y, z, w = transform.quaternion
        return child, _Link(parent, rotation_from_quaternion(x, y, z, w))
    except ConfigurationError as error:
        raise ConfigurationError(
            f'of the transform from {parent!r} to {child!r} {error}'
        ) from None


def _path(source: _Ancestry, target: _Ancestry) -> tuple[Sequence[str], Sequence[str]] | None:
    """Give the frames whose links lead from the source and from the target to where they meet."""
    ways_up = {frame: index for index, frame in enumerate(target.frames)}
    for index, frame in enumerate(source.frames):
        if frame in ways_up:
            path = source.frames[:index], target.frames[: ways_up[frame]]
            # Within a circle there are two ways, which need not agree.
            return None if {*source.circle, *target.circle} & {*path[0], *path[1]} else path
    return None


def _product(rotations: Sequence[Matrix]) -> NDArray[Any]:
    product = np.array(UNTURNED)
    for rotation in rotations:
        product = np.array(rotation) @ product
    return product


def _unknown(frame: str, known: Sequence[str]) -> str:
    if not frame:
        return "one of the two frames has no name: make the sensor's driver set header.frame_id"
    close = difflib.get_close_matches(frame, known, n=1, cutoff=0.5)
    return (
        f'no static transform names the frame {frame!r}'
        + (f'; closest is {close[0]!r}' if close else '')
        + f'; known are {_listed(known)}'
    )


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = len(names) - _NAMES_SHOWN
    listed = ', '.join(repr(name) for name in names[:_NAMES_SHOWN]) or 'no other frame'
    return listed + (f' and {more} more' if more > 0 else '')
