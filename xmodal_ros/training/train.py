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

"""From a configuration to a bundle: what is learnt in which order, and how it is scored."""

from collections.abc import Callable, Sequence
import json
import time

import numpy as np
import torch

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.data.datamodule import DataModule, prepare_data
from xmodal_ros.data.dataset import DatasetSplit
from xmodal_ros.data.window_split import why_left_out
from xmodal_ros.errors import UsageError
from xmodal_ros.evaluation.scoring import evaluate, evaluate_bag, Evaluation
from xmodal_ros.methods.method import make_method, method_names, TransferMethod
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.models.bundle import Bundle, save_bundle
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.description import describe_model
from xmodal_ros.models.replacing import check_replaceable, replaced_bundle
from xmodal_ros.progress import NullReporter, ProgressReporter
from xmodal_ros.runtime.devices import choose_device, make_deterministic
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.offline import classify_bag, sensor_for
from xmodal_ros.training.answering import choose_answering
from xmodal_ros.training.calibration import calibrate
from xmodal_ros.training.callbacks import Callback
from xmodal_ros.training.card import model_card
from xmodal_ros.training.checkpoint import CheckpointStore, kept_nowhere
from xmodal_ros.training.checkpoint_store import (
    check_resumable,
    describe_code,
    describe_run,
    describe_weights,
    describe_windows,
    main_process_store,
    run_checkpoints,
)
from xmodal_ros.training.distributed import DistributedContext, SINGLE_PROCESS
from xmodal_ros.training.ensemble import (
    calibrate_on_people,
    choose_ensemble,
    EncoderChoice,
    NetsTried,
    PseudoLabels,
    try_nets,
)
from xmodal_ros.training.epoch_log import EpochLogger
from xmodal_ros.training.freed_memory import freed_memory_kept
from xmodal_ros.training.parts import IN_TURN, PartExecutor, processes_for
from xmodal_ros.training.result import bundle_scores, provenance, TrainingResult
from xmodal_ros.training.trainer import FitResult, predict_answers, repeatable
from xmodal_ros.training.transfer_trainer import TransferTrainer


def train(
    config: TrainingConfiguration,
    reporter: ProgressReporter | None = None,
    *,
    method: TransferMethod | None = None,
    logger: EpochLogger | None = None,
    context: DistributedContext = SINGLE_PROCESS,
) -> TrainingResult:
    """Train the target as configured, score it on the test subjects and write its bundle.

    Sources that the method wants frozen are trained first, each alone. The scores come from the
    live engine. With ``resume`` it goes on where a run like it was ended, and gives the same
    bundle as one that never was. ``method`` is what ``config`` names, where the caller has made
    it. ``logger`` gets every epoch; ``json``, ``log`` and
    ``tensorboard`` are the caller's to write. Of several ``context`` the others :func:`assist`
    meanwhile. Raises :class:`XmodalError` subclasses for configurations and recordings that
    cannot be used; then, and when interrupted, no bundle is written.
    """
    out = config.out
    reporter = reporter or NullReporter()
    logger = logger or EpochLogger(reporter.note)
    method = method or make_method(config.method, config.method_options)
    _check(config, method, context)
    device = choose_device(config.device)
    if config.resume:
        check_resumable(out, describe_run(config, device))
    if note := replaced_bundle(out):
        reporter.note(note)
    begun = time.monotonic()
    with context.local_main_process_first():
        data_module = prepare_data(config, reporter)
    _note_gaps(data_module, config.target, reporter)
    if config.unlabelled:
        _note_unlabelled(data_module.sets[config.target], config, reporter)
    durations_s = {'reading': time.monotonic() - begun}
    identity = _identity(config, device, data_module, context)
    with run_checkpoints(out, identity, resume=config.resume, note=reporter.note) as checkpoints:
        executor = PartExecutor(
            _processes(config, data_module, device, context),
            config.seed,
            reporter,
            logger.log,
            checkpoints.share,
        )
        with repeatable(config.seed), freed_memory_kept(), executor:
            trainer = _make_trainer(
                config,
                data_module,
                device,
                executor.reporter,
                context,
                checkpoints.of,
                [logger],
                executor,
            )
            trainer.check(method)
            nets = _try_nets(config, data_module, trainer, device, executor)
            fitted = method.train_target(trainer)
            fitted, choice = _choose(
                config, data_module, method, trainer, fitted, device, executor, nets
            )
            info = _describe(config, data_module, method, trainer, fitted, choice)
        bundle = Bundle(out, info, fitted.classifier, device)
        begun = time.monotonic()
        evaluation = _test(bundle, data_module, config, reporter)
        durations_s |= {**trainer.durations_s, 'testing': time.monotonic() - begun}
        golden = data_module.sets[config.target].validation.values[0].astype(np.float32)
        scores = {**info.scores, **bundle_scores(evaluation)}
        scored = info.model_copy(update={'scores': scores})
        model = describe_model(scored)
        topic = data_module.test[0].sensors[config.target].topic
        card = model_card(scored, model, evaluation, topic)
        notes = {'README.md': card, 'training.csv': logger.text()}
        written = save_bundle(out, scored, bundle.classifier, torch.from_numpy(golden), notes)
    fits = {**trainer.fits, config.target: fitted}
    return TrainingResult(
        config,
        written,
        model,
        evaluation,
        data_module,
        fits,
        tuple(trainer.candidates),
        durations_s,
        trainer.verdict,
    )


def assist(config: TrainingConfiguration, context: DistributedContext) -> None:
    """Do another process's share of a training run; writes and tells nothing."""
    method = make_method(config.method, config.method_options)
    check_processes(config, method, context.world_size)
    device = choose_device(config.device)
    reporter = NullReporter()
    with context.local_main_process_first():
        data_module = prepare_data(config, reporter)
    _identity(config, device, data_module, context)
    with repeatable(config.seed), freed_memory_kept():
        trainer = _make_trainer(
            config,
            data_module,
            device,
            reporter,
            context,
            kept_nowhere,
            executor=PartExecutor(1, config.seed, reporter),
        )
        trainer.check(method)
        method.train_target(trainer)
        if data_module.recipes[config.target].auto:
            trainer.fit_alone_after_all(wanted=False)


def _identity(
    config: TrainingConfiguration,
    device: torch.device,
    data_module: DataModule,
    context: DistributedContext,
) -> dict[str, dict[str, object]]:
    """Say what a run is; raises :class:`TrainingError` unless all processes do the same."""
    windows = describe_windows(data_module.sets)
    weights = describe_weights(data_module.recipes)
    identity = {
        **describe_run(config, device),
        'code': describe_code(data_module.recipes),
        'windows': windows,
        'weights': weights,
    }
    context.check_same('the settings, the package or the recordings', json.dumps(identity))
    return identity


def _make_trainer(
    config: TrainingConfiguration,
    data_module: DataModule,
    device: torch.device,
    reporter: ProgressReporter,
    context: DistributedContext,
    stores: Callable[[int, str], CheckpointStore],
    callbacks: Sequence[Callback] = (),
    executor: PartExecutor = IN_TURN,
) -> TransferTrainer:
    return TransferTrainer(
        config.target,
        config.sources,
        data_module.labels,
        data_module.recipes,
        data_module.sets,
        config.seed,
        device,
        reporter,
        stores=lambda number, stage: main_process_store(stores(number, stage), context),
        callbacks=callbacks,
        context=context,
        people=[facts.subject for facts in data_module.learning],
        executor=executor,
    )


def _processes(
    config: TrainingConfiguration,
    data_module: DataModule,
    device: torch.device,
    context: DistributedContext,
) -> int:
    """Say how many processes train what does not depend on each other.

    One on a GPU, which a net fills better than a process does; where several train each net
    together; where windows would have to be copied; and where there is little to do.
    """
    if device.type != 'cpu' or context.world_size > 1 or config.no_cache or config.quick:
        return 1
    return processes_for(config.jobs, len(data_module.sets[config.target].training.labelled))


def check_processes(config: TrainingConfiguration, method: TransferMethod, processes: int) -> None:
    """Raise :class:`UsageError` for what so many processes cannot learn together."""
    if processes == 1:
        return
    if method.one_process:
        raise UsageError(
            f'method {method.name} looks at all windows of a step at once: train with it in one '
            'process, without torchrun'
        )
    if config.pretrain:
        raise UsageError(
            'pretraining looks at all windows of a step at once: leave --pretrain out, or train '
            'in one process, without torchrun'
        )


def _check(
    config: TrainingConfiguration, method: TransferMethod, context: DistributedContext
) -> None:
    """Refuse what cannot work before anything is read."""
    check_processes(config, method, context.world_size)
    check_replaceable(config.out)
    learns_from_others = method.source_use != 'none'
    if learns_from_others and not config.sources:
        raise UsageError(
            f'method {config.method} learns from other sensors: name at least one --source'
        )
    if config.sources and not learns_from_others:
        raise UsageError(
            f'method {config.method} uses no source: leave --source out or choose another --method'
        )
    if config.target in config.sources or len(set(config.sources)) < len(config.sources):
        raise UsageError('the target and the sources must be different sensors')
    if config.unlabelled and not (config.pretrain or method.learns_unlabelled):
        able = [name for name in method_names() if make_method(name).learns_unlabelled]
        given = ''.join(f' {name}={value}' for name, value in config.method_options.items())
        raise UsageError(
            f'method {config.method}{given} learns nothing from windows without a label: leave '
            f'--unlabelled out, add --pretrain, or choose one of {", ".join(able)}, which do '
            'unless told to pair by class'
        )


def _note_gaps(data_module: DataModule, target: str, reporter: ProgressReporter) -> None:
    for label in data_module.without_windows:
        reporter.note(
            f"activity '{label}' is not learnt: no training window shows it, for its segments are "
            'shorter than half a window or only those of validation subjects'
        )
    for label in data_module.untaught:
        reporter.note(
            f"activity '{label}' of the test subjects is shown by no training subject: "
            'it counts as missed'
        )
    if of_one := _shown_by_one(data_module, target):
        reporter.note(
            f'of the people learnt from one alone shows {", ".join(of_one)}: how well it is '
            'recognised of others only test subjects can tell'
        )


def _shown_by_one(data_module: DataModule, target: str) -> list[str]:
    """Name the activities that one person alone shows, where several are learnt from."""
    examples = data_module.sets[target]
    shown: dict[int, set[str]] = {}
    for part in (examples.training, examples.validation):
        for number, label in set(zip(part.recordings.tolist(), part.labels.tolist(), strict=True)):
            if label != NO_LABEL:
                shown.setdefault(label, set()).add(data_module.learning[number].subject)
    if len(set().union(*shown.values())) < 2:
        return []
    return [data_module.labels[label] for label in sorted(shown) if len(shown[label]) == 1]


def _note_unlabelled(
    examples: DatasetSplit, config: TrainingConfiguration, reporter: ProgressReporter
) -> None:
    training = examples.training
    if len(training.unlabelled):
        reporter.note(
            f"{len(training.unlabelled)} windows of '{config.target}' without a label are learnt "
            f'from, besides {len(training.labelled)} with one'
        )
    else:
        sources = ' or '.join(config.sources)
        partner = f'ends when one of {sources} does' if sources else 'is there'
        reporter.note(
            f"--unlabelled changes nothing: no window of '{config.target}' without a label "
            f'{partner}; {why_left_out(examples)}'
        )


def _try_nets(
    config: TrainingConfiguration,
    data_module: DataModule,
    trainer: TransferTrainer,
    device: torch.device,
    executor: PartExecutor,
    *,
    ahead: bool = True,
) -> NetsTried | None:
    """Begin what choosing or calibrating an encoder of the target takes, as far as it is known.

    Of windows without a label what nets learn is not, ``ahead`` of the target. An encoder that is
    named is calibrated on people, unless others validate, or it has fixed weights: each net would
    have to look at all pictures anew.
    """
    if ahead and executor.processes == 1:
        # Nothing is gained, and processes that learn together begin with the first of the sources.
        return None
    name, examples = config.target, data_module.sets[config.target]
    recipe, named = data_module.recipes[name], bool(data_module.split.validation)
    if recipe.auto and len(examples.training.unlabelled):
        return None
    if not recipe.auto and (named or recipe.encoder.remembers_frames):
        return None
    return try_nets(
        trainer.document(name),
        recipe,
        examples,
        config.seed,
        device,
        executor.reporter,
        executor,
        people=[facts.subject for facts in data_module.learning],
        learn_validation=not named,
        people_alone=not recipe.auto,
    )


def _choose(
    config: TrainingConfiguration,
    data_module: DataModule,
    method: TransferMethod,
    trainer: TransferTrainer,
    fitted: FitResult,
    device: torch.device,
    executor: PartExecutor,
    nets: NetsTried | None,
) -> tuple[FitResult, EncoderChoice]:
    """Choose what answers with the target's net, where that was left to us; gives both."""
    begun = time.monotonic()
    if not data_module.recipes[config.target].auto:
        tried = nets or _try_nets(config, data_module, trainer, device, executor, ahead=False)
        if tried is None:
            return fitted, EncoderChoice()
        calibration = calibrate_on_people(tried, config.target, executor.reporter)
        trainer.durations_s['calibrating'] = time.monotonic() - begun
        return fitted, EncoderChoice(calibration=calibration)

    def choose_for(name: str, pseudo: PseudoLabels | None = None, /) -> EncoderChoice:
        recipe = data_module.recipes[name]
        if not recipe.auto:
            return EncoderChoice()
        return choose_ensemble(
            trainer.document(name),
            recipe,
            data_module.sets[name],
            config.seed,
            device,
            executor.reporter,
            people=[facts.subject for facts in data_module.learning],
            learn_validation=not data_module.split.validation,
            pseudo=pseudo,
            executor=executor,
            nets=nets if name == config.target else None,
        )

    fitted, choice = choose_answering(method, trainer, data_module.sets, fitted, choose_for)
    trainer.durations_s['choosing an encoder'] = time.monotonic() - begun
    return fitted, choice


def _describe(
    config: TrainingConfiguration,
    data_module: DataModule,
    method: TransferMethod,
    trainer: TransferTrainer,
    fitted: FitResult,
    choice: EncoderChoice,
) -> BundleInfo:
    """Give the target's document; joins the ensemble that was chosen, and calibrates both.

    On people named to validate, or else on those left out in choosing, or else on segments.
    """
    validation = data_module.sets[config.target].validation
    if choice.ensemble is not None:
        fitted.classifier.join(choice.ensemble)
    shown = trainer.read(config.target, validation.values)
    logits = predict_answers(fitted.classifier, shown).double().numpy()
    calibration = choice.calibration
    if calibration is None or data_module.split.validation:
        calibration = calibrate(logits, validation.labels)
    scores = {}
    if data_module.split.validation:
        # Held-out segments of people who are trained on would flatter the model.
        right = logits.argmax(axis=1) == validation.labels
        scores['validation_accuracy_window'] = float(right.mean())
    return trainer.document(config.target).model_copy(
        update={
            'method': config.method,
            'patch': None if fitted.classifier.patch is None else fitted.classifier.patch.config,
            'ensemble': None if choice.ensemble is None else choice.ensemble.config,
            'sources': choice.with_sources(fitted.sources),
            'temperature': calibration.temperature,
            'unknown_threshold': (
                calibration.unknown_threshold
                if config.unknown_threshold is None
                else config.unknown_threshold
            ),
            'scores': scores,
            'provenance': provenance(
                config, data_module, method, fitted, trainer.candidates, trainer.verdict, choice
            ),
        }
    )


def _test(
    bundle: Bundle,
    data_module: DataModule,
    config: TrainingConfiguration,
    reporter: ProgressReporter,
) -> Evaluation:
    make_deterministic()
    engine = Engine(bundle)
    bags = []
    for facts in data_module.test:
        with BagReader(facts.path) as reader:
            sensor = sensor_for(engine, reader, config.target)
            reporter.begin(f'testing on {reader.name}', reader.topics[sensor.topic].count)
            offline = classify_bag(engine, reader, sensor, reporter.advance)
            bag = evaluate_bag(
                bundle.info,
                reader,
                sensor.name,
                offline,
                sensor_topics=[sensor.topic],
                merge_labels=config.merge_labels,
            )
            for doubt in bag.doubts:
                reporter.note(f'{reader.name}, to test on: {sensor.name}: {doubt}')
            bags.append(bag)
    return evaluate(bundle.info, bags)
