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

"""Evaluations made up from decisions, without recordings or models."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from test.messages import EPOCH, SECOND
from xmodal_ros.bags.segment import Segment
from xmodal_ros.evaluation.scoring import BagEvaluation, evaluate, Evaluation
from xmodal_ros.metrics.tally import Decided
from xmodal_ros.metrics.truth import window_truth
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.configuration_preprocessing import StandardiseStep
from xmodal_ros.runtime.engine import Prediction
from xmodal_ros.runtime.offline import BagPredictions
from xmodal_ros.windows.windowing import WindowingSpec

LABELS = ('sit', 'walk', 'wave')
HOP = SECOND // 2
INFO = BundleInfo(
    labels=LABELS,
    sensor='imu',
    stream=ImuStream(),
    window=WindowingSpec(rate_hz=50),
    preprocessing=(StandardiseStep(mean=(0.0,) * 6, std=(1.0,) * 6),),
    encoder=ImuCnnConfig(width=16, dim=16),
    method='unimodal',
)


def decide(truth: str, said: str, sure: float = 1.0) -> Decided:
    """One letter a window: ``s``it, ``w``alk, wa``v``e, ``?`` unknown, ``.`` no truth.

    A run of one letter in the truth is one segment. The class decided on has the probability
    ``sure``, the others share the rest; ``unknown`` has none.
    """
    assert len(truth) == len(said)
    names = {'s': 'sit', 'w': 'walk', 'v': 'wave', '?': 'unknown', 'x': 'fall'}
    segments: list[Segment] = []
    owner: list[int] = []
    for index, letter in enumerate(truth):
        if letter == '.':
            owner.append(-1)
            continue
        start, end = EPOCH + (index - 1) * HOP, EPOCH + index * HOP
        if index and truth[index - 1] == letter:
            segments[-1] = Segment(segments[-1].start_ns, end, names[letter])
        else:
            segments.append(Segment(start, end, names[letter]))
        owner.append(len(segments) - 1)
    chances = np.full((len(said), len(LABELS)), (1 - sure) / (len(LABELS) - 1))
    for row, letter in enumerate(said):
        if letter == '?':
            chances[row] = 0
        else:
            chances[row, LABELS.index(names[letter])] = sure
    return Decided(
        stamps_ns=[EPOCH + index * HOP for index in range(len(said))],
        labels=[names[letter] for letter in said],
        classes=LABELS,
        probabilities=chances,
        truth=owner,
        segments=segments,
        step_ns=HOP,
    )


def make_evaluation(
    said: Sequence[Sequence[str | None]],
    truth: Sequence[str],
    subjects: Sequence[str],
    *,
    name: str = 'imu',
    sure: float = 0.8,
) -> Evaluation:
    """One bag for each of ``said``, whose windows (None: not decided) follow each other.

    ``truth`` is the activity of every 8 s of a bag; a bag has 16 windows for each.
    """
    segments = tuple(
        Segment(EPOCH + 8 * i * SECOND, EPOCH + 8 * (i + 1) * SECOND, label)
        for i, label in enumerate(truth)
    )
    bags = []
    for number, (labels, subject) in enumerate(zip(said, subjects, strict=True)):
        predictions = tuple(
            _prediction(EPOCH + (index + 1) * HOP, label, sure)
            for index, label in enumerate(labels)
            if label is not None
        )
        ends = [each.stamp_ns for each in predictions]
        found = window_truth(segments, ends, INFO.window.length_ns)
        bags.append(
            BagEvaluation(
                name=f'bag_{number}',
                path=Path(f'/bags/bag_{number}'),
                subject=subject,
                sensor='imu',
                segments=segments,
                offline=BagPredictions(predictions, len(predictions), {}, 0),
                truth=tuple(found.segment_of_window.tolist()),
            )
        )
    return evaluate(INFO, bags, name)


def _prediction(stamp_ns: int, label: str, sure: float) -> Prediction:
    rest = (1 - sure) / (len(LABELS) - 1)
    chances = tuple(sure if each == label else rest for each in LABELS)
    ranked = sorted(zip(LABELS, chances, strict=True), key=lambda pair: -pair[1])
    return Prediction(stamp_ns, 'imu_link', tuple(ranked), chances, 1.0)
