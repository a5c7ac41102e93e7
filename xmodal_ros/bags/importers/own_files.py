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

"""One's own recording, made with whatever there was, as a bag: a table, a video, a sound file."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
import heapq
from pathlib import Path
from typing import Any, Final

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.importers.bag_making import BagPlan, make_bag, SensorData
from xmodal_ros.bags.label_file import read_label_file
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError, UsageError
from xmodal_ros.modalities.file import Record, SensorFile
from xmodal_ros.modalities.imu.table import ImuColumns
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.table import MOST_NS, SINCE_1970_NS
from xmodal_ros.paths import is_there

IMU: Final = Sensor('imu', 'imu', '/imu/data', 'imu_link')
CAMERA: Final = Sensor('camera', 'camera', '/camera/image_raw/compressed', 'camera_link')
MICROPHONE: Final = Sensor('microphone', 'audio', '/audio', 'microphone_link')
# So far off, labels are a nuisance to methods that pair in time.
_NOTED_S: Final = 0.05
# More kinds of things nobody has done in one recording: it is another column.
_MOST_ACTIVITIES: Final = 200
# Thirty years: more than any clock is off, and stamps stay 64-bit nanoseconds.
_MOST_OFFSET_S: Final = 1e9


@dataclass(frozen=True)
class OwnImu:
    """The table of an IMU, and how much later than the recording it starts, in seconds.

    The sensor of ``name`` wrist is imu_wrist, on the topic /imu_wrist; '' is for the only one.
    """

    path: Path
    columns: ImuColumns = field(default_factory=ImuColumns)
    offset_s: float = 0.0
    name: str = ''

    @property
    def sensor(self) -> Sensor:
        """What is recorded."""
        name = self.name
        return Sensor(f'imu_{name}', 'imu', f'/imu_{name}', f'{name}_link') if name else IMU


@dataclass(frozen=True)
class OwnFiles:
    """The files of one recording, each optional, and how they lie in time.

    ``start_ns`` is when the recording starts, in nanoseconds since 1970; None for the first time
    of the tables where that counts from 1970, else 1 January 2000. Each offset, in seconds, is how
    much later its file starts; a table whose times count from 1970 is only moved by it.
    ``video_fps`` is the rate of a video's pictures where it does not hold their times. ``others``
    are files by their modality, for those whose files can be read. Labels are those of a file,
    ``labels``, or of the column that one of the tables names; there names in ``no_activity`` stand
    for none.
    """

    imus: Sequence[OwnImu] = ()
    video: Path | None = None
    audio: Path | None = None
    labels: Path | None = None
    no_activity: Sequence[str] = ()
    start_ns: int | None = None
    video_offset_s: float = 0.0
    audio_offset_s: float = 0.0
    video_height: int | None = None
    video_fps: float | None = None
    others: Mapping[str, Path] = field(default_factory=dict)

    def given(self) -> Iterator[tuple[Sensor, Path, Mapping[str, Any], float]]:
        """Give each file's sensor, its path, what is said of it and its offset in seconds."""
        for imu in self.imus:
            yield imu.sensor, imu.path, {'columns': imu.columns}, imu.offset_s
        if self.video is not None:
            yield (
                CAMERA,
                self.video,
                {
                    'height': self.video_height,
                    'fps': self.video_fps,
                },
                self.video_offset_s,
            )
        if self.audio is not None:
            yield MICROPHONE, self.audio, {}, self.audio_offset_s
        for name, path in self.others.items():
            yield Sensor(name, name, f'/{name}', f'{name}_link'), path, {}, 0.0

    def paths(self) -> Iterator[Path]:
        """Give each file of samples."""
        of_rates = (imu.columns.rate_file for imu in self.imus)
        paths = (*(path for _, path, _, _ in self.given()), *of_rates)
        yield from dict.fromkeys(path for path in paths if path is not None)

    @property
    def labelling(self) -> OwnImu | None:
        """The table that has a column of labels."""
        return next((imu for imu in self.imus if imu.columns.label), None)


@dataclass(frozen=True)
class OwnBag:
    """What was written: messages by sensor, labelled segments, and how long it lasts.

    ``repeated`` counts samples of the table with the time of the one before. ``notes`` say what of
    the files is otherwise than they declare.
    """

    path: Path
    messages: dict[str, int]
    segments: tuple[Segment, ...]
    duration_s: float
    repeated: int
    notes: tuple[str, ...] = ()


def import_own_files(files: OwnFiles, path: Path, subject: str, *, force: bool = False) -> OwnBag:
    """Write one recording to ``path``, whole or not at all.

    Raises :class:`ConfigurationError` when no sensor's file is given, or a time or offset that
    cannot be, and :class:`BagError` for a file that cannot be used, with what to do, and where
    something is at ``path`` already (without ``force``, or that is no bag).
    """
    if not any(files.given()):
        raise UsageError(
            "nothing to import: give '--imu', '--video', '--audio' or '--file MODALITY=FILE'"
        )
    for sensor, option in ((IMU, '--imu'), (CAMERA, '--video'), (MICROPHONE, '--audio')):
        if sensor.modality in files.others:
            raise UsageError(
                f'--file {sensor.modality}=…: give it by {option}, which has options of its own'
            )
    if files.no_activity and files.labelling is None:
        raise UsageError('--no-activity is about the labels of --label-column: give that too')
    if any(imu.columns.rate_file is not None and not imu.columns.rate for imu in files.imus):
        raise UsageError('--gyro none and --gyro-file: choose one')
    if files.labelling is not None and files.labels is not None:
        raise UsageError(
            "labels are in '--labels' or in '--label-column' of the table: choose one"
        )
    _check_times(files)
    if is_there(path) and not force:
        raise BagError(f'{str(path)!r} is there already: give --force to replace it')
    made = _Recording(files)
    sensors = tuple(each.sensor for each in made.given)
    plan = BagPlan(
        path=path,
        importer='files 1',
        subject=subject,
        sensors=sensors,
        segments=len(made.segments),
        metadata={'files': ', '.join(path.name for path in files.paths())},
    )
    make_bag(plan, [SensorData(made.segments, made.records())], force=force)
    return OwnBag(
        path,
        {sensor.name: made.counts[sensor.topic] for sensor in sensors},
        made.segments,
        (made.last_ns - made.first_ns) / 1e9,
        made.repeated,
        (*(note for each in made.given for note in each.file.notes), *made.about_labels()),
    )


@dataclass(frozen=True)
class _Given:
    """One of the files, and how much later it starts than the recording, in nanoseconds."""

    sensor: Sensor
    file: SensorFile
    offset_ns: int


class _Recording:
    """The files, looked into; pictures are only decoded when they are written."""

    def __init__(self, files: OwnFiles) -> None:
        self._files = files
        self.counts: Counter[str] = Counter()
        self.given = [
            _Given(
                sensor,
                find_modality(sensor.modality).open_file(path, options),
                _nanoseconds(offset_s),
            )
            for sensor, path, options, offset_s in files.given()
        ]
        dated = [each for each in self.given if each.file.starts_at_ns is not None]
        self._start_ns = self._find_start(dated)
        spans = [
            (first := self._first_ns(each), first + each.file.duration_ns) for each in self.given
        ]
        self.first_ns = min(first for first, _ in spans)
        self.last_ns = max(last for _, last in spans)
        if self.first_ns <= 0:
            raise BagError(
                'the recording would start before 1970: correct --start and the offsets'
            )
        runs = [
            Segment(first_ns + run.start_ns, first_ns + run.end_ns, run.label)
            for each, (first_ns, _) in zip(self.given, spans, strict=True)
            for run in each.file.label_runs
        ]
        self._labels = sorted({run.label for run in runs})
        self._check_labels()
        self.segments = tuple(run for run in runs if run.label not in files.no_activity)
        if files.labels is not None:
            self.segments = read_label_file(files.labels, self._start_ns, self.last_ns)

    @property
    def repeated(self) -> int:
        """Samples with the time of the one before."""
        return sum(each.file.repeated for each in self.given)

    def _check_labels(self) -> None:
        """Refuse what is hardly the column of labels, or no name of an activity."""
        table = self._files.labelling
        if table is None:
            return
        found = [label for label in self._labels if label not in self._files.no_activity]
        if len(found) > _MOST_ACTIVITIES:
            raise BagError(
                f'{table.path}: {table.columns.label!r} holds {len(found)} different labels, '
                f'among them {found[0]!r}: is that the column of labels? Name another'
            )
        if UNKNOWN in found:
            raise BagError(
                f'{table.path}: {table.columns.label} is {UNKNOWN!r} somewhere, which no activity '
                f"may be called: give '--no-activity {UNKNOWN}', for what is not labelled is "
                'neither trained nor scored'
            )

    def about_labels(self) -> Iterator[str]:
        """Say which labels are not there, and from when those of a file in the bag count."""
        for label in self._files.no_activity:
            if label not in self._labels:
                yield f'--no-activity {label!r} changes nothing: no row is labelled so'
        first_ns = min([self.first_ns, *(each.start_ns for each in self.segments)])
        later_s = (first_ns - self._start_ns) / 1e9
        if abs(later_s) >= _NOTED_S and self._files.labelling is None:
            when, what = ('later', 'subtract') if later_s > 0 else ('earlier', 'add')
            yield (
                'seconds of --labels count from the start, those of a labels.csv in the bag from '
                f'its first message, {abs(later_s):.3f} s {when}: {what} {abs(later_s):.3f} there'
            )

    def records(self) -> Iterator[Record]:
        """Give all messages in order of time."""
        streams = [
            each.file.records(each.sensor.topic, each.sensor.frame, self._first_ns(each))
            for each in self.given
        ]
        for record in heapq.merge(*streams, key=lambda record: record.stamp_ns):
            self.counts[record.topic] += 1
            yield record

    def _find_start(self, dated: Sequence[_Given]) -> int:
        if self._files.start_ns is not None:
            return self._files.start_ns
        starts = [self._first_ns(each) for each in dated]
        return min(starts, default=SINCE_1970_NS)

    def _first_ns(self, given: _Given) -> int:
        stated_ns = given.file.starts_at_ns
        return (self._start_ns if stated_ns is None else stated_ns) + given.offset_ns


def _check_times(files: OwnFiles) -> None:
    if files.start_ns is not None and not 0 <= files.start_ns <= MOST_NS:
        raise UsageError('--start must lie between 1970 and 2116')
    offsets_s = [
        *(('imu', imu.offset_s) for imu in files.imus),
        ('video', files.video_offset_s),
        ('audio', files.audio_offset_s),
    ]
    for name, offset_s in offsets_s:
        if not abs(offset_s) <= _MOST_OFFSET_S:
            raise UsageError(f'--{name}-offset {offset_s} is no number of seconds to use')


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)
