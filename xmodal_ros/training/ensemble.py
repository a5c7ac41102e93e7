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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
import math
import sys
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor

from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.data.sampler import steps_of_epoch
from xmodal_ros.data.window_array import choose, join
from xmodal_ros.methods.method import Pending
from xmodal_ros.methods.source import NO_LABEL
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
from xmodal_ros.training.forest import fit_forest
from xmodal_ros.training.parts import FitHooks, IN_TURN, PartExecutor
from xmodal_ros.training.pretraining import pretrain
from xmodal_ros.training.ridge import fit_ridge
from xmodal_ros.training.stacking import (
    choose_weights,
    compare_by_group,
    ENOUGH_GROUPS,
    score_of,
    Stacked,
)
from xmodal_ros.training.together import centred, HeldOutAnswers, NET
from xmodal_ros.training.trainer import predict_logits, prepare_encoder, Trainer

_FOLDS: Final = 3
# Of one recording, a multiple of the folds.
_PARTS: Final = 9
_NEVER_LEFT_OUT: Final = -1
_LEAST_WINDOWS: Final = 20
_LEAST_PEOPLE: Final = 3
# Windows overlap: more say little more, and closed forms take the square of their number.
_MOST_WINDOWS: Final = 4000
_QUICK_WINDOWS: Final = 500
_MOST_NUMBERS: Final = 100_000_000
# What a net that is only to be compared may take.
_MOST_STEPS: Final = {'sequence': 800, 'spectrogram': 300, 'pictures': 300}
_PART: Final = 64
# How strong a ridge is where those who are left out are too few to choose by: of features, and of
# likenesses to landmarks.
_USUAL_STRENGTH: Final = 0.3
_USUAL_STRENGTH_OF_LIKENESS: Final = 0.01


@dataclass(frozen=True, eq=False)
class EncoderChoice:
    """What was chosen: the members, how sure they are, and how that was found, as a document.

    Without an ``ensemble`` the net answers alone, and without a ``document`` nothing was to be
    chosen. ``held_out`` is what members answered where they were tried.
    """

    ensemble: Ensemble | None = None
    calibration: Calibration | None = None
    document: dict[str, Any] = field(default_factory=dict)
    held_out: HeldOutAnswers | None = None

    def with_sources(self, sources: Sequence[str]) -> tuple[str, ...]:
        """Give ``sources``, those that the net learnt from, and behind them the members'."""
        taught = self.document.get('pseudo_labels', {'by': ()})['by']
        return tuple(dict.fromkeys([*sources, *taught]))


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """Class indices ``labels`` (N,) for the target's training windows, and ``by`` which sources.

    Those that have a label, and those that no source saw, have NO_LABEL. ``net`` says whether the
    net has learnt from sources as well.
    """

    labels: NDArray[np.int64]
    by: tuple[str, ...]
    net: bool


@dataclass(frozen=True, eq=False)
class _Material:
    """Windows with labels, the group of each, and the groups that are left out together.

    Answers are ``judged`` (N,) by the labels that somebody gave, and not by those of sources; of
    activities that others show too, for what nobody else shows none could have learnt.
    """

    windows: WindowsDataset
    groups: NDArray[np.int64]
    folds: list[NDArray[np.int64]]
    unit: str
    judged: NDArray[np.bool_]

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.windows.labels

    @property
    def judged_labels(self) -> NDArray[np.int64]:
        return self.labels[self.judged]

    @property
    def judged_groups(self) -> NDArray[np.int64]:
        return self.groups[self.judged]


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
    pseudo: PseudoLabels | None = None,
    executor: PartExecutor = IN_TURN,
    nets: 'NetsTried | None' = None,
) -> EncoderChoice:
    """Choose the members of a sensor's ensemble and fit them.

    ``document`` is that of its net; ``people`` names whom a recording shows, by its number.
    Windows that validate are learnt from too where ``learn_validation`` says that they are of no
    people of their own. With ``pseudo`` labels members learn by what sources decided, too, where
    that makes the common answer better for those left out. ``nets`` are those of
    :func:`try_nets`, where they have begun; without, they are tried by ``executor``. Call it
    within :func:`~xmodal_ros.training.trainer.repeatable`.
    """
    grid = GRID if document.encoder.input == 'pictures' else None
    most = _most_windows(recipe, examples.training)
    material = (
        _material(document, recipe, examples, seed, people, learn_validation)
        if nets is None
        else nets.material
    )
    if material is None:
        return _net_alone('too few windows to choose by', document, reporter)
    taught = (
        None
        if pseudo is None
        else _with_pseudo_labels(material, examples.training, pseudo, people, most)
    )
    reporter.begin(
        f'choosing an encoder of {document.sensor}',
        len(MEMBERS) * (len(material.folds) + 1) * (1 if taught is None else 2),
    )
    shown = taught if taught is not None and pseudo is not None and pseudo.net else material
    if nets is None or shown is not material:
        whole = examples.training
        nets = _try_nets(
            document, recipe, shown, whole, people, seed, device, reporter, executor, later=False
        )
    preprocessing = Preprocessing(document.preprocessing)
    sequences = _sequences(preprocessing, (taught or material).windows, grid, reporter)
    if sequences.shape[1] < 8:
        choice = _net_alone('windows are shorter than 8 steps', document, reporter)
        if not _tells_of_people(material):
            return choice
        return replace(choice, calibration=calibrate(nets.answers(), material.judged_labels))
    classes = len(document.labels)
    # Those with a label come first.
    ways = [_fit_members(material, sequences[: len(material.labels)], classes, seed, reporter)]
    if taught is not None:
        ways.append(_fit_members(taught, sequences, classes, seed, reporter, again=True))
    net = nets.answers()
    found = [
        choose_weights({NET: net, **way.answers}, material.judged_labels, material.judged_groups)
        for way in ways
    ]
    best = int(len(ways) > 1 and _pays(found[0], found[1], material))
    said: dict[str, Any] = {}
    if pseudo is not None and taught is not None:
        count = len(taught.labels) - len(material.labels)
        said['pseudo_labels'] = {
            'by': list(pseudo.by) if best else [],
            'windows': count,
            'macro_f1': [round(each.score, 4) for each in found],
        }
        reporter.note(_told(pseudo, count, found, taught.unit, used=bool(best)))
    choice = _combine(
        material,
        ways[best],
        grid,
        {NET: net, **ways[best].answers},
        found[best],
        said,
        document.sensor,
        reporter,
    )
    windows, judged = material.windows, material.judged
    return replace(
        choice,
        held_out=HeldOutAnswers(
            windows.recordings[judged],
            windows.ends_ns[judged],
            material.judged_labels,
            material.judged_groups,
            material.unit,
            ways[0].answers,
            ways[best].answers,
        ),
    )


def try_nets(
    document: BundleInfo,
    recipe: Recipe,
    examples: DatasetSplit,
    seed: int,
    device: torch.device,
    reporter: ProgressReporter,
    executor: PartExecutor,
    *,
    people: Sequence[str],
    learn_validation: bool,
    people_alone: bool = False,
) -> 'NetsTried | None':
    """Begin what :func:`choose_ensemble` or :func:`calibrate_on_people` has to know of the net.

    The latter asks for ``people_alone``, three at least. None where too little is labelled.
    """
    material = _material(document, recipe, examples, seed, people, learn_validation)
    if material is None or (people_alone and not _tells_of_people(material)):
        return None
    whole = examples.training
    return _try_nets(
        document, recipe, material, whole, people, seed, device, reporter, executor, later=True
    )


def calibrate_on_people(nets: 'NetsTried', sensor: str, reporter: ProgressReporter) -> Calibration:
    """Calibrate a sensor's one encoder by what it answered of people left out."""
    answers, labels = nets.answers(), nets.material.judged_labels
    reporter.note(
        f'{sensor} reached macro-F1 {score_of(answers, labels):.3f} on people left out in '
        f'{len(nets.material.folds)} folds, and is calibrated on these'
    )
    return calibrate(answers, labels)


def _tells_of_people(material: _Material) -> bool:
    """Say whether enough people are left out to say how sure answers are of others."""
    return material.unit == 'people' and len(np.unique(material.judged_groups)) >= _LEAST_PEOPLE


def _material(
    document: BundleInfo,
    recipe: Recipe,
    examples: DatasetSplit,
    seed: int,
    people: Sequence[str],
    learn_validation: bool,
) -> _Material | None:
    parts = [examples.training, examples.validation] if learn_validation else [examples.training]
    most = _most_windows(recipe, examples.training)
    return _gather(parts, people, seed, document.window.length_ns, most)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """Members, and the centred answers (N, classes) of each to windows it has not learnt from."""

    members: list[Member]
    answers: dict[str, NDArray[np.float64]]


def _fit_members(
    material: _Material,
    sequences: Tensor,
    classes: int,
    seed: int,
    reporter: ProgressReporter,
    *,
    again: bool = False,
) -> _Fitted:
    """Fit each member without those of each fold, and to all; ``again`` with pseudo-labels."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    fitted = _Fitted([], {})
    statistics: Tensor | None = None
    few = len(np.unique(material.judged_groups)) < ENOUGH_GROUPS
    folds = len(material.folds)
    name_of = '{} with pseudo-labels' if again else '{}'
    for number, config in enumerate(MEMBERS, len(MEMBERS) if again else 0):
        first, name = number * (folds + 1), name_of.format(config.name)

        def tell(fit: int, what: str, first: int = first, name: str = name) -> None:
            left_out = f'{material.unit} {fit + 1} of {folds} left out'
            whom = left_out if fit < folds else f'all {material.unit}'
            reporter.advance(first + fit, f'{name}, {whom}: {what}')

        reporter.advance(first, f'{name}: describing {len(sequences)} windows')
        member = Member(config, sequences.shape[2], classes)
        if config.features == MEMBERS[0].features and statistics is not None:
            # The same features as those of the first member.
            member.features.load_state_dict(fitted.members[0].features.state_dict())
            inputs = member.prepare_features(statistics, generator)
        else:
            inputs = member.prepare(sequences, generator)
            statistics = inputs if statistics is None else statistics
        held_out = _fit_answer(member, inputs.numpy(), material, classes, seed, tell, few=few)
        fitted.members.append(member)
        fitted.answers[config.name] = centred(held_out[material.judged])
        reporter.advance(first + folds + 1, name)
    return fitted


def _fit_answer(
    member: Member,
    inputs: NDArray[np.float32],
    material: _Material,
    classes: int,
    seed: int,
    tell: Callable[[int, str], None],
    *,
    few: bool,
) -> NDArray[np.float64]:
    """Fit a member's answer to ``inputs`` (N, K); give the scores (N, classes) of those left out.

    With ``few`` groups how strong a ridge is is not chosen by them.
    """
    config = member.config
    learnt = (inputs, material.labels, material.groups, material.folds, classes)
    if config.forest is not None:
        grown = fit_forest(*learnt, seed, tell)
        member.take(grown.forest)
        return grown.held_out
    usual = _USUAL_STRENGTH_OF_LIKENESS if config.landmarks else _USUAL_STRENGTH
    ridge = fit_ridge(*learnt, material.judged, usual if few else None, tell)
    linear = nn.Linear(inputs.shape[1], classes).requires_grad_(requires_grad=False)
    linear.weight.copy_(torch.from_numpy(ridge.weights.T))
    linear.bias.copy_(torch.from_numpy(ridge.offsets))
    member.take(linear)
    return ridge.held_out


def _pays(alone: Stacked, taught: Stacked, material: _Material) -> bool:
    """Say whether members that learnt from pseudo-labels make the common answer better.

    More right over all windows, and in the mean over those left out by more than its standard
    error where they are enough to tell, for sources have learnt the labels of all of them.
    """
    if taught.score <= alone.score or not any(
        weight for name, weight in taught.weights.items() if name != NET
    ):
        return False
    found = compare_by_group(
        taught.together, alone.together, material.judged_labels, material.judged_groups
    )
    return found.units < ENOUGH_GROUPS or found.gain > found.error


def _told(
    pseudo: PseudoLabels, windows: int, found: Sequence[Stacked], unit: str, *, used: bool
) -> str:
    alone, together = (each.score for each in found)
    return (
        f'{" and ".join(pseudo.by)} said what {windows} windows without a '
        f'label show: learning by that takes macro-F1 from {alone:.3f} to {together:.3f} on '
        f'{unit} left out' + ('' if used else ', so it is left')
    )


def _combine(
    material: _Material,
    fitted: _Fitted,
    grid: tuple[int, int] | None,
    answers: dict[str, NDArray[np.float64]],
    found: Stacked,
    said: Mapping[str, Any],
    sensor: str,
    reporter: ProgressReporter,
) -> EncoderChoice:
    names = [NET, *(member.config.name for member in fitted.members)]
    weights, together, score = found.weights, found.together, found.score
    kept = [member for member in fitted.members if weights[member.config.name] > 0]
    share = _shares(weights, answers)
    chosen = {name: round(share[name], 3) for name in names if weights[name] > 0}
    document = {
        'chosen': chosen,
        'macro_f1': round(score, 4),
        'alone': {name: round(value, 4) for name, value in found.alone.items()},
        'folds': len(material.folds),
        'over': material.unit,
        'groups': len(np.unique(material.judged_groups)),
        'windows': len(material.judged_labels),
        **said,
    }
    parts = ' + '.join(f'{name} {value:.0%}' for name, value in chosen.items())
    others = ', '.join(f'{name} {value:.3f}' for name, value in found.alone.items())
    reporter.note(
        f'encoder auto of {sensor}: {parts}, macro-F1 {score:.3f} on {material.unit} left out in '
        f'{len(material.folds)} folds; alone: {others}'
    )
    if not kept:
        # As it is: what weighs nothing beside it may have left it a weight other than one.
        return EncoderChoice(None, calibrate(answers[NET], material.judged_labels), document)
    config = EnsembleConfig(
        net=weights[NET] > 0, members=tuple(member.config for member in kept), grid=grid
    )
    return EncoderChoice(
        _assemble(config, kept, weights, together.shape[1]),
        calibrate(together, material.judged_labels),
        document,
    )


def _assemble(
    config: EnsembleConfig, kept: Sequence[Member], weights: Mapping[str, float], classes: int
) -> Ensemble:
    channels = kept[0].channels // math.prod(config.grid or (1,))
    ensemble = Ensemble(config, channels, classes)
    for own, member in zip(ensemble.members, kept, strict=True):
        own.load_state_dict(member.state_dict())
    values = [weights[NET], *(weights[member.config.name] for member in kept)]
    ensemble.weights.copy_(torch.tensor(values))
    return ensemble


def _net_alone(why: str, document: BundleInfo, reporter: ProgressReporter) -> EncoderChoice:
    reporter.note(f'encoder auto of {document.sensor}: the net alone; {why}')
    return EncoderChoice(document={'chosen': {NET: 1.0}, 'why': why})


def _most_windows(recipe: Recipe, windows: WindowsDataset) -> int:
    """Say how many windows members may learn from."""
    most = _QUICK_WINDOWS if recipe.quick else _MOST_WINDOWS
    return min(most, _MOST_NUMBERS // int(np.prod(windows.values.shape[1:])))


def _gather(
    parts: Sequence[WindowsDataset], people: Sequence[str], seed: int, length_ns: int, most: int
) -> _Material | None:
    """Take labelled windows, of each activity a share of the most there may be."""
    labels = np.concatenate([part.labels[part.labelled] for part in parts])
    if len(labels) < _LEAST_WINDOWS:
        return None
    values = join([choose(part.values, part.labelled) for part in parts])
    rows = _share(labels, max(_LEAST_WINDOWS, most))

    def column(name: str) -> NDArray[np.int64]:
        whole = np.concatenate([getattr(part, name)[part.labelled] for part in parts])
        chosen: NDArray[np.int64] = whole[rows]
        return chosen

    recordings, ends_ns = column('recordings'), column('ends_ns')
    windows = WindowsDataset(choose(values, rows), labels[rows], recordings, ends_ns)
    groups, folds, unit = _groups(windows, people, seed, length_ns)
    return _Material(windows, groups, folds, unit, _judged(windows.labels, groups, folds))


def _with_pseudo_labels(
    material: _Material,
    training: WindowsDataset,
    pseudo: PseudoLabels,
    people: Sequence[str],
    most: int,
) -> _Material | None:
    """Add windows that sources decided on, of each activity a share of the most there may be.

    None where there are none. Of a recording whose parts are left out they are not taken, for
    windows of one part overlap those of another.
    """
    own, labels = material.windows, pseudo.labels
    if material.unit == 'people':
        whole = _persons(people)[training.recordings]
    elif material.unit == 'recordings':
        whole = training.recordings
    else:
        labels = np.where(np.isin(training.recordings, own.recordings), NO_LABEL, labels)
        whole = np.full(len(labels), _NEVER_LEFT_OUT)
    rows = _share(labels, max(1, most - len(material.labels)))
    if not len(rows):
        return None
    windows = WindowsDataset(
        join([own.values, choose(training.values, rows)]),
        np.concatenate([own.labels, labels[rows]]),
        np.concatenate([own.recordings, training.recordings[rows]]),
        np.concatenate([own.ends_ns, training.ends_ns[rows]]),
    )
    judged = np.concatenate([material.judged, np.zeros(len(rows), dtype=bool)])
    groups = np.concatenate([material.groups, whole[rows]])
    return _Material(windows, groups, material.folds, material.unit, judged)


def _share(labels: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Give rows that have a label, of each activity an even share of so many."""
    classes = np.unique(labels[labels != NO_LABEL])
    each = [np.flatnonzero(labels == label) for label in classes]
    rows = [own[:: -(-len(own) * len(classes) // most)] for own in each]
    return np.sort(np.concatenate([np.zeros(0, np.int64), *rows]))


def _judged(
    labels: NDArray[np.int64], groups: NDArray[np.int64], folds: Sequence[NDArray[np.int64]]
) -> NDArray[np.bool_]:
    """Give the windows (N,) of activities that some show who are not left out with them.

    All, where these are no more than half of the activities: they would say too little of others.
    """
    shown = _shown_by_others(labels, groups, folds)
    return shown if _are_most(shown, labels) else np.ones(len(labels), dtype=bool)


def _shown_by_others(
    labels: NDArray[np.int64], groups: NDArray[np.int64], folds: Sequence[NDArray[np.int64]]
) -> NDArray[np.bool_]:
    shown = np.zeros(len(labels), dtype=bool)
    for fold in folds:
        out = np.isin(groups, fold)
        shown[out] = np.isin(labels[out], labels[~out])
    return shown


def _are_most(shown: NDArray[np.bool_], labels: NDArray[np.int64]) -> bool:
    """Say whether the windows ``shown`` (N,) are of more than half of the activities."""
    return 2 * len(np.unique(labels[shown])) > len(np.unique(labels))


def _persons(people: Sequence[str]) -> NDArray[np.int64]:
    """Number whom each recording (R,) shows."""
    names = sorted(set(people))
    return np.array([names.index(name) for name in people], np.int64)


def _groups(
    windows: WindowsDataset, people: Sequence[str], seed: int, length_ns: int
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]], str]:
    """Say which windows (N,) are left out together, in which folds, and what they have in common.

    People, where others show most of what they do; or else recordings, where each activity is in
    two at least; or else parts.
    """
    persons = _persons(people)[windows.recordings]
    if len(np.unique(persons)) > 1:
        folds = _folds(persons, seed)
        if _are_most(_shown_by_others(windows.labels, persons, folds), windows.labels):
            return persons, folds, 'people'
    groups = windows.recordings
    if any(
        len(np.unique(groups[windows.labels == label])) < 2 for label in np.unique(windows.labels)
    ):
        groups = _parts_of_activities(windows, length_ns)
        folds = [np.arange(fold, _PARTS, _FOLDS) for fold in range(_FOLDS)]
        held_out = [fold for fold in folds if np.isin(groups, fold).any()]
        return groups, held_out, 'parts of a recording'
    return groups, _folds(groups, seed), 'recordings'


def _folds(groups: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    found = np.unique(groups)
    shuffled = np.random.default_rng(seed).permutation(found)
    return np.array_split(shuffled, min(_FOLDS, len(found)))


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
    preprocessing: Preprocessing,
    windows: WindowsDataset,
    grid: tuple[int, int] | None,
    reporter: ProgressReporter,
) -> Tensor:
    series = []
    with torch.no_grad():
        for number, part in enumerate(as_tensor(windows.values).split(_PART)):
            reporter.advance(0, f'reading window {number * _PART + 1} of {len(windows)}')
            series.append(as_series(preprocessing(part), grid))
        return torch.cat(series)


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


@dataclass(frozen=True, eq=False)
class NetsTried:
    """Nets that each answer windows of groups that they have not learnt from."""

    material: _Material
    classes: int
    parts: Sequence[tuple[NDArray[np.bool_], Pending[NDArray[np.float64]]]]

    def answers(self) -> NDArray[np.float64]:
        """Give centred logits (N, classes) for all windows that are judged."""
        judged = self.material.judged
        answers = np.zeros((len(judged), self.classes))
        for held, part in self.parts:
            answers[held] = part.result()
        return centred(answers[judged])


def _try_nets(
    document: BundleInfo,
    recipe: Recipe,
    material: _Material,
    whole: WindowsDataset,
    people: Sequence[str],
    seed: int,
    device: torch.device,
    reporter: ProgressReporter,
    executor: PartExecutor,
    *,
    later: bool,
) -> NetsTried:
    """Begin to try a net on each fold.

    Where nets are pretrained it is too, on windows of the ``whole`` of the others.
    """
    windows = material.windows
    parts = []
    for number, fold in enumerate(material.folds):
        out = np.isin(material.groups, fold)
        training = windows.only(~out)
        out &= material.judged
        if not out.any():
            continue
        shown = training
        if recipe.fit.pretrain:
            others = _of_others(whole, material, windows.recordings[out], people)
            shown = others if len(others) else training
        name = f'{material.unit} {number + 1} of {len(material.folds)}'
        net = _NetOfPart(document, recipe, training, windows.only(out), shown, seed, device, name)
        parts.append((out, executor.submit(net, FitHooks(reporter), later=later)))
    return NetsTried(material, len(document.labels), parts)


@dataclass(frozen=True, eq=False)
class _NetOfPart:
    """Train a net that is only to be compared, and give its logits for windows ``held`` out.

    It is pretrained on those that are ``shown``, where its recipe says so.
    """

    document: BundleInfo
    recipe: Recipe
    training: WindowsDataset
    held: WindowsDataset
    shown: WindowsDataset
    seed: int
    device: torch.device
    name: str

    def __call__(self, hooks: FitHooks) -> NDArray[np.float64]:
        document, recipe, reporter = self.document, self.recipe, hooks.reporter
        training, held = _in_memory(self.training), _in_memory(self.held)
        settings = recipe.fit
        most = min(_MOST_STEPS[document.encoder.input], settings.most_steps or sys.maxsize)
        bounded = replace(settings, most_steps=most)
        steps = steps_of_epoch(training, bounded, unlabelled=False)
        epochs = max(1, min(settings.epochs, most // steps))
        stage = f'trying a net of {document.sensor}, {self.name}'
        torch.manual_seed(self.seed)
        classifier: Classifier = document.make_classifier()
        prepare_encoder(classifier, training)
        classifier.to(self.device)
        if settings.pretrain:
            begun = f'pretraining a net of {document.sensor}, {self.name}'
            reporter.begin(begun, settings.pretrain)
            pretrain(
                classifier,
                self.shown,
                recipe.augmentation,
                settings,
                self.seed,
                reporter.advance,
            )
        reporter.begin(stage, epochs)
        last = _LastWeights()
        trainer = Trainer(
            classifier,
            training,
            Unimodal(Unimodal.Options()),
            {},
            recipe.augmentation,
            replace(bounded, epochs=epochs),
            self.seed,
            [WeightAveraging(settings.averaging), last, ProgressCallback(reporter)],
            name=stage,
        )
        few = np.zeros(len(held), dtype=bool)
        few[:: max(1, len(held) // 64)] = True
        trainer.fit(held.only(few))
        return predict_logits(classifier, held.values).double().numpy()


def _in_memory(windows: WindowsDataset) -> WindowsDataset:
    return replace(windows, values=np.asarray(windows.values))


def _of_others(
    whole: WindowsDataset, material: _Material, left_out: NDArray[np.int64], people: Sequence[str]
) -> WindowsDataset:
    """Give the windows, without a label too, of people or recordings other than those left out."""
    whom = _persons(people) if material.unit == 'people' else np.arange(len(people))
    return whole.only(~np.isin(whom[whole.recordings], whom[left_out]))


def _shares(
    weights: Mapping[str, float], answers: dict[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Say how much of the common answer each is, by how far its scores spread."""
    parts = {name: weights[name] * float(answers[name].std()) for name in weights}
    total = sum(parts.values()) or 1.0
    return {name: value / total for name, value in parts.items()}
