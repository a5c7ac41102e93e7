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

"""Turn UTD-MHAD, 27 actions of 8 subjects, into one bag a subject.

Chen, Jafari, Kehtarnavaz, "UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing
a Depth Camera and a Wearable Inertial Sensor", ICIP 2015.

The clips carry no time stamps and their nominal rates cannot both hold, so the IMU is taken at
50 Hz, which gives the clip's duration, and depth frames and skeletons are spread evenly over it.
"""

from collections.abc import Collection, Iterator, Sequence
import heapq
from pathlib import Path
from typing import Final

import numpy as np

from xmodal_ros.bags.importers.bag_making import (
    BagPlan,
    chosen,
    DAY_NS,
    ImportedBag,
    make_bag,
    schedule,
    SECOND_NS,
    SensorData,
    STANDARD_GRAVITY,
)
from xmodal_ros.bags.importers.messages import image_record, imu_record, skeleton_record
from xmodal_ros.bags.importers.utd_mhad_archives import load_archives
from xmodal_ros.bags.importers.utd_mhad_clip import Clip, IMU_STEP_NS
from xmodal_ros.bags.importers.utd_mhad_mat import find_mat_files, load_mat_clips
from xmodal_ros.bags.segment import Segment
from xmodal_ros.modalities.file import Record
from xmodal_ros.modalities.sensor import Sensor

IMU: Final = Sensor('imu', 'imu', '/imu/data', 'imu_link')
CAMERA: Final = Sensor('camera', 'camera', '/camera/depth/image_raw', 'camera_link')
SKELETON: Final = Sensor('skeleton', 'skeleton', '/skeleton', 'camera_link')
DEPTH_EVERY: Final = 4

# The recordings' own dates are lost; one day apart, the subjects cannot be confused.
_EPOCH_NS: Final = 1_420_070_400 * SECOND_NS
_IMPORTER: Final = 'utd-mhad 2'
_METADATA: Final = {
    'dataset': 'UTD-MHAD',
    'citation': 'C. Chen, R. Jafari, N. Kehtarnavaz: UTD-MHAD: A Multimodal Dataset for Human '
    'Action Recognition Utilizing a Depth Camera and a Wearable Inertial Sensor. ICIP 2015',
}


def load_clips(folder: Path, depth_every: int = DEPTH_EVERY) -> tuple[Clip, ...]:
    """Read the clips in ``folder``: original .mat files if there are any, else the archives.

    Of the originals' depth pictures (240x320) every ``depth_every``-th row and column is taken.
    Raises :class:`BagError` that says what is expected.
    """
    if find_mat_files(folder):
        return load_mat_clips(folder, depth_every)
    return load_archives(folder)


def import_subject(
    clips: Sequence[Clip], subject: int, out: Path, *, force: bool = False
) -> ImportedBag:
    """Write the clips of one subject to ``out/utd_mhad_s<subject>``, by trial and action.

    A bag of an earlier import that is complete is kept unless ``force``.
    Raises :class:`BagError` when another bag or anything else is in the way.
    """
    own = sorted(
        (clip for clip in clips if clip.subject == subject),
        key=lambda clip: (clip.trial, clip.action),
    )
    segments = schedule(
        _EPOCH_NS + subject * DAY_NS, ((clip.duration_ns, clip.label) for clip in own)
    )
    plan = BagPlan(
        path=out / f'utd_mhad_s{subject}',
        importer=_IMPORTER,
        subject=str(subject),
        sensors=(IMU, CAMERA, SKELETON),
        segments=len(own),
        metadata=_METADATA,
    )
    parts = (
        SensorData([segment], _records(clip, segment))
        for clip, segment in zip(own, segments, strict=True)
    )
    return make_bag(plan, parts, force=force)


def choose_subjects(clips: Sequence[Clip], subjects: Collection[int]) -> tuple[int, ...]:
    """Give ``subjects`` in order, or all when there are none; BagError for an unknown one."""
    return chosen(subjects, (clip.subject for clip in clips), 'UTD-MHAD has no subject')


def _records(clip: Clip, segment: Segment) -> Iterator[Record]:
    return heapq.merge(
        _imu_records(clip, segment.start_ns),
        _depth_records(clip, segment.start_ns),
        _skeleton_records(clip, segment.start_ns),
        key=lambda record: record.stamp_ns,
    )


def _imu_records(clip: Clip, start_ns: int) -> Iterator[Record]:
    values = clip.imu().astype(np.float64)
    acceleration = values[:, :3] * STANDARD_GRAVITY
    rotation = np.deg2rad(values[:, 3:])
    for index in range(len(values)):
        stamp_ns = start_ns + index * IMU_STEP_NS
        yield imu_record(IMU, stamp_ns, acceleration[index], rotation[index])


def _depth_records(clip: Clip, start_ns: int) -> Iterator[Record]:
    pictures = clip.depth()
    for index, picture in enumerate(pictures):
        yield image_record(CAMERA, start_ns + index * clip.duration_ns // len(pictures), picture)


def _skeleton_records(clip: Clip, start_ns: int) -> Iterator[Record]:
    skeletons = clip.skeleton()
    for index, joints in enumerate(skeletons):
        yield skeleton_record(
            SKELETON, start_ns + index * clip.duration_ns // len(skeletons), joints
        )
