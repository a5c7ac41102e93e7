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

"""Read UTD-MHAD as it is published: MATLAB files, three for each clip."""

from functools import partial
from pathlib import Path
import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.utd_mhad_clip import Clip
from xmodal_ros.errors import BagError

# In the order of the files' numbers, from 1; the names are those of the shared archives.
ACTIONS: Final = (
    *('swipe_left', 'swipe_right', 'wave', 'clap', 'throw', 'arm_cross', 'basketball_shoot'),
    *('draw_x', 'draw_circle_cw', 'draw_circle_ccw', 'draw_triangle', 'bowling', 'boxing'),
    *('baseball_swing', 'tennis_swing', 'arm_curl', 'tennis_serve', 'push', 'knock', 'catch'),
    *('pickup_throw', 'jog', 'walk', 'sit2stand', 'stand2sit', 'lunge', 'squat'),
)
_NAME: Final = re.compile(r'a(\d+)_s(\d+)_t(\d+)_(inertial|skeleton|depth)\.mat')
_KINDS: Final = ('inertial', 'skeleton', 'depth')
# What is in a file: the variable's name, and its shape with -1 for what differs.
_SHAPES: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    'inertial': ('d_iner', (-1, 6)),
    'skeleton': ('d_skel', (20, 3, -1)),
    'depth': ('d_depth', (-1, -1, -1)),
}
_Key = tuple[int, int, int]


def find_mat_files(folder: Path) -> dict[_Key, dict[str, Path]]:
    """Find the original files anywhere below ``folder``, by (action, subject, trial) and kind."""
    found: dict[_Key, dict[str, Path]] = {}
    for path in sorted(folder.rglob('*.mat')):
        if match := _NAME.fullmatch(path.name):
            key = int(match[1]), int(match[2]), int(match[3])
            found.setdefault(key, {})[match[4]] = path
    return found


def load_mat_clips(folder: Path, every: int) -> tuple[Clip, ...]:
    """Read the clips below ``folder``; of depth pictures every ``every``-th row and column.

    Only the inertial files are read now, the others when they are needed. Raises
    :class:`BagError` for a clip without one of its three files, for an unknown action, and for a
    file that holds something else.
    """
    clips = []
    for (action, subject, trial), files in sorted(find_mat_files(folder).items()):
        name = f'a{action}_s{subject}_t{trial}'
        if missing := [kind for kind in _KINDS if kind not in files]:
            raise BagError(
                f'{str(folder)!r} has {", ".join(files)} of {name}, but no '
                f'{name}_{missing[0]}.mat: unpack Inertial, Skeleton and Depth of UTD-MHAD into it'
            )
        if not 1 <= action <= len(ACTIONS):
            raise BagError(f'{files["inertial"]}: there is no action {action}, only 1 to 27')
        imu = _load(files['inertial'], 'inertial')
        clips.append(
            Clip(
                subject,
                trial,
                action,
                ACTIONS[action - 1],
                len(imu),
                partial(np.asarray, imu),
                partial(_skeleton, files['skeleton']),
                partial(_depth, files['depth'], every),
            )
        )
    return tuple(clips)


def _skeleton(file: Path) -> NDArray[np.float64]:
    return np.moveaxis(_load(file, 'skeleton'), -1, 0).astype(np.float64)


def _depth(file: Path, every: int) -> NDArray[np.uint16]:
    # Every n-th pixel rather than means: between a person and nothing (0) there is no distance.
    pictures = np.moveaxis(_load(file, 'depth'), -1, 0)[:, ::every, ::every]
    return np.ascontiguousarray(pictures.clip(0, 65_535).astype(np.uint16))


def _load(file: Path, kind: str) -> NDArray[Any]:
    name, shape = _SHAPES[kind]
    # Half a second to import, and every command imports this module.
    import scipy.io

    try:
        content: dict[str, Any] = scipy.io.loadmat(file)
        array = np.asarray(content[name])
    except KeyError:
        raise BagError(f'{str(file)!r} holds no variable {name}: is it of UTD-MHAD?') from None
    except Exception as error:
        # Of a damaged file SciPy's parser, and zlib below it, raise almost anything.
        raise BagError(
            f'{str(file)!r} is no MATLAB file that can be read ({error}): download it again'
        ) from error
    fits = array.ndim == len(shape) and all(
        wanted in (-1, size) for wanted, size in zip(shape, array.shape, strict=False)
    )
    if array.dtype.kind not in 'iuf' or not fits or not array.size:
        raise BagError(f'{str(file)!r}: {name} is {array.dtype} of shape {array.shape}')
    if array.dtype.kind == 'f' and not np.isfinite(array).all():
        raise BagError(f'{str(file)!r}: {name} holds values that are no numbers')
    return array
