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

"""What sources decide of the target's windows that nobody labelled.

Pseudo-labels (Lee, ICML workshops 2013), but of another sensor that saw the same moment: what is
fitted in closed form, and has no loss to put a teacher's probabilities into, learns by them.
"""

from collections.abc import Callable, Mapping
import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.data.dataset import DatasetSplit, pair_in_time, WindowsDataset
from xmodal_ros.data.window_array import choose
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.models.classifier import Classifier, probabilities
from xmodal_ros.training.calibration import calibrate
from xmodal_ros.training.ensemble import EncoderChoice, PseudoLabels
from xmodal_ros.training.trainer import FitResult, predict_answers
from xmodal_ros.training.transfer_trainer import TransferTrainer


def make_pseudo_labels(
    trainer: TransferTrainer,
    sets: Mapping[str, DatasetSplit],
    fitted: FitResult,
    choose_for: Callable[[str], EncoderChoice],
) -> PseudoLabels | None:
    """Let sources decide together, by the mean of their calibrated probabilities.

    They are those that the target's net, ``fitted``, has learnt from, or else all that the
    ``trainer`` has trained and that are better than guessing; ``choose_for`` gives what answers
    beside a source's net. A source that lacks an activity which the target is shown would take all
    its windows for others, and so decides nothing. None where no source saw a window of the target
    that has no label, and where it was decided that sources are not used.
    """
    if trainer.verdict is not None and trainer.verdict.decision == 'not used':
        return None
    training = sets[trainer.target].training
    rows = training.unlabelled
    shown = set(training.labels[training.labelled].tolist())
    sums: NDArray[np.float64] | None = None
    by = []
    skilled = [name for name in trainer.fits if name not in trainer.unskilled]
    for name in fitted.sources or skilled:
        theirs = sets[name]
        partners = pair_in_time(training, theirs.training)[rows]
        seen = partners >= 0
        if not seen.any():
            continue
        if unknown := shown.difference(theirs.training.labels[theirs.training.labelled].tolist()):
            lacking = ', '.join(sorted(trainer.labels[number] for number in unknown))
            trainer.note(
                f'{name} has not seen {lacking}: what it takes windows without a label for is '
                'not learnt'
            )
            continue
        by.append(name)
        validation = replace(
            theirs.validation, values=trainer.read(name, theirs.validation.values)
        )
        classifier, temperature = _answering(trainer.fits[name], validation, choose_for(name))
        windows = trainer.read(name, choose(theirs.training.values, partners[seen]))
        answers = probabilities(predict_answers(classifier, windows), temperature).numpy()
        if sums is None:
            sums = np.zeros((len(rows), answers.shape[1]))
        sums[seen] += answers
    if sums is None:
        return None
    labels = np.full(len(training), NO_LABEL, np.int64)
    said = sums.any(axis=1)
    labels[rows[said]] = sums[said].argmax(axis=1)
    return PseudoLabels(labels, tuple(by), net=bool(fitted.sources))


def _answering(
    fit: FitResult, validation: WindowsDataset, choice: EncoderChoice
) -> tuple[Classifier, float]:
    """Give all that answers for a source, and its temperature."""
    classifier = copy.deepcopy(fit.classifier)
    if choice.ensemble is not None:
        classifier.join(copy.deepcopy(choice.ensemble))
    calibration = choice.calibration
    if calibration is None:
        answers = predict_answers(classifier, validation.values).double().numpy()
        calibration = calibrate(answers, validation.labels)
    return classifier, calibration.temperature
