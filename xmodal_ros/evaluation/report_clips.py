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

"""The clips of an evaluation, and those of them that it got wrong and was sure of."""

from dataclasses import dataclass

import numpy as np

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.evaluation.scoring import BagEvaluation, Evaluation


@dataclass(frozen=True)
class WrongClip:
    """A labelled segment that was taken for another activity.

    ``evaluation`` and ``bag`` are indices; ``confidence`` is the mean probability of ``decided``
    over the segment's windows, 0 for ``unknown``.
    """

    evaluation: int
    bag: int
    start_ns: int
    end_ns: int
    truth: str
    decided: str
    confidence: float


def worst_clips(evaluations: tuple[Evaluation, ...]) -> list[WrongClip]:
    """Give the wrong clips, the most confident first.

    A clip is decided as it is scored: by the mean of its windows' probabilities.
    """
    wrong = [
        clip
        for number, evaluation in enumerate(evaluations)
        for place, bag in enumerate(evaluation.bags)
        for clip in _wrong_clips(number, place, evaluation.info.labels, bag)
    ]
    wrong.sort(key=lambda clip: (-clip.confidence, clip.evaluation, clip.bag, clip.start_ns))
    return wrong


def _wrong_clips(
    number: int, place: int, labels: tuple[str, ...], bag: BagEvaluation
) -> list[WrongClip]:
    windows: dict[int, list[tuple[float, ...]]] = {}
    for place_in_bag, prediction in zip(bag.truth, bag.offline.predictions, strict=True):
        if place_in_bag >= 0:
            windows.setdefault(place_in_bag, []).append(prediction.probabilities)
    found = []
    for index, chances in windows.items():
        segment = bag.segments[index]
        known = [each for each in chances if each]
        mean = np.sum(known, axis=0) / len(chances) if known else np.zeros(len(labels))
        best = int(np.argmax(mean))
        decided = labels[best] if known else UNKNOWN
        if decided != segment.label:
            found.append(
                WrongClip(
                    number,
                    place,
                    segment.start_ns,
                    segment.end_ns,
                    segment.label,
                    decided,
                    float(mean[best]),
                )
            )
    return found
