"""From a plan to a bundle: what is learnt in which order, and how it is scored."""

from collections.abc import Callable
import json
from pathlib import Path
import time

import numpy as np
import torch

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.configuration.plan import NullReporter, ProgressReporter, TrainingPlan
from xmodal_ros.data.datamodule import DataModule, prepare_data
from xmodal_ros.data.dataset import DatasetSplit
from xmodal_ros.data.window_split import why_left_out
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.scoring import evaluate, evaluate_bag, Evaluation
from xmodal_ros.methods.method import make_method, method_names, TransferMethod
from xmodal_ros.models.bundle import Bundle, BundleInfo, check_replaceable, save_bundle
from xmodal_ros.runtime.engine import choose_device, Engine, make_deterministic
from xmodal_ros.runtime.offline import classify_bag, sensor_for
from xmodal_ros.training.calibration import calibrate
from xmodal_ros.training.card import model_card
from xmodal_ros.training.checkpoint import CheckpointStore, NullCheckpointStore
from xmodal_ros.training.checkpoint_store import (
    check_resumable,
    describe_run,
    describe_windows,
    main_process_store,
    run_checkpoints,
)
from xmodal_ros.training.distributed import DistributedContext, SINGLE_PROCESS
from xmodal_ros.training.epoch_log import EpochLogger
from xmodal_ros.training.result import bundle_scores, provenance, TrainingResult
from xmodal_ros.training.trainer import FitResult, predict_logits, repeatable
from xmodal_ros.training.transfer_trainer import EpochCallback, TransferTrainer


def train(
    plan: TrainingPlan,
    out: Path,
    reporter: ProgressReporter | None = None,
    *,
    resume: bool = False,
    table: EpochLogger | None = None,
    context: DistributedContext = SINGLE_PROCESS,
) -> TrainingResult:
    """Train the target as the plan says, score it on the test subjects and write its bundle.

    Sources that the method wants frozen are trained first, each alone. The scores come from the
    live engine. With ``resume`` it goes on where a run like it was ended, and gives the same
    bundle as one that never was. ``table`` hears of every epoch. Of several ``context`` the
    others :func:`assist` meanwhile. Raises :class:`XmodalError` subclasses for plans and
    recordings that cannot be used; then, and when interrupted, no bundle is written.
    """
    reporter = reporter or NullReporter()
    table = table or EpochLogger(reporter.note)
    method = _check(plan, out)
    device = choose_device(plan.device)
    if resume:
        check_resumable(out, describe_run(plan, device))
    begun = time.monotonic()
    data_module = prepare_data(plan, reporter)
    _note_gaps(data_module, reporter)
    if plan.unlabelled:
        _note_unlabelled(data_module.sets[plan.target], plan, reporter)
    durations_s = {'reading': time.monotonic() - begun}
    identity = _identity(plan, device, data_module, context)
    with run_checkpoints(out, identity, resume=resume, note=reporter.note) as checkpoints:
        with repeatable(plan.seed):
            trainer = _make_trainer(
                plan, data_module, device, reporter, context, checkpoints.of, table.epoch
            )
            trainer.check(method)
            fitted = method.train_target(trainer)
            info = _describe(plan, data_module, method, trainer, fitted)
        bundle = Bundle(out, info, fitted.classifier, device)
        begun = time.monotonic()
        evaluation = _test(bundle, data_module, plan.target, reporter)
        durations_s |= {**trainer.durations_s, 'testing': time.monotonic() - begun}
        golden = data_module.sets[plan.target].validation.values[0].astype(np.float32)
        scores = {**info.scores, **bundle_scores(evaluation)}
        scored = info.model_copy(update={'scores': scores})
        notes = {'README.md': model_card(scored, evaluation), 'training.csv': table.text()}
        written = save_bundle(out, scored, bundle.classifier, torch.from_numpy(golden), notes)
    fits = {**trainer.fits, plan.target: fitted}
    return TrainingResult(
        plan, out, written, evaluation, data_module, fits, tuple(trainer.candidates), durations_s
    )


def assist(plan: TrainingPlan, context: DistributedContext) -> None:
    """Do another process's share of a training run; writes and tells nothing."""
    method = make_method(plan.method, plan.method_options)
    device = choose_device(plan.device)
    reporter = NullReporter()
    data_module = prepare_data(plan, reporter)
    _identity(plan, device, data_module, context)
    with repeatable(plan.seed):
        trainer = _make_trainer(
            plan,
            data_module,
            device,
            reporter,
            context,
            lambda _number, _stage: NullCheckpointStore(),
            lambda _stage, _epoch: None,
        )
        trainer.check(method)
        method.train_target(trainer)


def _identity(
    plan: TrainingPlan, device: torch.device, data_module: DataModule, context: DistributedContext
) -> dict[str, dict[str, object]]:
    """Say what a run is; raises :class:`TrainingError` unless all processes do the same."""
    windows = describe_windows(data_module.sets)
    identity = {**describe_run(plan, device), 'windows': windows}
    context.check_same('the settings, the package or the recordings', json.dumps(identity))
    return identity


def _make_trainer(
    plan: TrainingPlan,
    data_module: DataModule,
    device: torch.device,
    reporter: ProgressReporter,
    context: DistributedContext,
    stores: Callable[[int, str], CheckpointStore],
    log: EpochCallback,
) -> TransferTrainer:
    return TransferTrainer(
        plan.target,
        plan.sources,
        data_module.labels,
        data_module.recipes,
        data_module.sets,
        plan.seed,
        device,
        reporter,
        stores=lambda number, stage: main_process_store(stores(number, stage), context),
        log=log,
        context=context,
    )


def _check(plan: TrainingPlan, out: Path) -> TransferMethod:
    """Refuse what cannot work before anything is read."""
    check_replaceable(out)
    method = make_method(plan.method, plan.method_options)
    learns_from_others = method.source_use != 'none'
    if learns_from_others and not plan.sources:
        raise ConfigurationError(
            f'method {plan.method} learns from other sensors: name at least one --source'
        )
    if plan.sources and not learns_from_others:
        raise ConfigurationError(
            f'method {plan.method} uses no source: leave --source out or choose another --method'
        )
    if plan.target in plan.sources or len(set(plan.sources)) < len(plan.sources):
        raise ConfigurationError('the target and the sources must be different sensors')
    if plan.unlabelled and not method.learns_unlabelled:
        able = [name for name in method_names() if make_method(name).learns_unlabelled]
        given = ''.join(f' {name}={value}' for name, value in plan.method_options.items())
        raise ConfigurationError(
            f'method {plan.method}{given} learns nothing from windows without a label: leave '
            f'--unlabelled out, or choose one of {", ".join(able)}, which do unless told to pair '
            'by class'
        )
    return method


def _note_gaps(data_module: DataModule, reporter: ProgressReporter) -> None:
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


def _note_unlabelled(
    examples: DatasetSplit, plan: TrainingPlan, reporter: ProgressReporter
) -> None:
    training = examples.training
    if len(training.unlabelled):
        reporter.note(
            f"{len(training.unlabelled)} windows of '{plan.target}' without a label are learnt "
            f'from, besides {len(training.labelled)} with one'
        )
    else:
        reporter.note(
            f"--unlabelled changes nothing: no window of '{plan.target}' without a label ends "
            f'when one of {" or ".join(plan.sources)} does; {why_left_out(examples)}'
        )


def _describe(
    plan: TrainingPlan,
    data_module: DataModule,
    method: TransferMethod,
    trainer: TransferTrainer,
    fitted: FitResult,
) -> BundleInfo:
    """Give the target's document, calibrated on validation."""
    validation = data_module.sets[plan.target].validation
    logits = predict_logits(fitted.classifier, validation.values).double().numpy()
    calibration = calibrate(logits, validation.labels)
    scores = {}
    if data_module.split.validation:
        # Held-out segments of people who are trained on would flatter the model.
        right = logits.argmax(axis=1) == validation.labels
        scores['validation_accuracy_window'] = float(right.mean())
    return trainer.document(plan.target).model_copy(
        update={
            'method': plan.method,
            'patch': None if fitted.classifier.patch is None else fitted.classifier.patch.spec,
            'sources': fitted.sources,
            'temperature': calibration.temperature,
            'unknown_threshold': (
                calibration.unknown_threshold
                if plan.unknown_threshold is None
                else plan.unknown_threshold
            ),
            'scores': scores,
            'provenance': provenance(plan, data_module, method, fitted, trainer.candidates),
        }
    )


def _test(
    bundle: Bundle, data_module: DataModule, target: str, reporter: ProgressReporter
) -> Evaluation:
    make_deterministic()
    engine = Engine(bundle)
    bags = []
    for facts in data_module.test:
        with BagReader(facts.path) as reader:
            sensor = sensor_for(engine, reader, target)
            reporter.begin(f'testing on {reader.name}', reader.topics[sensor.topic].count)
            offline = classify_bag(engine, reader, sensor, reporter.advance)
            bags.append(evaluate_bag(bundle.info, reader, sensor.name, offline))
    return evaluate(bundle.info, bags)
