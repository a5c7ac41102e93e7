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

"""How a bundle's scores fall while its sensor gets worse."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
import zlib

import numpy as np

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import XmodalError
from xmodal_ros.evaluation.fault_samples import BagSamples, plain_format
from xmodal_ros.evaluation.scoring import BagEvaluation, decided, Evaluation, SkippedRecording
from xmodal_ros.evaluation.trial import RobustnessCurve, RobustnessPoint
from xmodal_ros.metrics.tally import Decided, point, Tally
from xmodal_ros.modalities.faults import Fault, FaultKind
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.runtime.engine import Engine, Prediction


@dataclass(frozen=True)
class HarmedRun:
    """The decisions over a bag whose messages a fault has befallen.

    ``due_at`` says of each which message made it due, from 1 on, and ``restarts`` which those were
    at which the time of the unharmed messages begins anew.
    """

    predictions: tuple[Prediction, ...]
    due_at: tuple[int, ...]
    restarts: tuple[int, ...]


def robustness_curve(
    engine: Engine,
    evaluation: Evaluation,
    kind: FaultKind,
    progress: Callable[[str, int], None] | None = None,
    *,
    strict: bool = False,
) -> RobustnessCurve:
    """Run a bundle over its recordings again, once for every severity of a fault.

    ``engine`` is that of the bundle evaluated. ``progress`` is called with what is being done and
    how many messages were read since the last call. A recording that fails under one severity is
    left out of all points, for they are compared. Raises :class:`XmodalError` where none is left,
    or with ``strict`` one fails.
    """
    runs: list[list[Decided]] = []
    left_out: dict[str, XmodalError] = {}
    for bag in evaluation.bags:
        unharmed = decided(evaluation.info, bag)
        try:
            harmed = [
                _in_place_of(unharmed, bag, _run_harmed(engine, bag, kind, severity, progress))
                for severity in kind.grid
            ]
        except XmodalError as error:
            if strict:
                raise
            left_out[bag.name] = error
            continue
        runs.append([unharmed, *harmed])
    if left_out and not runs:
        raise next(iter(left_out.values()))
    points = [
        RobustnessPoint(severity, point(Tally.of([run[place] for run in runs])))
        for place, severity in enumerate((kind.unharmed, *kind.grid))
    ]
    return RobustnessCurve(
        evaluation.name,
        kind.name,
        kind.unit,
        kind.harm,
        tuple(points),
        tuple(SkippedRecording(name, str(error)) for name, error in left_out.items()),
    )


def _run_harmed(
    engine: Engine,
    bag: BagEvaluation,
    kind: FaultKind,
    severity: float,
    progress: Callable[[str, int], None] | None,
) -> HarmedRun:
    doing = f'{kind.name} {severity:g} {kind.unit}'.rstrip()
    with BagReader(bag.path) as reader:
        return classify_harmed(
            engine,
            reader,
            reader.sensor(bag.sensor),
            kind.make(severity),
            progress=_advance(progress, doing),
        )


def _advance(
    progress: Callable[[str, int], None] | None, doing: str
) -> Callable[[int], None] | None:
    return None if progress is None else lambda count: progress(doing, count)


def classify_harmed(
    engine: Engine,
    reader: BagReader,
    sensor: Sensor,
    fault: Fault,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> HarmedRun:
    """Give every decision over a bag whose messages a fault has befallen.

    ``seed`` and the bag's name decide what is drawn. Raises :class:`BagError` as the unharmed run.
    """
    info = engine.bundle.info
    samples = BagSamples(reader, sensor, info.stream, info.window, progress)
    modality = find_modality(info.modality)
    # Mounting and region of interest are in the samples already.
    intake = SensorIntake(info.stream, info.window, modality.message_types[0])
    drawn = zlib.crc32(reader.name.encode(), seed)
    predictions: list[Prediction] = []
    due_at: list[int] = []
    for sample in fault.apply(samples, drawn):
        intake.use_format(plain_format(sample))
        message = modality.serialize(sample, info.stream)
        predictions += map(engine.classify, intake.push(message))
        due_at += [samples.at] * (len(predictions) - len(due_at))
    return HarmedRun(tuple(predictions), tuple(due_at), tuple(samples.restarts))


def _in_place_of(unharmed: Decided, bag: BagEvaluation, harmed: HarmedRun) -> Decided:
    """Put the decisions of a harmed run where the unharmed one decided.

    What the harmed run does not decide is ``unknown``; what it decides besides does not count.
    Where time began anew a stamp comes again: which message it was tells them apart.
    """

    def place(prediction: Prediction, due_at: int) -> tuple[int, int]:
        return bisect_right(harmed.restarts, due_at), prediction.stamp_ns

    at_place: dict[tuple[int, int], Prediction] = {}
    for prediction, due_at in zip(harmed.predictions, harmed.due_at, strict=True):
        at_place.setdefault(place(prediction, due_at), prediction)
    labels, rows = [], np.zeros_like(unharmed.probabilities)
    # By the sensor's own stamps, for those that are scored may be moved to another time.
    decisions = zip(bag.offline.predictions, bag.offline.due_at, strict=True)
    for row, (prediction, due_at) in enumerate(decisions):
        found = at_place.get(place(prediction, due_at))
        labels.append(found.label if found else UNKNOWN)
        if found and found.probabilities:
            rows[row] = found.probabilities
    return replace(unharmed, labels=labels, probabilities=rows)
