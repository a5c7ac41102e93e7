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

"""Read the numpy archives that data sets are given as."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import BagError

# Many times what any of the data sets holds.
_LARGEST: Final = 1 << 32
# What damaged and hostile archives make zipfile and numpy raise.
_DAMAGE: Final = (
    *(OSError, ValueError, TypeError, BadZipFile, KeyError, EOFError, MemoryError),
    *(NotImplementedError, RuntimeError),
)


def load_arrays(file: Path, names: Sequence[str], missing: str) -> dict[str, NDArray[Any]]:
    """Give the arrays of an archive by name.

    Raises :class:`BagError` for a file that is not there, which says what is ``missing``, and for
    one that is no archive, lacks one of the arrays or claims to hold far more than any data set.
    Nothing is unpickled.
    """
    if not file.is_file():
        raise BagError(missing)
    try:
        with ZipFile(file) as content:
            size = sum(content.getinfo(f'{name}.npy').file_size for name in names)
        if size > _LARGEST:
            raise ValueError(f'these would be {size} bytes')
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except _DAMAGE as error:
        raise BagError(
            f'{str(file)!r} is no archive with the arrays {", ".join(names)}: {error}'
        ) from error


def check_fit(file: Path, *, fits: bool) -> None:
    """Raise :class:`BagError` unless the arrays of an archive fit each other."""
    if not fits:
        raise BagError(
            f'{str(file)!r} holds arrays that do not fit each other: take the archive as it was '
            'published'
        )


def split_lengths(
    file: Path, name: str, values: NDArray[Any], lengths: NDArray[Any]
) -> list[NDArray[Any]]:
    """Cut an array where each of its parts ends; BagError when the ``lengths`` do not add up."""
    whole = lengths.ndim == 1 and lengths.dtype.kind in 'iu' and len(lengths)
    if not whole or int(lengths.min()) < 0 or int(lengths.sum()) != len(values):
        raise BagError(
            f'{str(file)!r}: {name!r} holds {len(values)} rows, which are not those that its '
            'lengths name: take the archive as it was published'
        )
    return np.split(values, np.cumsum(lengths)[:-1])
