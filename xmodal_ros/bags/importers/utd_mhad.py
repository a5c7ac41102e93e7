"""Turn UTD-MHAD, 27 actions of 8 subjects, into one bag a subject.

Chen, Jafari, Kehtarnavaz, "UTD-MHAD: A Multimodal Dataset for Human Action Recognition Utilizing
a Depth Camera and a Wearable Inertial Sensor", ICIP 2015. It is read from two numpy archives that
hold all clips one after the other: inertial data with the clips' keys, and depth frames.

The clips carry no time stamps and their nominal rates cannot both hold, so the IMU is taken at
50 Hz, which gives the clip's duration, and the depth frames are spread evenly over it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
import heapq
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.labels import read_segments, write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.opening import is_recording
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.replacing import set_aside
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError
from xmodal_ros.sensors import Sensor

IMU_FILE: Final = 'utd_mhad_imu_skel.npz'
DEPTH_FILE: Final = 'utd_mhad_depth_fullrate_60x80.npz'
IMU: Final = Sensor('imu', 'imu', '/imu', 'imu_link')
CAMERA: Final = Sensor('camera', 'camera', '/camera/depth/image_raw', 'camera_link')

# What an archive must hold: the kinds of numbers, and the shape after the first axis.
_Layout = Mapping[str, tuple[str, tuple[int, ...]]]
_IMU_LAYOUT: Final[_Layout] = {
    'imu': ('f', (6,)),
    'imu_len': ('iu', ()),
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
_STANDARD_GRAVITY: Final = 9.80665
_DEPTH_STEP_MM: Final = 16
_SECOND_NS: Final = 1_000_000_000
_IMU_STEP_NS: Final = _SECOND_NS // 50
# Longer than any window, so that no window holds two clips.
_GAP_NS: Final = 4 * _SECOND_NS
# The recordings' own dates are lost; one day apart, the subjects cannot be confused.
_EPOCH_NS: Final = 1_420_070_400 * _SECOND_NS
_DAY_NS: Final = 86_400 * _SECOND_NS
_METADATA: Final = {
    'dataset': 'UTD-MHAD',
    'importer': 'utd-mhad 1',
    'citation': 'C. Chen, R. Jafari, N. Kehtarnavaz: UTD-MHAD: A Multimodal Dataset for Human '
    'Action Recognition Utilizing a Depth Camera and a Wearable Inertial Sensor. ICIP 2015',
}


@dataclass(frozen=True, eq=False)
class Clip:
    """One action done once: ``imu`` (T, 6) in g and degrees/s, ``depth`` (F, H, W) in 16 mm."""

    subject: int
    trial: int
    action: int
    label: str
    imu: NDArray[Any]
    depth: NDArray[Any]

    @property
    def duration_ns(self) -> int:
        """How long the clip lasts: as long as its IMU samples at 50 Hz."""
        return len(self.imu) * _IMU_STEP_NS


@dataclass(frozen=True)
class ImportedBag:
    """One subject's bag; ``kept`` when it was there already."""

    path: Path
    subject: str
    clips: int
    kept: bool


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
    path = out / f'utd_mhad_s{subject}'
    kept = _make_room(path, len(own), force=force)
    if not kept:
        with (
            set_aside(path),
            BagWriter(
                path, sensors=(IMU, CAMERA), subject=str(subject), metadata=_METADATA
            ) as writer,
        ):
            for clip, segment in zip(own, schedule(own), strict=True):
                _write_clip(writer, clip, segment)
    return ImportedBag(path, str(subject), len(own), kept)


def choose_subjects(clips: Sequence[Clip], subjects: Collection[int]) -> tuple[int, ...]:
    """Give ``subjects`` in order, or all when there are none; BagError for an unknown one."""
    known = sorted({clip.subject for clip in clips})
    if unknown := set(subjects) - set(known):
        raise BagError(
            f'UTD-MHAD has no subject {", ".join(map(str, sorted(unknown)))}; it has '
            f'{", ".join(map(str, known))}'
        )
    return tuple(sorted(set(subjects))) or tuple(known)


def load_clips(folder: Path) -> tuple[Clip, ...]:
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
    depth = np.split(video['depth'], np.cumsum(video['length'])[:-1])
    return tuple(
        Clip(
            int(subject),
            int(trial),
            int(action),
            str(inertial['action_names'][action - 1]),
            imu[index],
            depth[index],
        )
        for index, (action, subject, trial) in enumerate(video['key'])
    )


def _load(file: Path, layout: _Layout) -> dict[str, NDArray[Any]]:
    if not file.is_file():
        raise BagError(
            f'{str(file.parent)!r} does not hold UTD-MHAD: expected {IMU_FILE} and {DEPTH_FILE} '
            f'in it, {file.name} is missing'
        )
    try:
        with np.load(file) as archive:
            arrays = {name: np.atleast_1d(archive[name]) for name in layout}
    except (OSError, ValueError, TypeError, BadZipFile, KeyError, EOFError) as error:
        raise BagError(
            f'{str(file)!r} is no UTD-MHAD archive with the arrays {", ".join(layout)}: {error}'
        ) from error
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
        and _lengths_fit(video['length'], len(keys), len(video['depth']))
    )


def _lengths_fit(lengths: NDArray[Any], clips: int, total: int) -> bool:
    return len(lengths) == clips and bool(lengths.min() > 0) and int(lengths.sum()) == total


def _make_room(path: Path, clips: int, *, force: bool) -> bool:
    """Say whether the bag at ``path`` can be kept; BagError when it may not be made anew."""
    if not path.exists():
        return False
    if force:
        if not is_recording(path):
            raise BagError(f'{str(path)!r} is no bag and is not removed: choose another folder')
        return False
    try:
        with BagReader(path) as reader:
            made_by = reader.metadata.get('importer')
            complete = made_by == _METADATA['importer'] and len(read_segments(reader)) == clips
    except BagError:
        complete = False
    if not complete:
        raise BagError(
            f'{str(path)!r} is there but is not this import of its subject: give --force to '
            'replace it, or another folder'
        )
    return True


def schedule(clips: Sequence[Clip]) -> tuple[Segment, ...]:
    """Place one subject's clips in time, with gaps longer than a window between them.

    Clips start on whole seconds, where windows of every usual hop start too.
    """
    segments: list[Segment] = []
    for clip in clips:
        start_ns = _EPOCH_NS + clip.subject * _DAY_NS
        if segments:
            start_ns = -(-(segments[-1].end_ns + _GAP_NS) // _SECOND_NS) * _SECOND_NS
        segments.append(Segment(start_ns, start_ns + clip.duration_ns, clip.label))
    return tuple(segments)


def _write_clip(writer: BagWriter, clip: Clip, segment: Segment) -> None:
    write_segments(writer, [segment])
    messages = heapq.merge(
        _imu_messages(clip, segment.start_ns),
        _depth_messages(clip, segment.start_ns),
        key=lambda item: item[0],
    )
    for stamp_ns, topic, message in messages:
        writer.write_message(topic, message, stamp_ns)


def _imu_messages(clip: Clip, start_ns: int) -> Iterator[tuple[int, str, object]]:
    types: dict[str, Any] = TYPESTORE.types
    vector = types['geometry_msgs/msg/Vector3']
    values = clip.imu.astype(np.float64)
    acceleration = (values[:, :3] * _STANDARD_GRAVITY).tolist()
    rotation = np.deg2rad(values[:, 3:]).tolist()
    unknown = np.zeros(9)
    # REP 145: -1 says that there is no orientation.
    not_measured = np.array([-1.0, *np.zeros(8)])
    for index in range(len(values)):
        stamp_ns = start_ns + index * _IMU_STEP_NS
        message = types['sensor_msgs/msg/Imu'](
            header=_header(stamp_ns, IMU.frame),
            orientation=types['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0),
            orientation_covariance=not_measured,
            angular_velocity=vector(*rotation[index]),
            angular_velocity_covariance=unknown,
            linear_acceleration=vector(*acceleration[index]),
            linear_acceleration_covariance=unknown,
        )
        yield stamp_ns, IMU.topic, message


def _depth_messages(clip: Clip, start_ns: int) -> Iterator[tuple[int, str, object]]:
    types: dict[str, Any] = TYPESTORE.types
    count, height, width = clip.depth.shape
    for index, frame in enumerate(clip.depth):
        stamp_ns = start_ns + index * clip.duration_ns // count
        millimetres = frame.astype('<u2') * np.uint16(_DEPTH_STEP_MM)
        message = types['sensor_msgs/msg/Image'](
            header=_header(stamp_ns, CAMERA.frame),
            height=height,
            width=width,
            encoding='16UC1',
            is_bigendian=0,
            step=2 * width,
            data=np.frombuffer(millimetres.astype('<u2').tobytes(), np.uint8),
        )
        yield stamp_ns, CAMERA.topic, message


def _header(stamp_ns: int, frame_id: str) -> object:
    types: dict[str, Any] = TYPESTORE.types
    seconds, nanoseconds = divmod(stamp_ns, _SECOND_NS)
    stamp = types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
    return types['std_msgs/msg/Header'](stamp=stamp, frame_id=frame_id)
