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

"""Windows that are slices of streams index as the array does that they stand for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest

from xmodal_ros.data.window_array import choose, InMemoryStream, join, LazyWindows, MappedStream
from xmodal_ros.errors import TrainingError

STEPS = 3
FIRST = np.arange(16, dtype=np.float32).reshape(8, 2)
SECOND = -np.arange(10, dtype=np.float32).reshape(5, 2)
STREAM_OF, FIRSTS = np.array([0, 0, 1, 0]), np.array([0, 4, 2, 5])
GATHERED = np.stack([FIRST[0:3], FIRST[4:7], SECOND[2:5], FIRST[5:8]])


@pytest.fixture
def windows() -> LazyWindows:
    return LazyWindows([InMemoryStream(FIRST), InMemoryStream(SECOND)], STREAM_OF, FIRSTS, STEPS)


@pytest.mark.parametrize(
    'key',
    [
        1,
        np.int64(-1),
        slice(1, None),
        slice(None, None, -2),
        [2, 0, 2],
        np.array([True, False, False, True]),
        [],
        (2, slice(None), 0),
        (-1, 1),
        (slice(None), -1),
        ([3, 1], slice(0, 2), 1),
    ],
    ids=str,
)
def test_they_index_as_the_array_does(windows: LazyWindows, key: Any) -> None:
    found = windows[key]
    assert found.dtype == GATHERED.dtype
    np.testing.assert_array_equal(found, GATHERED[key])


@pytest.mark.parametrize('key', [4, -5, [0, 4]], ids=str)
def test_a_window_that_is_not_there_is_an_error_as_of_an_array(
    windows: LazyWindows, key: Any
) -> None:
    with pytest.raises(IndexError):
        windows[key]


def test_what_comes_of_them_are_copies(windows: LazyWindows) -> None:
    for window in (windows[0], next(iter(windows)), np.asarray(windows)[0]):
        window[:] = 99
    np.testing.assert_array_equal(np.asarray(windows), GATHERED)
    np.testing.assert_array_equal(np.stack(list(windows)), GATHERED)
    assert (windows.ndim, windows.shape, len(windows)) == (3, GATHERED.shape, 4)
    assert np.asarray(windows, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match='copies'):
        np.array(windows, copy=False)


def test_what_is_chosen_and_joined_is_gathered_last(windows: LazyWindows) -> None:
    both = join([choose(windows, [3, 0]), windows])
    assert isinstance(both, LazyWindows)
    assert both.stream_count == 4
    np.testing.assert_array_equal(np.asarray(both), np.concatenate([GATHERED[[3, 0]], GATHERED]))
    mixed = join([windows, GATHERED[:1]])
    assert isinstance(mixed, np.ndarray)
    np.testing.assert_array_equal(mixed, np.concatenate([GATHERED, GATHERED[:1]]))


def test_streams_without_a_sample_do_not_widen_the_numbers() -> None:
    grey = InMemoryStream(np.zeros((4, 2), np.uint8))
    empty = InMemoryStream(np.zeros((0, 2), np.float32))
    assert LazyWindows([empty, grey], np.array([1]), np.array([0]), STEPS).dtype == np.uint8
    nothing = np.zeros(0, np.int64)
    assert LazyWindows([empty], nothing, nothing, STEPS).shape == (0, STEPS, 2)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


@pytest.mark.parametrize('harm', [Path.unlink, cut_short])
def test_a_file_that_is_gone_or_cut_short_is_told_with_what_to_do(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    def mapped(shape: tuple[int, ...]) -> NDArray[Any]:
        return MappedStream(tmp_path / 'stream', shape, FIRST.dtype).array()

    (tmp_path / 'stream').write_bytes(FIRST.tobytes())
    np.testing.assert_array_equal(mapped(FIRST.shape), FIRST)
    assert mapped((0, 2)).shape == (0, 2)
    harm(tmp_path / 'stream')
    with pytest.raises(TrainingError, match=r'gone or damaged .* Start again'):
        MappedStream(tmp_path / 'stream', FIRST.shape, FIRST.dtype, written_ns=1).array()
