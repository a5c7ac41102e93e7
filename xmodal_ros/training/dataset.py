"""Windows with labels from recordings, cut by the very code that runs on a robot."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.labels import read_segments, Segment
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import TrainingError
from xmodal_ros.sensors import Sensor
from xmodal_ros.streams.audio import AudioFormat
from xmodal_ros.streams.specification import StreamSpec
from xmodal_ros.training.truth import window_truth
from xmodal_ros.windows.intake import SensorIntake
from xmodal_ros.windows.specification import WindowSpec


@dataclass(frozen=True, eq=False)
class RecordingFacts:
    """What is known of a recording before its windows are cut.

    ``audio_formats`` are of those sensors whose messages do not say it themselves.
    """

    path: Path
    name: str
    subject: str
    segments: tuple[Segment, ...]
    sensors: Mapping[str, Sensor]
    msgtypes: Mapping[str, str]
    audio_formats: Mapping[str, AudioFormat] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SensorWindows:
    """One sensor's labelled windows of one recording.

    ``values`` is (N, steps, ...) in SI units, ``ends_ns`` (N,) rises, ``segment_of`` (N,) indexes
    the recording's segments. ``left_out`` counts windows (``unlabelled``, ``weak`` evidence) and
    messages (by the reason of their refusal) that are not in here.
    """

    values: NDArray[Any]
    ends_ns: NDArray[np.int64]
    segment_of: NDArray[np.int64]
    left_out: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording's facts and windows, by sensor name."""

    facts: RecordingFacts
    windows: Mapping[str, SensorWindows]


def read_facts(path: Path, sensors_of: Callable[[str], Sequence[str]]) -> RecordingFacts:
    """Look into a recording for the sensors that ``sensors_of`` its subject names.

    Raises BagError when the recording is broken or lacks one of them, or the format of its audio.
    """
    with BagReader(path) as reader:
        sensors = {name: reader.sensor(name) for name in sensors_of(reader.subject)}
        formats = {name: read_audio_format(reader, s.topic) for name, s in sensors.items()}
        return RecordingFacts(
            path,
            reader.name,
            reader.subject,
            read_segments(reader),
            sensors,
            {name: reader.topics[sensor.topic].msgtype for name, sensor in sensors.items()},
            {name: audio for name, audio in formats.items() if audio is not None},
        )


def first_message(facts: RecordingFacts, sensor_name: str) -> bytes:
    """Give the first message of a sensor."""
    with BagReader(facts.path) as reader:
        return next(iter(reader.messages([facts.sensors[sensor_name].topic]))).data


def load_recording(
    facts: RecordingFacts,
    streams: Mapping[str, tuple[StreamSpec, WindowSpec]],
    progress: Callable[[], None] = lambda: None,
) -> Recording:
    """Cut the labelled windows of the sensors that ``streams`` describes.

    ``progress`` is called after each message. Raises :class:`TrainingError` when none of a
    sensor's messages can be used, with the reason.
    """
    cuts = {
        facts.sensors[name].topic: _SensorCut(facts, name, stream, window)
        for name, (stream, window) in streams.items()
    }
    with BagReader(facts.path) as reader:
        for message in reader.messages(list(cuts)):
            cuts[message.topic].push(message.data, message.received_ns)
            progress()
    return Recording(facts, {cut.name: cut.finish() for cut in cuts.values()})


class _SensorCut:
    """Gather one sensor's labelled windows while a bag is read."""

    def __init__(
        self, facts: RecordingFacts, name: str, stream: StreamSpec, spec: WindowSpec
    ) -> None:
        self.name = name
        self._facts = facts
        self._spec = spec
        self._intake = SensorIntake(
            stream,
            spec,
            facts.msgtypes[name],
            facts.sensors[name].placement,
            audio_format=facts.audio_formats.get(name),
        )
        self._sample_shape = stream.sample_shape
        self._values: list[NDArray[Any]] = []
        self._ends_ns: list[int] = []
        self._segment_of: list[int] = []
        self._left_out: Counter[str] = Counter()

    def push(self, data: bytes, received_ns: int) -> None:
        for window in self._intake.push(data, received_ns):
            truth = window_truth(self._facts.segments, [window.end_ns], self._spec.length_ns)
            segment = int(truth.segment_of_window[0])
            # Decided at once, so that windows without a use never pile up in memory.
            if segment < 0:
                self._left_out['unlabelled'] += 1
            elif window.coverage < self._spec.min_coverage:
                self._left_out['weak'] += 1
            else:
                self._values.append(_compact(window.values))
                self._ends_ns.append(window.end_ns)
                self._segment_of.append(segment)

    def finish(self) -> SensorWindows:
        intake, drops = self._intake, self._intake.drops
        if sum(drops.values()) == intake.received:
            sensor = self._facts.sensors[self.name]
            raise TrainingError(
                f"none of the {intake.received} messages of sensor '{self.name}' "
                f'({sensor.topic}) in {self._facts.path} can be used: '
                f'{intake.complaint or drops}'
            )
        self._left_out.update(drops)
        shape = (0, self._spec.steps, *self._sample_shape)
        values = np.stack(self._values) if self._values else np.zeros(shape, np.float32)
        return SensorWindows(
            values,
            np.array(self._ends_ns, dtype=np.int64),
            np.array(self._segment_of, dtype=np.int64),
            dict(self._left_out),
        )


def _compact(values: NDArray[Any]) -> NDArray[Any]:
    """Store depth and sound in half the memory.

    float16 is exact to 2 mm at 4 m, and rounds sound with a noise 70 dB below it.
    """
    is_depth = values.ndim == 4 and values.dtype == np.float32
    is_sound = values.ndim == 1
    return values.astype(np.float16) if is_depth or is_sound else values
