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

"""Make archives laid out as those of UTD-MHAD, with a few short clips."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import scipy.io

from xmodal_ros.bags.importers.utd_mhad_archives import DEPTH_FILE, IMU_FILE

ACTION_NAMES = ('swipe_left', 'wave', 'clap')
# (action, subject, trial, IMU samples, depth frames), by action as in the originals.
CLIPS = (
    (1, 1, 1, 110, 41),
    (1, 1, 2, 155, 60),
    (1, 2, 1, 107, 43),
    (2, 1, 1, 120, 50),
    (2, 2, 1, 130, 47),
    (3, 1, 1, 326, 125),
)


def write_archives(folder: Path) -> Path:
    random = np.random.default_rng(1)
    imu_lengths = [clip[3] for clip in CLIPS]
    depth_lengths = [clip[4] for clip in CLIPS]
    imu = random.normal(0, 1, (sum(imu_lengths), 6)).astype(np.float32)
    imu[:, 3:] *= 100
    keys = np.array([clip[:3] for clip in CLIPS], np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    save(
        folder / IMU_FILE,
        imu=imu,
        skel=random.normal((0, 0, 2.9), 0.5, (sum(depth_lengths), 20, 3)).astype(np.float32),
        imu_len=np.array(imu_lengths, np.int32),
        skel_len=np.array(depth_lengths, np.int32),
        action=keys[:, 0],
        subject=keys[:, 1],
        trial=keys[:, 2],
        action_names=np.array(ACTION_NAMES),
    )
    save(
        folder / DEPTH_FILE,
        depth=random.integers(0, 256, (sum(depth_lengths), 60, 80)).astype(np.uint8),
        length=np.array(depth_lengths, np.int32),
        key=keys,
    )
    return folder


def write_mat_files(archives: Path, folder: Path) -> Path:
    """Write subject 2's clips as the originals are published: depth 4 times as fine."""
    with np.load(archives / IMU_FILE) as inertial, np.load(archives / DEPTH_FILE) as video:
        imu = np.split(inertial['imu'], np.cumsum(inertial['imu_len'])[:-1])
        skeleton = np.split(inertial['skel'], np.cumsum(inertial['skel_len'])[:-1])
        depth = np.split(video['depth'], np.cumsum(video['length'])[:-1])
    for index, (action, subject, trial, *_) in enumerate(CLIPS):
        if subject != 2:
            continue
        millimetres = depth[index].astype(np.uint16) * 16
        for kind, name, array in (
            ('Inertial', 'd_iner', imu[index].astype(np.float64)),
            ('Skeleton', 'd_skel', np.moveaxis(skeleton[index], 0, -1).astype(np.float64)),
            ('Depth', 'd_depth', np.moveaxis(millimetres.repeat(4, 1).repeat(4, 2), 0, -1)),
        ):
            place = folder / kind / f'a{action}_s{subject}_t{trial}_{kind.lower()}.mat'
            place.parent.mkdir(parents=True, exist_ok=True)
            scipy.io.savemat(place, {name: array}, do_compression=True)
    return folder


def change(file: Path, **arrays: NDArray[np.generic] | None) -> None:
    """Replace arrays of an archive, or leave those out that are None."""
    with np.load(file) as archive:
        content = {name: archive[name] for name in archive.files} | arrays
    save(file, **{name: array for name, array in content.items() if array is not None})


def save(file: Path, **arrays: Any) -> None:  # NumPy 1.26 and 2 differ in what else savez takes
    with file.open('wb') as stream:
        np.savez(stream, **arrays)
