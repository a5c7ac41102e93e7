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

"""Windows as slices of streams: gathered when they are asked for, wherever the streams lie."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import TrainingError

# An array (N, steps, ...), or WindowValues, which index alike; what either gives is an array. Code
# that assigns to windows has an array before it, which is why this is no union.
WindowArray = Any

# Every mapped file holds a file descriptor, of which a process has 1024 as a rule, while a data
# set may have any number of recordings.
_MOST_MAPPED: Final = 256


class Stream(Protocol):
    """Samples (K, ...) of one sensor on the grid of its windows."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (K, ...) of all samples."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """What a sample is made of."""

    def array(self) -> NDArray[Any]:
        """Give the samples without copying them."""


@dataclass(frozen=True, eq=False)
class InMemoryStream:
    """A stream in memory."""

    values: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (K, ...) of all samples."""
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """What a sample is made of."""
        return self.values.dtype

    def array(self) -> NDArray[Any]:
        """Give the samples."""
        return self.values


@dataclass(frozen=True)
class MappedStream:
    """A stream in a file of plain numbers, mapped into memory while it is in use.

    ``written_ns`` is when the file was: one that takes its place is another stream.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    written_ns: int = 0

    def array(self) -> NDArray[Any]:
        """Map the file; raises :class:`TrainingError` when it has gone."""
        return _map(self)


@lru_cache(maxsize=_MOST_MAPPED)
def _map(stream: MappedStream) -> NDArray[Any]:
    if 0 in stream.shape:
        return np.zeros(stream.shape, stream.dtype)
    try:
        # The plain array over it slices ten times as fast as numpy's class for mapped ones.
        return np.asarray(np.memmap(stream.path, stream.dtype, 'r', shape=stream.shape))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f'{stream.path} of the cache is gone or damaged ({error}): was the cache cleared '
            'while it was in use? Start again'
        ) from error


class LazyWindows:
    """Windows (N, steps, ...) that look like an array and are slices of streams.

    Window ``i`` is ``steps`` samples of ``streams[stream_of[i]]`` from ``firsts[i]`` on. Indexing
    gathers what it names into memory: rows by number, slice, list or array, then as numpy does.
    ``select`` names windows without gathering them.
    """

    def __init__(
        self,
        streams: Sequence[Stream],
        stream_of: NDArray[np.int64],
        firsts: NDArray[np.int64],
        steps: int,
    ) -> None:
        self._streams = tuple(streams)
        self._stream_of = stream_of
        self._firsts = firsts
        # Streams without a window must not widen the others' numbers.
        filled = [stream for stream in streams if stream.shape[0]] or list(streams[:1])
        self.dtype: np.dtype[Any] = np.result_type(*{stream.dtype for stream in filled})
        self.shape: tuple[int, ...] = (len(firsts), steps, *filled[0].shape[1:])

    @property
    def ndim(self) -> int:
        """How many axes the windows have together."""
        return len(self.shape)

    @property
    def stream_count(self) -> int:
        """How many streams they are slices of."""
        return len(self._streams)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        if isinstance(key, tuple):
            rows, *rest = key
            if isinstance(rows, int | np.integer):
                value: NDArray[Any] = self[rows][tuple(rest)]
                return value
            return self[rows][(slice(None), *rest)]
        if isinstance(key, int | np.integer):
            return self._window(range(len(self))[int(key)])
        return self._gather(np.arange(len(self))[key])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self._window(row) for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError('windows are gathered, which copies them')
        gathered = self._gather(np.arange(len(self)))
        return gathered if dtype is None else gathered.astype(dtype, copy=False)

    def select(self, rows: Sequence[int] | NDArray[np.int64]) -> 'LazyWindows':
        """Give the windows of these rows, not gathered yet."""
        chosen = np.asarray(rows, dtype=np.int64)
        return LazyWindows(
            self._streams, self._stream_of[chosen], self._firsts[chosen], self.shape[1]
        )

    def over(self, change: Callable[[Stream, NDArray[np.bool_]], Stream]) -> 'LazyWindows':
        """Give the same windows of other streams, with as many samples.

        ``change`` makes each of a stream and of which of its samples (K,) windows hold.
        """
        held = [np.zeros(stream.shape[0], np.bool_) for stream in self._streams]
        for stream, first in zip(self._stream_of.tolist(), self._firsts.tolist(), strict=True):
            held[stream][first : first + self.shape[1]] = True
        streams = [change(*each) for each in zip(self._streams, held, strict=True)]
        return LazyWindows(streams, self._stream_of, self._firsts, self.shape[1])

    @staticmethod
    def join(parts: Sequence['LazyWindows']) -> 'LazyWindows':
        """Put windows after each other; all have the same number of steps."""
        streams: list[Stream] = []
        stream_of: list[NDArray[np.int64]] = []
        for part in parts:
            stream_of.append(part._stream_of + len(streams))  # noqa: SLF001 - of this class
            streams += part._streams  # noqa: SLF001
        firsts = np.concatenate([part._firsts for part in parts])  # noqa: SLF001
        return LazyWindows(streams, np.concatenate(stream_of), firsts, parts[0].shape[1])

    def _window(self, row: int) -> NDArray[Any]:
        first = int(self._firsts[row])
        window = self._streams[int(self._stream_of[row])].array()[first : first + self.shape[1]]
        return window.astype(self.dtype)

    def _gather(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        gathered = np.empty((len(rows), *self.shape[1:]), self.dtype)
        chosen = zip(self._stream_of[rows].tolist(), self._firsts[rows].tolist(), strict=True)
        for at, (stream, first) in enumerate(chosen):
            gathered[at] = self._streams[stream].array()[first : first + self.shape[1]]
        return gathered


def choose(values: WindowArray, rows: Sequence[int] | NDArray[np.int64]) -> WindowArray:
    """Give the windows of these rows; those in streams stay there."""
    return values.select(rows) if isinstance(values, LazyWindows) else values[list(rows)]


def join(parts: Sequence[WindowArray]) -> WindowArray:
    """Put windows (N, steps, ...) of several recordings after each other."""
    lazy = [part for part in parts if isinstance(part, LazyWindows)]
    if len(lazy) == len(parts):
        return LazyWindows.join(lazy)
    # Recordings without a window must not widen the others' numbers to float32.
    return np.concatenate([np.asarray(part) for part in parts if len(part)] or list(parts))
