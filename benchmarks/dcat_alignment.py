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

"""What does D-CAT's loss do while it is learnt, and would another source do as well?

    python benchmarks/dcat_alignment.py STUDY --recordings BAG... --target camera --source imu \
        --train 1 3 5 --test 7 [--controls real untrained shuffled] [--option weight=3] [--json F]

With the windows and settings of a study, a source is trained and a target learns from it by D-CAT.
Printed are how much of the source's ``N(KᵀV)`` all windows have in common, how much activities and
how much single windows; over the training the loss on labels, the alignment loss with the own
partner and with partners of others, and the size of its gradient as a share of that of the labels,
with their cosine; and the score. Controls are a source that was never trained, and one whose
windows are paired at random. Give no test subject of a study as --test: this is for choosing.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import json
from pathlib import Path
import sys
import tempfile
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional

from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.datamodule import load_recordings
from xmodal_ros.data.recording import RecordingWindows
from xmodal_ros.data.scan import scan
from xmodal_ros.errors import TrainingError, XmodalError
from xmodal_ros.methods import training_module as module
from xmodal_ros.methods.dcat import alignment_loss, Dcat, DcatOptions
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.source import PairedSource, Source
from xmodal_ros.methods.training_module import LossTerms, TrainingModule
from xmodal_ros.metrics.scores import score
from xmodal_ros.models.classifier import Classifier, Outputs, probabilities
from xmodal_ros.progress import NullReporter
from xmodal_ros.studies.datamodule import GroupData, prepare_group
from xmodal_ros.studies.recipes import make_recipes, place_sensors
from xmodal_ros.studies.runs import Fold, Group
from xmodal_ros.studies.specification import Direction, Labels, load_study
from xmodal_ros.training.calibration import calibrate
from xmodal_ros.training.trainer import fit, make_source, predict_logits, repeatable
from xmodal_ros.training.transfer_trainer import TransferTrainer

CONTROLS: Final = ('real', 'untrained', 'shuffled')
_SHOWN: Final = 4


@dataclass(frozen=True)
class Look:
    """One step: both losses, that with others' partners, and the gradients' ratio and cosine."""

    step: int
    task: float
    alignment: float
    alignment_to_others: float
    gradient_share: float
    gradient_cosine: float


class WatchedDcat(Dcat, abstract=True):
    """D-CAT that looks at its losses and gradients every so many steps; it changes nothing."""

    def __init__(self, options: DcatOptions, every: int) -> None:
        super().__init__(options)
        self.looks: list[Look] = []
        self._every = every
        self._step = 0

    def make_module(self, task: module.TransferTask) -> TrainingModule:
        """Remember who learns."""
        self._target = task.target
        return super().make_module(task)

    def compute_loss(
        self, task_loss: Tensor, target: Outputs, sources: Mapping[str, PairedSource]
    ) -> LossTerms:
        """Look now and then, and give what D-CAT gives."""
        if self._step % self._every == 0 and sources:
            self._look(task_loss, target, next(iter(sources.values())))
        self._step += 1
        return super().compute_loss(task_loss, target, sources)

    def _look(self, task_loss: Tensor, target: Outputs, source: PairedSource) -> None:
        ours = (target.key[source.rows], target.value[source.rows])
        theirs = (source.outputs.key, source.outputs.value)
        of_another = (theirs[0].roll(1, dims=0), theirs[1].roll(1, dims=0))
        own = alignment_loss(*ours, *theirs, self.options)
        others = alignment_loss(*ours, *of_another, self.options)
        # What both losses reach: all before and in the keys and values.
        shared = [
            parameter
            for name, parameter in self._target.named_parameters()
            if name.startswith(('encoder', 'attention.project_key', 'attention.project_value'))
        ]
        by_task, by_alignment = (
            torch.cat([g.flatten() for g in torch.autograd.grad(loss, shared, retain_graph=True)])
            for loss in (task_loss, own)
        )
        self.looks.append(
            Look(
                self._step,
                task_loss.item(),
                own.item(),
                others.item(),
                (by_alignment.norm() / by_task.norm()).item(),
                functional.cosine_similarity(by_alignment, by_task, dim=0).item(),
            )
        )


def shares(outputs: Outputs, labels: Tensor) -> dict[str, float]:
    """Say what the Frobenius-normalised matrices (N, heads, d, d) are made of, as shares of one.

    ``common`` is the mean over all windows, ``activity`` what means of activities differ by, and
    ``window`` the rest.
    """
    matrices = outputs.key.transpose(-2, -1) @ outputs.value
    flat = (matrices / torch.linalg.matrix_norm(matrices, keepdim=True)).flatten(1)
    size = flat.square().sum(dim=1).mean()
    mean = flat.mean(dim=0)
    of_label = torch.stack(
        [flat[labels == label].mean(dim=0) for label in range(int(labels.max()) + 1)]
    )
    own = of_label[labels]
    return {
        'common': float(mean.square().sum() / size),
        'activity': float((own - mean).square().sum(dim=1).mean() / size),
        'window': float((flat - own).square().sum(dim=1).mean() / size),
    }


def controlled(source: Source, control: str, untrained: Classifier, seed: int) -> Source:
    """Give the source, or the control that takes its place."""
    if control == 'real':
        return source
    in_time, classifier = source.in_time, untrained
    if control == 'shuffled':
        classifier, in_time = source.classifier, source.in_time.clone()
        paired = torch.nonzero(in_time >= 0)[:, 0]
        generator = torch.Generator().manual_seed(seed)
        in_time[paired] = in_time[paired[torch.randperm(len(paired), generator=generator)]]
    return Source(
        source.name,
        classifier,
        source.windows,
        in_time,
        classifier.head.out_features,
        source.augment,
    )


def watch(
    task: GroupData,
    recipes: Mapping[str, Recipe],
    target: str,
    source: str,
    options: DcatOptions,
    controls: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """Train the source, then the target once for each control."""
    sets, device = task.sets, torch.device('cpu')
    trainer = TransferTrainer(
        target, (source,), task.labels, recipes, sets, seed, device, NullReporter()
    )
    found: dict[str, Any] = {'options': options.model_dump(), 'seed': seed, 'runs': {}}
    with repeatable(seed):
        trained = make_source(
            source,
            trainer.train_source(source).classifier,
            sets[source].training,
            sets[target].training,
            len(task.labels),
            recipes[source].augmentation,
        )
        found['shares'] = shares(trained.outputs, trained.windows.labels)
        untrained = trainer.document(source).make_classifier()
    for control in controls:
        settings = recipes[target].fit
        method = WatchedDcat(options, max(1, len(sets[target].training) // settings.batch_size))
        with repeatable(seed):
            torch.manual_seed(seed)
            fitted = fit(
                trainer.document(target).make_classifier(),
                sets[target].training,
                sets[target].validation,
                method,
                {source: controlled(trained, control, untrained, seed)},
                recipes[target].augmentation,
                settings,
                seed,
            )
            validated = predict_logits(fitted.classifier, sets[target].validation.values)
            temperature = calibrate(
                validated.double().numpy(), sets[target].validation.labels
            ).temperature
            chances = probabilities(
                predict_logits(fitted.classifier, task.test.values), temperature
            ).numpy()
        scored = score(task.labels, chances, task.test.truth, task.test.clips)
        found['runs'][control] = {
            'macro_f1': scored.macro_f1,
            'looks': [asdict(look) for look in method.looks],
        }
    return found


def main(arguments: Sequence[str]) -> None:
    """Read the arguments, train and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('study')
    parser.add_argument('--recordings', nargs='+', type=Path, required=True)
    parser.add_argument('--target', required=True)
    parser.add_argument('--source', required=True)
    parser.add_argument('--train', nargs='+', required=True)
    parser.add_argument('--test', nargs='+', required=True)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--controls', nargs='+', choices=CONTROLS, default=CONTROLS)
    parser.add_argument('--option', nargs='*', default=[], metavar='NAME=VALUE')
    parser.add_argument('--json', type=Path)
    chosen = parser.parse_args(arguments)
    try:
        dcat = make_method('dcat', dict(option.split('=', 1) for option in chosen.option))
        assert isinstance(dcat, Dcat)
        with tempfile.TemporaryDirectory() as folder:
            task, recipes = _learnt(chosen, Path(folder))
            found = watch(
                task,
                recipes,
                chosen.target,
                chosen.source,
                dcat.options,
                chosen.controls,
                chosen.seed,
            )
    except XmodalError as error:
        parser.exit(1, f'error: {error}\n')
    _print(found)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + '\n', encoding='utf-8')


def _learnt(chosen: argparse.Namespace, windows: Path) -> tuple[GroupData, dict[str, Recipe]]:
    targets = {chosen.target: ((chosen.source,),)}
    study = load_study(chosen.study).model_copy(update={'targets': targets})
    direction = Direction(train=tuple(chosen.train), test=tuple(chosen.test))
    options, silent = DataOptions(windows, strict=True), NullReporter()
    found = scan(chosen.recordings, lambda _: study.sensor_names, options, silent)
    facts = [place_sensors(study, fact) for fact in found.usable]
    facts = [fact for fact in facts if fact.subject in {*direction.train, *direction.test}]
    if not facts:
        raise TrainingError('none of the recordings shows a subject named: see --train and --test')
    recipes = make_recipes(study, facts)
    fold = Fold('across', 0, direction)
    group = Group(chosen.target, (chosen.source,), fold, Labels(), chosen.seed, ())
    read = load_recordings(facts, recipes, options, silent)
    recordings = [each for each in read if isinstance(each, RecordingWindows)]
    return prepare_group(recordings, recipes, group), recipes


def _print(found: Mapping[str, Any]) -> None:
    print('N(KᵀV) of the source:', _rounded(found['shares']))
    for control, run in found['runs'].items():
        print(f'{control}: macro-F1 per clip {run["macro_f1"]:.3f}')
        looks = run['looks']
        for look in looks[:: max(1, len(looks) // _SHOWN)]:
            print('  ', _rounded(look))


def _rounded(numbers: Mapping[str, float]) -> str:
    return ', '.join(f'{name} {round(value, 3)}' for name, value in numbers.items())


if __name__ == '__main__':
    main(sys.argv[1:])
