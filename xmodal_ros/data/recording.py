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

"""Windows with labels from recordings, cut by the very code that runs on a robot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.clocks import StampShift
from xmodal_ros.bags.labels import labelled_as_another, read_segments, Segment
from xmodal_ros.bags.opening import storage_files
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.sensor_type import sensor_type
from xmodal_ros.data.cutting import Cut, cut_recording, CutRequest, CutSpec
from xmodal_ros.data.window_array import InMemoryStream, LazyWindows, Stream, WindowArray
from xmodal_ros.errors import BagError, TrainingError
from xmodal_ros.metrics.truth import window_truth
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.windows.windowing import WindowingSpec

# Of so many messages of a sensor, most say what it is.
_SAMPLED: Final = 9


@dataclass(frozen=True, eq=False)
class RecordingFacts:
    """What is known of a recording before its windows are cut.

    ``sensors`` are those wanted that it has, ``missing`` says why it lacks the others.
    ``audio_formats`` are of those sensors whose messages do not say it themselves, ``clocks`` the
    corrections of those whose stamps are corrected. ``files`` hold the messages, which were
    recorded from ``start_ns`` to ``end_ns``. ``notes`` say what was found to be otherwise than
    declared.
    """

    path: Path
    name: str
    subject: str
    segments: tuple[Segment, ...]
    sensors: Mapping[str, Sensor]
    msgtypes: Mapping[str, str]
    audio_formats: Mapping[str, AudioFormat] = field(default_factory=dict)
    session: str = ''
    missing: Mapping[str, str] = field(default_factory=dict)
    clocks: Mapping[str, StampShift] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    start_ns: int = 0
    end_ns: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SensorWindows:
    """One sensor's windows of one recording, as a rule the labelled ones.

    ``values`` is (N, steps, ...) in SI units, an array or windows that are gathered when indexed,
    ``ends_ns`` (N,) rises, ``segment_of`` (N,) indexes the recording's segments, -1 where no
    segment covers half of a window, which only those who ask for such windows get. ``left_out``
    counts windows (``unlabelled``, ``weak`` evidence) and messages (by the reason of their
    refusal) that are not in here. ``cut`` and ``stream`` are what they were chosen from.
    """

    values: WindowArray
    ends_ns: NDArray[np.int64]
    segment_of: NDArray[np.int64]
    left_out: Mapping[str, int]
    cut: Cut | None = None
    stream: Stream | None = None


@dataclass(frozen=True, eq=False)
class RecordingWindows:
    """A recording's facts and windows, by sensor name.

    ``unusable`` says of sensors that it has, but whose messages cannot be used, why not.
    """

    facts: RecordingFacts
    windows: Mapping[str, SensorWindows]
    unusable: Mapping[str, str] = field(default_factory=dict)


def read_facts(
    path: Path, sensors_of: Callable[[str], Sequence[str]], *, need_all: bool = True
) -> RecordingFacts:
    """Look into a recording for the sensors that ``sensors_of`` its subject names.

    Raises BagError when the recording is broken, lacks one of them or the format of its audio, or
    has one on a topic of a wrong type. Unless it ``need_all``, what is lacking is only noted.
    """
    with BagReader(path) as reader:
        sensors: dict[str, Sensor] = {}
        msgtypes: dict[str, str] = {}
        formats: dict[str, AudioFormat] = {}
        missing: dict[str, str] = {}
        for name in sensors_of(reader.subject):
            try:
                sensor = reader.sensor(name)
            except BagError as error:
                # A name that two topics claim is no lack of a sensor.
                if need_all or reader.claims(name) > 1:
                    raise
                missing[name] = str(error)
                continue
            # Nor is a topic of a type that no such sensor has: the recording itself is at fault.
            msgtype = sensor_type(reader, sensor)
            try:
                audio = read_audio_format(reader, sensor.topic)
            except BagError as error:
                if need_all:
                    raise
                missing[name] = str(error)
                continue
            sensors[name], msgtypes[name] = sensor, msgtype
            if audio is not None:
                formats[name] = audio
        shifts = {name: reader.clocks.get(sensor.topic) for name, sensor in sensors.items()}
        topics = [sensor.topic for sensor in sensors.values()]
        try:
            segments = read_segments(reader, topics)
        except BagError:
            # Of several robots none is asked about: that the sensor is missing is what counts.
            if topics:
                raise
            segments = ()
        return RecordingFacts(
            path,
            reader.name,
            reader.subject,
            segments,
            sensors,
            msgtypes,
            formats,
            reader.session,
            missing,
            {name: shift for name, shift in shifts.items() if shift is not None},
            storage_files(path),
            reader.start_ns,
            reader.end_ns,
            (*reader.notes, *labelled_as_another(reader, topics)),
        )


def sample_messages(facts: RecordingFacts, sensor_name: str) -> tuple[bytes, ...]:
    """Give some messages of a sensor, from all over the recording; the first one first."""
    topic = facts.sensors[sensor_name].topic
    with BagReader(facts.path) as reader:
        step_ns = max(1, (reader.end_ns - reader.start_ns) // _SAMPLED)
        found = [
            next((m.data for m in reader.messages([topic], reader.start_ns + i * step_ns)), None)
            for i in range(_SAMPLED)
        ]
    return tuple(data for data in found if data is not None)


def cut_requests(facts: RecordingFacts, cut_specs: Mapping[str, CutSpec]) -> dict[str, CutRequest]:
    """Say how to cut those of the sensors in ``cut_specs`` that a recording has."""
    return {
        name: CutRequest(
            facts.sensors[name], facts.msgtypes[name], cut_spec, facts.audio_formats.get(name)
        )
        for name, cut_spec in cut_specs.items()
        if name in facts.sensors
    }


def load_recording(
    facts: RecordingFacts,
    streams: Mapping[str, CutSpec],
    progress: Callable[[], None] = lambda: None,
) -> RecordingWindows:
    """Cut the labelled windows of the sensors that ``streams`` describes, into memory.

    ``progress`` is called after each message. Raises :class:`TrainingError` when none of a
    sensor's messages can be used, with the reason.
    """
    recording = cut_into_memory(facts, streams, progress)
    for reason in recording.unusable.values():
        raise TrainingError(reason)
    return recording


def cut_into_memory(
    facts: RecordingFacts,
    cut_specs: Mapping[str, CutSpec],
    progress: Callable[[], None] = lambda: None,
    *,
    unlabelled: bool = False,
) -> RecordingWindows:
    """Cut a recording without leaving anything on disk; raises BagError for damage.

    With ``unlabelled`` windows without a label are kept too.
    """
    files: dict[str, BytesIO] = {}
    with BagReader(facts.path) as reader:
        cuts = cut_recording(
            reader,
            cut_requests(facts, cut_specs),
            lambda name, _: files.setdefault(name, BytesIO()),
            progress,
        )
    found = {}
    for name, cut in cuts.items():
        values = np.frombuffer(files[name].getbuffer(), np.dtype(cut.facts.dtype))
        found[name] = cut, InMemoryStream(values.reshape(cut.facts.shape))
    return label_recording(facts, cut_specs, found, unlabelled=unlabelled)


def label_recording(
    facts: RecordingFacts,
    cut_specs: Mapping[str, CutSpec],
    found: Mapping[str, tuple[Cut, Stream]],
    *,
    unlabelled: bool = False,
) -> RecordingWindows:
    """Choose the labelled windows of what was cut; ``unlabelled`` adds those without a label."""
    windows: dict[str, SensorWindows] = {}
    unusable: dict[str, str] = {}
    for name, (cut, stream) in found.items():
        if cut.facts.usable:
            windows[name] = _label(facts.segments, cut_specs[name][1], cut, stream, unlabelled)
        else:
            unusable[name] = (
                f"none of the {cut.facts.received} messages of sensor '{name}' "
                f'({facts.sensors[name].topic}) in {facts.path} can be used: '
                f'{cut.facts.complaint or dict(cut.facts.drops)}'
            )
    return RecordingWindows(facts, windows, unusable)


def _label(
    segments: Sequence[Segment], spec: WindowingSpec, cut: Cut, stream: Stream, unlabelled: bool
) -> SensorWindows:
    index = cut.index
    owner = window_truth(segments, index.ends_ns.tolist(), spec.length_ns).segment_of_window
    wanted, strong = (owner >= 0) | unlabelled, index.coverage >= spec.min_coverage
    rows = np.flatnonzero(wanted & strong)
    counts = {'unlabelled': int((~wanted).sum()), 'weak': int((wanted & ~strong).sum())}
    left_out = {**{name: count for name, count in counts.items() if count}, **cut.facts.drops}
    values = LazyWindows(
        [stream], np.zeros(len(rows), np.int64), index.firsts[rows], cut.facts.steps
    )
    return SensorWindows(values, index.ends_ns[rows], owner[rows], left_out, cut, stream)
