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

"""Run a bundle over a recording as a robot would, message by message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.sensor_type import sensor_type
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.checks import Problem
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.configuration_bundle import learnt_statistics
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.windows.assembler import Window

# One by one, but so many in a row, or of so many bytes: what a net needs stays in the processor's
# caches, which what reads messages would empty.
_IN_A_ROW: Final = 32
_MOST_WAITING: Final = 1 << 22


@dataclass(frozen=True)
class BagPredictions:
    """The decisions over one sensor of one bag, and what became of its messages.

    ``problems`` are what is doubtful about these, for the model. ``due_ns`` says of each decision
    when the message was received that made it due, and ``due_at`` which of the sensor's it was,
    from 1 on, where known.
    """

    predictions: tuple[Prediction, ...]
    received: int
    drops: dict[str, int]
    resets: int
    problems: tuple[Problem, ...] = ()
    due_ns: tuple[int, ...] = ()
    due_at: tuple[int, ...] = ()


def sensor_for(engine: Engine, reader: BagReader, name: str | None = None) -> Sensor:
    """Find the bag's sensor to run a bundle on: the one named, else that it was trained for.

    Raises :class:`BagError` when the bag has no such sensor or it is of another modality.
    """
    info = engine.bundle.info
    sensor = reader.sensor(name or info.sensor)
    if sensor.modality != info.modality:
        raise BagError(
            f"bundle {engine.bundle.path} is for {info.modality}, but the sensor '{sensor.name}' "
            f'of {reader.path} is a {sensor.modality}: choose another --sensor or bundle'
        )
    return sensor


def classify_bag(
    engine: Engine,
    reader: BagReader,
    sensor: Sensor,
    progress: Callable[[int], None] | None = None,
) -> BagPredictions:
    """Give every decision the live node would publish while this bag is played.

    ``progress`` is called with the number of messages read so far, once a window. Raises
    :class:`BagError` for a topic of a type that is none of the modality, when none of the
    sensor's messages could be used, and for audio whose format the bag does not say.
    """
    info = engine.bundle.info
    intake = SensorIntake(
        info.stream,
        info.window,
        sensor_type(reader, sensor),
        sensor.placement,
        audio_format=read_audio_format(reader, sensor.topic),
        look_at='all',
    )
    predictions: list[Prediction] = []
    waiting: list[Window] = []
    due_ns: list[int] = []
    due_at: list[int] = []
    read = 0

    def classify() -> None:
        for window in waiting:
            predictions.append(engine.classify(window))
            if progress:
                progress(intake.received)
        waiting.clear()

    for block in reader.blocks(sensor.topic, intake.block_size):
        for number, windows in intake.push_all(block.data, block.received_ns):
            waiting += windows
            due_ns += [block.received_ns[number]] * len(windows)
            due_at += [read + number + 1] * len(windows)
        read += len(block.data)
        if sum(window.values.nbytes for window in waiting) > _MOST_WAITING or (
            len(waiting) >= _IN_A_ROW
        ):
            classify()
    classify()
    drops = intake.drops
    if intake.received and sum(drops.values()) == intake.received:
        raise BagError(
            f'none of the {intake.received} messages on {sensor.topic} of {reader.path} can be '
            f'used: {intake.complaint or drops}'
        )
    problems = find_modality(info.modality).check_for_model(
        intake.contents(), sensor.topic, learnt_statistics(info)
    )
    return BagPredictions(
        tuple(predictions),
        intake.received,
        drops,
        intake.resets,
        (*problems, *intake.check_rate(info.learnt_rate_hz)),
        tuple(due_ns),
        tuple(due_at),
    )
