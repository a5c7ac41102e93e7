"""One's own recording, made with whatever there was, as a bag: a table, a video, a sound file."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
import heapq
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.bag_making import BagPlan, make_bag, Record, SECOND_NS, SensorData
from xmodal_ros.bags.importers.imu_table import (
    ImuColumns,
    ImuTable,
    MOST_NS,
    read_imu_table,
    SINCE_1970_NS,
)
from xmodal_ros.bags.importers.messages import audio_info_record, audio_records, imu_record
from xmodal_ros.bags.importers.sound_file import read_sound
from xmodal_ros.bags.importers.video_file import look_into_video, video_records
from xmodal_ros.bags.label_file import read_label_file
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.modalities.sensor import Sensor

IMU: Final = Sensor('imu', 'imu', '/imu', 'imu_link')
CAMERA: Final = Sensor('camera', 'camera', '/camera/image/compressed', 'camera_link')
MICROPHONE: Final = Sensor('microphone', 'audio', '/audio', 'microphone_link')
# Thirty years: more than any clock is off, and stamps stay 64-bit nanoseconds.
_MOST_OFFSET_S: Final = 1e9


@dataclass(frozen=True)
class OwnFiles:
    """The files of one recording, each optional, and how they lie in time.

    ``start_ns`` is when the recording starts, in nanoseconds since 1970; None for the first time
    of the table where that counts from 1970, else 1 January 2000. Each offset, in seconds, is how
    much later its file starts; a table whose times count from 1970 is only moved by it.
    """

    imu: Path | None = None
    columns: ImuColumns = field(default_factory=ImuColumns)
    video: Path | None = None
    audio: Path | None = None
    labels: Path | None = None
    start_ns: int | None = None
    imu_offset_s: float = 0.0
    video_offset_s: float = 0.0
    audio_offset_s: float = 0.0
    video_height: int | None = None


@dataclass(frozen=True)
class OwnBag:
    """What was written: messages by sensor, labelled segments, and how long it lasts.

    ``repeated`` counts samples of the table with the time of the one before.
    """

    path: Path
    messages: dict[str, int]
    segments: tuple[Segment, ...]
    duration_s: float
    repeated: int


def import_own_files(files: OwnFiles, path: Path, subject: str, *, force: bool = False) -> OwnBag:
    """Write one recording to ``path``, whole or not at all.

    Raises :class:`ConfigurationError` when no sensor's file is given, or a time or offset that
    cannot be, and :class:`BagError` for a file that cannot be used, with what to do, and where
    something is at ``path`` already (without ``force``, or that is no bag).
    """
    if not (files.imu or files.video or files.audio):
        raise ConfigurationError("nothing to import: give '--imu', '--video' or '--audio'")
    _check_times(files)
    if path.exists() and not force:
        raise BagError(f'{str(path)!r} is there already: give --force to replace it')
    made = _Recording(files)
    sensors = tuple(
        sensor
        for sensor, file in (
            (IMU, files.imu),
            (CAMERA, files.video),
            (MICROPHONE, files.audio),
        )
        if file is not None
    )
    plan = BagPlan(
        path=path,
        importer='files 1',
        subject=subject,
        sensors=sensors,
        segments=len(made.segments),
        metadata={
            'files': ', '.join(
                file.name for file in (files.imu, files.video, files.audio) if file is not None
            )
        },
    )
    make_bag(plan, [SensorData(made.segments, made.records())], force=force)
    return OwnBag(
        path,
        {sensor.name: made.counts[sensor.topic] for sensor in sensors},
        made.segments,
        (made.last_ns - made.first_ns) / 1e9,
        made.table.repeated if made.table else 0,
    )


class _Recording:
    """The files, looked into; pictures are only decoded when they are written."""

    def __init__(self, files: OwnFiles) -> None:
        self._files = files
        self.table: ImuTable | None = None
        self._sound: tuple[int, NDArray[np.int16]] | None = None
        self.counts: Counter[str] = Counter()
        if files.imu is not None:
            self.table = read_imu_table(files.imu, files.columns)
        if files.audio is not None:
            self._sound = read_sound(files.audio)
        self._start_ns = self._find_start()
        spans = list(self._spans())
        self.first_ns = min(first for first, _ in spans)
        self.last_ns = max(last for _, last in spans)
        if self.first_ns <= 0:
            raise BagError(
                'the recording would start before 1970: correct --start and the offsets'
            )
        self.segments: tuple[Segment, ...] = ()
        if files.labels is not None:
            self.segments = read_label_file(files.labels, self._start_ns, self.last_ns)

    def records(self) -> Iterator[Record]:
        """Give all messages in order of time."""
        streams = [
            iter(stream())
            for stream, file in (
                (self._imu, self._files.imu),
                (self._video, self._files.video),
                (self._audio, self._files.audio),
            )
            if file is not None
        ]
        for record in heapq.merge(*streams, key=lambda record: record.stamp_ns):
            self.counts[record.topic] += 1
            yield record

    def _find_start(self) -> int:
        if self._files.start_ns is not None:
            return self._files.start_ns
        if self.table is not None and self.table.is_dated:
            return int(self.table.times_ns[0]) + _nanoseconds(self._files.imu_offset_s)
        return SINCE_1970_NS

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Give the first and the last moment of each file."""
        if self.table is not None:
            stamps = self._imu_stamps(self.table)
            yield int(stamps[0]), int(stamps[-1])
        if self._files.video is not None:
            facts = look_into_video(self._files.video)
            first_ns = self._start_ns + _nanoseconds(self._files.video_offset_s)
            yield first_ns, first_ns + round(facts.frames / facts.fps * SECOND_NS)
        if self._sound is not None:
            rate_hz, samples = self._sound
            first_ns = self._start_ns + _nanoseconds(self._files.audio_offset_s)
            yield first_ns, first_ns + len(samples) * SECOND_NS // rate_hz

    def _imu_stamps(self, table: ImuTable) -> NDArray[np.int64]:
        moved_ns = _nanoseconds(self._files.imu_offset_s)
        if not table.is_dated:
            moved_ns += self._start_ns - int(table.times_ns[0])
        moved: NDArray[np.int64] = table.times_ns + moved_ns
        return moved

    def _imu(self) -> Iterator[Record]:
        assert self.table is not None  # noqa: S101 - asked for where there is one
        rates = self.table.rate
        for row, stamp_ns in enumerate(self._imu_stamps(self.table).tolist()):
            rate = None if rates is None else rates[row]
            yield imu_record(IMU, stamp_ns, self.table.acceleration[row], rate)

    def _video(self) -> Iterator[Record]:
        assert self._files.video is not None  # noqa: S101 - asked for where there is one
        first_ns = self._start_ns + _nanoseconds(self._files.video_offset_s)
        return video_records(self._files.video, CAMERA, first_ns, self._files.video_height)

    def _audio(self) -> Iterator[Record]:
        assert self._sound is not None  # noqa: S101 - asked for where there is one
        rate_hz, samples = self._sound
        first_ns = self._start_ns + _nanoseconds(self._files.audio_offset_s)
        yield audio_info_record(MICROPHONE, first_ns, rate_hz, samples.shape[1])
        yield from audio_records(MICROPHONE, first_ns, samples, rate_hz)


def _check_times(files: OwnFiles) -> None:
    if files.start_ns is not None and not 0 <= files.start_ns <= MOST_NS:
        raise ConfigurationError('--start must lie between 1970 and 2116')
    for name in ('imu', 'video', 'audio'):
        offset_s = getattr(files, f'{name}_offset_s')
        if not abs(offset_s) <= _MOST_OFFSET_S:
            raise ConfigurationError(f'--{name}-offset {offset_s} is no number of seconds to use')


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
