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

"""The encoder ``auto``: which members answer beside a net, chosen on people they do not know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.data.sampler import steps_of_epoch
from xmodal_ros.data.window_array import choose, join
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_ensemble import EnsembleConfig, GRID, MEMBERS
from xmodal_ros.models.lazy_tensor import as_tensor
from xmodal_ros.models.modeling_ensemble import as_series, Ensemble, Member
from xmodal_ros.models.modeling_preprocessing import Preprocessing
from xmodal_ros.progress import ProgressReporter
from xmodal_ros.training.calibration import calibrate, Calibration
from xmodal_ros.training.callbacks import Callback, ProgressCallback, WeightAveraging
from xmodal_ros.training.folds import stretches
from xmodal_ros.training.ridge import fit_ridge
from xmodal_ros.training.stacking import choose_weights
from xmodal_ros.training.trainer import predict_logits, prepare_encoder, Trainer

NET: Final = 'net'

_FOLDS: Final = 3
# Of one recording, a multiple of the folds.
_PARTS: Final = 9
_LEAST_WINDOWS: Final = 20
# Windows overlap: more say little more, and closed forms take the square of their number.
_MOST_WINDOWS: Final = 4000
_MOST_NUMBERS: Final = 100_000_000
# What a net that is only to be compared may take.
_MOST_STEPS: Final = {'sequence': 800, 'spectrogram': 300, 'pictures': 300}
_PART: Final = 64


@dataclass(frozen=True, eq=False)
class EncoderChoice:
    """What was chosen: the members, how sure they are, and how that was found, as a document.

    Without an ``ensemble`` the net answers alone.
    """

    ensemble: Ensemble | None
    calibration: Calibration | None
    document: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Material:
    """Labelled windows, the group of each, and the groups that are left out together."""

    windows: WindowsDataset
    groups: NDArray[np.int64]
    folds: list[NDArray[np.int64]]
    unit: str

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.windows.labels


def choose_ensemble(
    document: BundleInfo,
    recipe: Recipe,
    examples: DatasetSplit,
    seed: int,
    device: torch.device,
    reporter: ProgressReporter,
    *,
    people: Sequence[str],
    learn_validation: bool,
) -> EncoderChoice:
    """Choose the members of a sensor's ensemble and fit them.

    ``document`` is that of its net; ``people`` names whom a recording shows, by its number.
    Windows that validate are learnt from too where ``learn_validation`` says that they are of no
    people of their own. Call it within :func:`~xmodal_ros.training.trainer.repeatable`.
    """
    grid = GRID if document.encoder.input == 'pictures' else None
    parts = [examples.training, examples.validation] if learn_validation else [examples.training]
    material = _gather(parts, people, seed, document.window.length_ns)
    if material is None:
        return _net_alone('too few windows to choose by', reporter)
    preprocessing = Preprocessing(document.preprocessing)
    sequences = _sequences(preprocessing, material.windows, grid)
    if sequences.shape[1] < 8:
        return _net_alone('windows are shorter than 8 steps', reporter)
    reporter.begin('choosing an encoder', len(MEMBERS))
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    classes = len(document.labels)
    members: list[Member] = []
    answers: dict[str, NDArray[np.float64]] = {}
    statistics: Tensor | None = None
    for number, config in enumerate(MEMBERS):
        reporter.advance(number, config.name)
        member = Member(config, sequences.shape[2], classes)
        if config.landmarks and statistics is not None:
            # The same features as those of the member before.
            member.features.load_state_dict(members[0].features.state_dict())
            inputs = member.prepare_features(statistics, generator)
        else:
            inputs = member.prepare(sequences, generator)
            statistics = inputs if statistics is None else statistics
        fitted = fit_ridge(
            inputs.numpy(), material.labels, material.groups, material.folds, classes
        )
        member.answer.weight.copy_(torch.from_numpy(fitted.weights.T))
        member.answer.bias.copy_(torch.from_numpy(fitted.offsets))
        members.append(member)
        answers[config.name] = _centred(fitted.held_out)
        reporter.advance(number + 1, config.name)
    answers[NET] = _net_answers(document, recipe, material, seed, device, reporter)
    return _combine(material, members, grid, answers, reporter)


def _combine(
    material: _Material,
    members: Sequence[Member],
    grid: tuple[int, int] | None,
    answers: dict[str, NDArray[np.float64]],
    reporter: ProgressReporter,
) -> EncoderChoice:
    names = [NET, *(member.config.name for member in members)]
    found = choose_weights({n: answers[n] for n in names}, material.labels, material.groups)
    weights, together, score = found.weights, found.together, found.score
    kept = [member for member in members if weights[member.config.name] > 0]
    share = _shares(weights, answers)
    chosen = {name: round(share[name], 3) for name in names if weights[name] > 0}
    document = {
        'chosen': chosen,
        'macro_f1': round(score, 4),
        'alone': {name: round(value, 4) for name, value in found.alone.items()},
        'folds': len(material.folds),
        'over': material.unit,
        'groups': len(np.unique(material.groups)),
        'windows': len(material.labels),
    }
    parts = ' + '.join(f'{name} {value:.0%}' for name, value in chosen.items())
    others = ', '.join(f'{name} {value:.3f}' for name, value in found.alone.items())
    reporter.note(
        f'encoder auto: {parts}, macro-F1 {score:.3f} on {material.unit} left out in '
        f'{len(material.folds)} folds; alone: {others}'
    )
    if not kept:
        return EncoderChoice(None, None, document)
    config = EnsembleConfig(
        net=weights[NET] > 0, members=tuple(member.config for member in kept), grid=grid
    )
    return EncoderChoice(
        _assemble(config, kept, weights), calibrate(together, material.labels), document
    )


def _assemble(
    config: EnsembleConfig, kept: Sequence[Member], weights: Mapping[str, float]
) -> Ensemble:
    channels = kept[0].channels // math.prod(config.grid or (1,))
    ensemble = Ensemble(config, channels, kept[0].answer.out_features)
    for own, member in zip(ensemble.members, kept, strict=True):
        own.load_state_dict(member.state_dict())
    values = [weights[NET], *(weights[member.config.name] for member in kept)]
    ensemble.weights.copy_(torch.tensor(values))
    return ensemble


def _net_alone(why: str, reporter: ProgressReporter) -> EncoderChoice:
    reporter.note(f'encoder auto: the net alone; {why}')
    return EncoderChoice(None, None, {'chosen': {NET: 1.0}, 'why': why})


def _gather(
    parts: Sequence[WindowsDataset], people: Sequence[str], seed: int, length_ns: int
) -> _Material | None:
    """Take labelled windows, of each activity a share of the most there may be."""
    labels = np.concatenate([part.labels[part.labelled] for part in parts])
    if len(labels) < _LEAST_WINDOWS:
        return None
    values = join([choose(part.values, part.labelled) for part in parts])
    classes = np.unique(labels)
    most = min(_MOST_WINDOWS, max(_LEAST_WINDOWS, _MOST_NUMBERS // int(np.prod(values.shape[1:]))))
    rows = np.sort(
        np.concatenate(
            [
                own[:: -(-len(own) * len(classes) // most)]
                for own in (np.flatnonzero(labels == each) for each in classes)
            ]
        )
    )

    def column(name: str) -> NDArray[np.int64]:
        whole = np.concatenate([getattr(part, name)[part.labelled] for part in parts])
        chosen: NDArray[np.int64] = whole[rows]
        return chosen

    recordings, ends_ns = column('recordings'), column('ends_ns')
    windows = WindowsDataset(np.asarray(choose(values, rows)), labels[rows], recordings, ends_ns)
    groups, folds, unit = _groups(windows, people, seed, length_ns)
    return _Material(windows, groups, folds, unit)


def _groups(
    windows: WindowsDataset, people: Sequence[str], seed: int, length_ns: int
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]], str]:
    """Say which windows (N,) are left out together, in which folds, and what they have in common.

    People; or else recordings, where each activity is in two at least; or else parts.
    """
    groups, unit = windows.recordings, 'recordings'
    person = [sorted(set(people)).index(name) for name in people]
    if len({person[recording] for recording in groups.tolist()}) > 1:
        groups, unit = np.array(person, np.int64)[groups], 'people'
    elif any(
        len(np.unique(groups[windows.labels == label])) < 2 for label in np.unique(windows.labels)
    ):
        groups = _parts_of_activities(windows, length_ns)
        folds = [np.arange(fold, _PARTS, _FOLDS) for fold in range(_FOLDS)]
        held_out = [fold for fold in folds if np.isin(groups, fold).any()]
        return groups, held_out, 'parts of a recording'
    found = np.unique(groups)
    shuffled = np.random.default_rng(seed).permutation(found)
    return groups, np.array_split(shuffled, min(_FOLDS, len(found))), unit


def _parts_of_activities(windows: WindowsDataset, length_ns: int) -> NDArray[np.int64]:
    """Number parts (N,) that each hold something of every activity, for they come in turns.

    Of stretches of an activity every so manieth; of one that goes on and on, the time is divided.
    """
    # Of many windows some are left out, which is no pause.
    apart_ns = np.diff(np.sort(windows.ends_ns))
    numbers = stretches(windows, max(length_ns, 2 * int(np.median(apart_ns))))
    parts = np.zeros(len(windows), np.int64)
    for label in np.unique(windows.labels):
        own = np.flatnonzero(windows.labels == label)
        found, turn = np.unique(numbers[own], return_inverse=True)
        if len(found) >= _FOLDS:
            parts[own] = turn % _PARTS
        else:
            order = np.lexsort((windows.ends_ns[own], windows.recordings[own]))
            # Not all in the first part, where each activity has a window or two.
            parts[own[order]] = (np.arange(len(own)) * _FOLDS // len(own) + label) % _FOLDS
    return parts


def _sequences(
    preprocessing: Preprocessing, windows: WindowsDataset, grid: tuple[int, int] | None
) -> Tensor:
    with torch.no_grad():
        parts = as_tensor(windows.values).split(_PART)
        return torch.cat([as_series(preprocessing(part), grid) for part in parts])


class _LastWeights(Callback):
    """Leave a fit with the weights as they were last validated."""

    def __init__(self) -> None:
        self._last: dict[str, Tensor] = {}

    def on_validation_end(self, trainer: Any, metrics: Any) -> None:  # noqa: ARG002
        """Keep them."""
        state = trainer.module.target.state_dict()
        self._last = {name: value.clone() for name, value in state.items()}

    def on_fit_end(self, trainer: Any) -> None:
        """Put them in place."""
        trainer.module.target.load_state_dict(self._last)


def _net_answers(
    document: BundleInfo,
    recipe: Recipe,
    material: _Material,
    seed: int,
    device: torch.device,
    reporter: ProgressReporter,
) -> NDArray[np.float64]:
    """Give a net's logits for windows of groups that it has not learnt from."""
    windows = material.windows
    answers = np.zeros((len(windows), len(document.labels)))
    for number, fold in enumerate(material.folds):
        out = np.isin(material.groups, fold)
        training, held = _rows(windows, ~out), _rows(windows, out)
        settings = recipe.fit
        bounded = replace(settings, most_steps=_MOST_STEPS[document.encoder.input])
        steps = steps_of_epoch(training, bounded, unlabelled=False)
        epochs = max(1, min(settings.epochs, _MOST_STEPS[document.encoder.input] // steps))
        stage = f'trying a net, {material.unit} {number + 1} of {len(material.folds)}'
        reporter.begin(stage, epochs)
        torch.manual_seed(seed)
        classifier: Classifier = document.make_classifier()
        prepare_encoder(classifier, training)
        classifier.to(device)
        last = _LastWeights()
        trainer = Trainer(
            classifier,
            training,
            Unimodal(Unimodal.Options()),
            {},
            recipe.augmentation,
            replace(bounded, epochs=epochs),
            seed,
            [WeightAveraging(settings.averaging), last, ProgressCallback(reporter)],
            name=stage,
        )
        few = np.zeros(len(held), dtype=bool)
        few[:: max(1, len(held) // 64)] = True
        trainer.fit(_rows(held, few))
        answers[out] = predict_logits(classifier, held.values).double().numpy()
    return _centred(answers)


def _rows(windows: WindowsDataset, chosen: NDArray[np.bool_]) -> WindowsDataset:
    return WindowsDataset(
        windows.values[chosen],
        windows.labels[chosen],
        windows.recordings[chosen],
        windows.ends_ns[chosen],
    )


def _centred(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = answers - answers.mean(axis=1, keepdims=True)
    return centred


def _shares(
    weights: Mapping[str, float], answers: dict[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Say how much of the common answer each is, by how far its scores spread."""
    parts = {name: weights[name] * float(answers[name].std()) for name in weights}
    total = sum(parts.values()) or 1.0
    return {name: value / total for name, value in parts.items()}
