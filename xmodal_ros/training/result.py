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

"""The result of a training run, and what of it goes into the bundle and into JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import os
from pathlib import Path
import platform
from typing import Any

import numpy as np
import torch

from xmodal_ros import __version__
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.data.datamodule import DataModule
from xmodal_ros.evaluation.document import as_json
from xmodal_ros.evaluation.scoring import Evaluation
from xmodal_ros.methods.method import TransferMethod
from xmodal_ros.methods.verdict import Verdict
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.description import ModelDescription
from xmodal_ros.training.ensemble import EncoderChoice
from xmodal_ros.training.trainer import FitResult
from xmodal_ros.training.transfer_trainer import Candidate


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A finished run: the bundle as written, the test subjects' scores, and what went in.

    ``fits`` are by sensor; ``candidates`` are all ways the target was trained in, of which the
    method kept one, and ``verdict`` is what it decided about its sources, where it did.
    """

    config: TrainingConfiguration
    info: BundleInfo
    model: ModelDescription
    evaluation: Evaluation
    data_module: DataModule
    fits: Mapping[str, FitResult]
    candidates: tuple[Candidate, ...]
    durations_s: Mapping[str, float]
    verdict: Verdict | None = None

    @property
    def path(self) -> Path:
        """Where the bundle is."""
        return self.config.out

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its figures do not say, and people may think they do."""
        return tuple(self.info.provenance['warnings'])


def provenance(
    config: TrainingConfiguration,
    data_module: DataModule,
    method: TransferMethod,
    fitted: FitResult,
    candidates: Sequence[Candidate],
    verdict: Verdict | None,
    choice: EncoderChoice,
) -> dict[str, Any]:
    """Give what a bundle says of its making: data, people, settings, versions."""
    recipe = data_module.recipes[config.target]
    return {
        'bags': {
            'training': [str(fact.path) for fact in data_module.learning if fact.segments],
            'without labels': [
                str(fact.path) for fact in data_module.learning if not fact.segments
            ],
            'test': [str(fact.path) for fact in data_module.test],
        },
        'subjects': _subjects(data_module),
        'subjects_without_labels': _without_labels(data_module),
        'seed': config.seed,
        'counts': _counts(data_module, config.target),
        'sources_given': list(config.sources),
        'method_options': method.options.model_dump(mode='json'),
        'method_facts': dict(fitted.facts),
        'verdict': {} if verdict is None else verdict.document(),
        'trials': [asdict(trial) for trial in candidates],
        'settings': asdict(recipe.fit),
        'augmentation': asdict(recipe.augmentation),
        'training_hop_ns': recipe.training_window.hop_ns,
        'message_rate_hz': _message_rate_hz(data_module, config.target),
        'warnings': _warnings(config, data_module, choice),
        'best_epoch': fitted.best_epoch,
        'epochs_run': len(fitted.history),
        'encoder_choice': choice.document,
        'calibrated_on': _calibrated_on(data_module, choice),
        'versions': {
            'xmodal_ros': __version__,
            'torch': torch.__version__,
            'numpy': np.__version__,
            'python': platform.python_version(),
            'machine': f'{platform.machine()}, {os.cpu_count()} cores',
        },
    }


def _message_rate_hz(data_module: DataModule, target: str) -> float:
    """Give the lower median, over the recordings learnt from, of the target's usual rates."""
    rates = sorted(
        sensor.rate_hz
        for recording in data_module.report.recordings
        for sensor in recording.sensors
        if recording.use == 'learning' and sensor.sensor == target and sensor.rate_hz > 0
    )
    return rates[(len(rates) - 1) // 2] if rates else 0.0


def _warnings(
    config: TrainingConfiguration, data_module: DataModule, choice: EncoderChoice
) -> list[str]:
    found = []
    if config.quick:
        found.append(
            'it was trained with --quick, to try whether all works: its scores, and whether '
            'sources help, say little of what can be learnt'
        )
    examples, named = data_module.sets[config.target], data_module.split.validation
    shown = examples.training.recordings[examples.training.labelled]
    if not named:
        shown = np.concatenate([shown, examples.validation.recordings])
    # Of others there may be sources alone.
    people = sorted({data_module.learning[number].subject for number in np.unique(shown).tolist()})
    chosen = 'what the choice of an encoder reached'
    if len(people) == 1 and (not named or 'over' in choice.document):
        measured = (
            f'{chosen} was measured on these too and says nothing'
            if named
            else f'what is right on validation, {chosen} and how sure the model is were measured '
            'on these too and say nothing'
        )
        found.append(
            f"all recordings of '{config.target}' that were learnt from are of '{people[0]}': "
            f'{measured} about other people. Only the scores of '
            f'{"validation and " if named else ""}test subjects do: record more people to learn '
            'from'
        )
    elif choice.calibration is None and not named:
        found.append(
            'it was calibrated on segments of people it has learnt from: with others it is '
            'surer of itself than it should be, and `unknown` is rarer. Name --val-subjects'
        )
    elif not named and choice.document.get('over', 'people') != 'people':
        found.append(
            'most activities are shown by one person alone: what answers was chosen, and '
            f'calibrated, on {choice.document["over"]} of people it has learnt from, which says '
            'little of others. Record each activity of several people'
        )
    return found


def _calibrated_on(data_module: DataModule, choice: EncoderChoice) -> str:
    if data_module.split.validation:
        return 'on the people who validated'
    if choice.calibration is not None and 'over' in choice.document:
        return f'on {choice.document["over"]} left out in choosing the encoder'
    if choice.calibration is not None:
        return 'on people left out, by nets that learnt from the others alone'
    return 'on held-out segments of the people trained on'


def bundle_scores(evaluation: Evaluation) -> dict[str, float]:
    """Give the figures that a bundle carries."""
    scores = evaluation.scores
    if scores is None:
        return {}
    return {
        'test_macro_f1': scores.macro_f1,
        'test_macro_f1_window': scores.macro_f1_window,
        'test_accuracy': scores.accuracy,
        'test_accuracy_window': scores.accuracy_window,
    }


def as_mapping(result: TrainingResult) -> dict[str, object]:
    """Give the result in the form that ``--json`` writes: the test scores at the top level."""
    evaluated = as_json(result.evaluation)
    data_module, config = result.data_module, result.config
    model = result.model
    return {
        **evaluated,
        'counts': {**_counts(data_module, config.target), 'test': evaluated['counts']},
        'bundle': str(result.path),
        'activities': list(result.info.labels),
        'method': config.method,
        'target': config.target,
        'sources': list(result.info.sources),
        'sources_given': list(config.sources),
        'method_facts': dict(result.fits[config.target].facts),
        'verdict': None if result.verdict is None else result.verdict.document(),
        'trials': [asdict(trial) for trial in result.candidates],
        'encoder_choice': result.info.provenance['encoder_choice'],
        'seed': config.seed,
        'subjects': _subjects(data_module),
        'data': data_module.report.document(),
        'bags_without_labels': {
            'learnt_from': [str(fact.path) for fact in data_module.learning if not fact.segments],
            'left_out': [str(path) for path in data_module.unlabelled],
        },
        'activities_without_windows': list(data_module.without_windows),
        'activities_only_in_test': list(data_module.untaught),
        'temperature': result.info.temperature,
        'unknown_threshold': result.info.unknown_threshold,
        'warnings': list(result.warnings),
        'parameters': model.parameters,
        'parameters_by_part': {part.name: part.parameters for part in model.parts},
        'fits': {
            name: {
                'epochs': len(fitted.history),
                'best_epoch': fitted.best_epoch,
                'history': [asdict(report) for report in fitted.history],
            }
            for name, fitted in result.fits.items()
        },
        'durations_s': {name: round(value, 3) for name, value in result.durations_s.items()},
    }


def _counts(data_module: DataModule, target: str) -> dict[str, Any]:
    """Give how many windows and clips each part of the data set has, and what was left out."""
    examples = data_module.sets[target]
    return {
        'windows': {
            'training': len(examples.training.labelled),
            'unlabelled': len(examples.training.unlabelled),
            'validation': len(examples.validation),
        },
        'clips': dict(data_module.clips),
        'recordings': {
            'training_and_validation': sum(bool(f.segments) for f in data_module.learning),
            'without_labels': sum(not fact.segments for fact in data_module.learning),
            'test': len(data_module.test),
            'left_out_without_labels': len(data_module.unlabelled),
        },
        'left_out': dict(examples.left_out),
    }


def _without_labels(data_module: DataModule) -> list[str]:
    """Name those who were learnt from, and of whom nothing is labelled."""
    labelled = {fact.subject for fact in data_module.learning if fact.segments}
    return sorted({fact.subject for fact in data_module.learning} - labelled)


def _subjects(data_module: DataModule) -> dict[str, list[str]]:
    return {part: list(names) for part, names in asdict(data_module.split).items()}
