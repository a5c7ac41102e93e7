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

"""Read UTD-MHAD from two numpy archives that hold all clips one after the other."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.arrays import load_arrays
from xmodal_ros.bags.importers.utd_mhad_clip import Clip
from xmodal_ros.errors import BagError

IMU_FILE: Final = 'utd_mhad_imu_skel.npz'
DEPTH_FILE: Final = 'utd_mhad_depth_fullrate_60x80.npz'

# What an archive must hold: the kinds of numbers, and the shape after the first axis.
_Layout = Mapping[str, tuple[str, tuple[int, ...]]]
_IMU_LAYOUT: Final[_Layout] = {
    'imu': ('f', (6,)),
    'imu_len': ('iu', ()),
    'skel': ('f', (20, 3)),
    'skel_len': ('iu', ()),
    'action': ('iu', ()),
    'subject': ('iu', ()),
    'trial': ('iu', ()),
    'action_names': ('U', ()),
}
_DEPTH_LAYOUT: Final[_Layout] = {
    'depth': ('u', (60, 80)),
    'length': ('iu', ()),
    'key': ('iu', (3,)),
}
_DEPTH_STEP_MM: Final = 16


def load_archives(folder: Path) -> tuple[Clip, ...]:
    """Read the clips from the two archives in ``folder``.

    Raises :class:`BagError` that names the files and arrays expected when they are not there, or
    do not fit each other.
    """
    inertial = _load(folder / IMU_FILE, _IMU_LAYOUT)
    video = _load(folder / DEPTH_FILE, _DEPTH_LAYOUT)
    if not _belong_together(inertial, video):
        raise BagError(
            f'{IMU_FILE} and {DEPTH_FILE} in {str(folder)!r} do not belong together: their '
            'clips differ in number, order or length'
        )
    imu = np.split(inertial['imu'], np.cumsum(inertial['imu_len'])[:-1])
    skeleton = np.split(inertial['skel'], np.cumsum(inertial['skel_len'])[:-1])
    depth = np.split(video['depth'], np.cumsum(video['length'])[:-1])
    return tuple(
        Clip(
            int(subject),
            int(trial),
            int(action),
            str(inertial['action_names'][action - 1]),
            len(imu[index]),
            partial(np.asarray, imu[index]),
            partial(np.asarray, skeleton[index]),
            partial(_millimetres, depth[index]),
        )
        for index, (action, subject, trial) in enumerate(video['key'])
    )


def _millimetres(depth: NDArray[Any]) -> NDArray[np.uint16]:
    return depth.astype(np.uint16) * np.uint16(_DEPTH_STEP_MM)


def _load(file: Path, layout: _Layout) -> dict[str, NDArray[Any]]:
    missing = (
        f'{str(file.parent)!r} does not hold UTD-MHAD: expected {IMU_FILE} and {DEPTH_FILE} in '
        f'it, or the original .mat files; {file.name} is missing'
    )
    found = load_arrays(file, tuple(layout), missing)
    arrays = {name: np.atleast_1d(values) for name, values in found.items()}
    for name, (kinds, shape) in layout.items():
        array = arrays[name]
        if array.dtype.kind not in kinds or array.shape[1:] != shape or array.size == 0:
            raise BagError(
                f'{str(file)!r} is no UTD-MHAD archive: its {name!r} is {array.dtype} of shape '
                f'{array.shape}'
            )
    return arrays


def _belong_together(inertial: dict[str, NDArray[Any]], video: dict[str, NDArray[Any]]) -> bool:
    keys, names = video['key'], inertial['action_names']
    return (
        all(
            np.array_equal(inertial[name], keys[:, column])
            for column, name in enumerate(('action', 'subject', 'trial'))
        )
        and 1 <= keys[:, 0].min() <= keys[:, 0].max() <= len(names)
        and _lengths_fit(inertial['imu_len'], len(keys), len(inertial['imu']))
        and _lengths_fit(inertial['skel_len'], len(keys), len(inertial['skel']))
        and _lengths_fit(video['length'], len(keys), len(video['depth']))
    )


def _lengths_fit(lengths: NDArray[Any], clips: int, total: int) -> bool:
    return len(lengths) == clips and bool(lengths.min() > 0) and int(lengths.sum()) == total
