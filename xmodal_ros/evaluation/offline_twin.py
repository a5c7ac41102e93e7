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

"""The offline engine beside a live classifier: the same bundle over the bag that was played."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
import math
from pathlib import Path
from typing import Any

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.evaluation.agreement import Agreement, compare
from xmodal_ros.evaluation.scoring import BagEvaluation, evaluate_bag, LiveRun
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.loading import load_model
from xmodal_ros.runtime.offline import classify_bag

# Diagnostics give the threshold with three digits.
_ROUNDING = 5e-4


@dataclass(frozen=True, eq=False)
class Twin:
    """What the offline engine says of a recording, compared with what was heard live."""

    info: BundleInfo
    agreement: Agreement
    evaluation: BagEvaluation

    @property
    def offline(self) -> tuple[Prediction, ...]:
        """The offline decisions."""
        return self.evaluation.offline.predictions

    @property
    def live(self) -> tuple[Prediction, ...]:
        """The live decisions."""
        return self.evaluation.live.predictions if self.evaluation.live is not None else ()


def compare_with_bag(
    bag: Path,
    classifier: Mapping[str, str],
    labels: Sequence[Label],
    received: int,
    drops: Mapping[str, int],
    *,
    merge_labels: bool = False,
) -> Twin:
    """Run the bundle of a live classifier over the bag that was played to it.

    ``classifier`` are the values of its diagnostics: model, device, runtime, precision, topic
    and threshold. ``received`` messages it has counted, ``drops`` what it lost; ``merge_labels``
    as of :func:`~xmodal_ros.evaluation.scoring.evaluate_bag`. Raises :class:`XmodalError`
    subclasses where the bundle or the recording cannot be read.
    """
    missing = [
        name
        for name in ('model', 'device', 'runtime', 'precision', 'topic')
        if name not in classifier
    ]
    if missing:
        raise ConfigurationError(
            f'its diagnostics do not say its {", ".join(missing)}, so the recording cannot be run '
            'offline as it did: is it a classifier of this package, and active?'
        )
    precision: Any = classifier['precision']
    model = load_model(
        Path(classifier['model']), classifier['device'], precision, classifier['runtime']
    )
    engine = Engine(model)
    threshold = float(classifier.get('threshold for unknown', engine.unknown_threshold))
    if abs(threshold - engine.unknown_threshold) > _ROUNDING:
        engine.unknown_threshold = threshold
    info = model.info
    with BagReader(bag) as reader:
        sensor = _sensor_on(reader, classifier['topic'])
        offline = classify_bag(engine, reader, sensor)
        evaluation = evaluate_bag(
            info,
            reader,
            sensor.name,
            offline,
            sensor_topics=[sensor.topic],
            merge_labels=merge_labels,
        )
    live = tuple(_prediction(label, info) for label in labels)
    agreement = compare(offline.predictions, live)
    run = LiveRun(
        predictions=live,
        latencies_s=(),
        sent=offline.received,
        received=received,
        drops=dict(drops),
        agreement=agreement,
        rate=1.0,
    )
    return Twin(
        info,
        agreement,
        replace(evaluation, live=run),
    )


def _sensor_on(reader: BagReader, topic: str) -> Sensor:
    for sensor in reader.sensors:
        if sensor.topic == topic:
            return sensor
    raise BagError(
        f'bag {str(reader.path)!r} has no sensor on {topic}, to which the classifier listens: is '
        'it the recording that was played?'
    )


def _prediction(label: Label, info: BundleInfo) -> Prediction:
    chances = dict(label.scores)
    known = all(name in chances for name in info.labels)
    return Prediction(
        stamp_ns=label.stamp_ns,
        frame_id=label.frame_id,
        scores=label.scores,
        probabilities=tuple(chances[name] for name in info.labels) if known else (),
        coverage=math.nan,
    )
