"""From a plan to a bundle: what is learnt in which order, and how it is scored."""

from collections.abc import Callable
import json
from pathlib import Path
import time

import numpy as np
import torch

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.configuration.plan import Reporter, SilentReporter, TrainingPlan
from xmodal_ros.data.datamodule import gather, Material, why_left_out
from xmodal_ros.data.dataset import LearningSet
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.scoring import evaluate, evaluate_bag, Evaluation
from xmodal_ros.methods.method import make_method, method_names, TransferMethod
from xmodal_ros.models.bundle import Bundle, BundleInfo, check_replaceable, save_bundle
from xmodal_ros.runtime.engine import choose_device, Engine, make_deterministic
from xmodal_ros.runtime.offline import classify_bag, sensor_for
from xmodal_ros.training.calibration import calibrate
from xmodal_ros.training.card import model_card
from xmodal_ros.training.checkpoint import FitStore, Forgetful
from xmodal_ros.training.checkpoint_store import (
    check_resumable,
    describe_run,
    describe_windows,
    kept_at,
    led,
)
from xmodal_ros.training.distributed import ALONE, Processes
from xmodal_ros.training.epoch_log import EpochTable
from xmodal_ros.training.result import bundle_scores, provenance, TrainingResult
from xmodal_ros.training.trainer import FitResult, predict_logits, repeatable
from xmodal_ros.training.transfer_trainer import EpochLog, TargetSchool


def train(
    plan: TrainingPlan,
    out: Path,
    reporter: Reporter | None = None,
    *,
    resume: bool = False,
    table: EpochTable | None = None,
    processes: Processes = ALONE,
) -> TrainingResult:
    """Train the target as the plan says, score it on the test subjects and write its bundle.

    Sources that the method wants frozen are trained first, each alone. The scores come from the
    live engine. With ``resume`` it goes on where a run like it was ended, and gives the same
    bundle as one that never was. ``table`` hears of every epoch. Of several ``processes`` the
    others :func:`assist` meanwhile. Raises :class:`XmodalError` subclasses for plans and
    recordings that cannot be used; then, and when interrupted, no bundle is written.
    """
    reporter = reporter or SilentReporter()
    table = table or EpochTable(reporter.note)
    method = _check(plan, out)
    device = choose_device(plan.device)
    if resume:
        check_resumable(out, describe_run(plan, device))
    begun = time.monotonic()
    material = gather(plan, reporter)
    _note_gaps(material, reporter)
    if plan.unlabelled:
        _note_unlabelled(material.sets[plan.target], plan, reporter)
    durations_s = {'reading': time.monotonic() - begun}
    identity = _identity(plan, device, material, processes)
    with kept_at(out, identity, resume=resume, note=reporter.note) as checkpoints:
        with repeatable(plan.seed):
            school = _school(
                plan, material, device, reporter, processes, checkpoints.of, table.epoch
            )
            school.check(method)
            fitted = method.course(school)
            info = _describe(plan, material, method, school, fitted)
        bundle = Bundle(out, info, fitted.classifier, device)
        begun = time.monotonic()
        evaluation = _test(bundle, material, plan.target, reporter)
        durations_s |= {**school.durations_s, 'testing': time.monotonic() - begun}
        golden = material.sets[plan.target].validation.values[0].astype(np.float32)
        scores = {**info.scores, **bundle_scores(evaluation)}
        scored = info.model_copy(update={'scores': scores})
        notes = {'README.md': model_card(scored, evaluation), 'training.csv': table.text()}
        written = save_bundle(out, scored, bundle.classifier, torch.from_numpy(golden), notes)
    fits = {**school.fits, plan.target: fitted}
    return TrainingResult(
        plan, out, written, evaluation, material, fits, tuple(school.trials), durations_s
    )


def assist(plan: TrainingPlan, processes: Processes) -> None:
    """Do another process's share of a training run; writes and tells nothing."""
    method = make_method(plan.method, plan.method_options)
    device = choose_device(plan.device)
    reporter = SilentReporter()
    material = gather(plan, reporter)
    _identity(plan, device, material, processes)
    with repeatable(plan.seed):
        school = _school(
            plan,
            material,
            device,
            reporter,
            processes,
            lambda _number, _stage: Forgetful(),
            lambda _stage, _epoch: None,
        )
        school.check(method)
        method.course(school)


def _identity(
    plan: TrainingPlan, device: torch.device, material: Material, processes: Processes
) -> dict[str, dict[str, object]]:
    """Say what a run is; raises :class:`TrainingError` unless all processes do the same."""
    windows = describe_windows(material.sets)
    identity = {**describe_run(plan, device), 'windows': windows}
    processes.check_same('the settings, the package or the recordings', json.dumps(identity))
    return identity


def _school(
    plan: TrainingPlan,
    material: Material,
    device: torch.device,
    reporter: Reporter,
    processes: Processes,
    stores: Callable[[int, str], FitStore],
    log: EpochLog,
) -> TargetSchool:
    return TargetSchool(
        plan.target,
        plan.sources,
        material.labels,
        material.recipes,
        material.sets,
        plan.seed,
        device,
        reporter,
        stores=lambda number, stage: led(stores(number, stage), processes),
        log=log,
        processes=processes,
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


def _note_gaps(material: Material, reporter: Reporter) -> None:
    for label in material.without_windows:
        reporter.note(
            f"activity '{label}' is not learnt: no training window shows it, for its segments are "
            'shorter than half a window or only those of validation subjects'
        )
    for label in material.untaught:
        reporter.note(
            f"activity '{label}' of the test subjects is shown by no training subject: "
            'it counts as missed'
        )


def _note_unlabelled(examples: LearningSet, plan: TrainingPlan, reporter: Reporter) -> None:
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
    material: Material,
    method: TransferMethod,
    school: TargetSchool,
    fitted: FitResult,
) -> BundleInfo:
    """Give the target's document, calibrated on validation."""
    validation = material.sets[plan.target].validation
    logits = predict_logits(fitted.classifier, validation.values).double().numpy()
    calibration = calibrate(logits, validation.labels)
    scores = {}
    if material.split.validation:
        # Held-out segments of people who are trained on would flatter the model.
        right = logits.argmax(axis=1) == validation.labels
        scores['validation_accuracy_window'] = float(right.mean())
    return school.document(plan.target).model_copy(
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
            'provenance': provenance(plan, material, method, fitted, school.trials),
        }
    )


def _test(bundle: Bundle, material: Material, target: str, reporter: Reporter) -> Evaluation:
    make_deterministic()
    engine = Engine(bundle)
    bags = []
    for facts in material.test:
        with BagReader(facts.path) as reader:
            sensor = sensor_for(engine, reader, target)
            reporter.begin(f'testing on {reader.name}', reader.topics[sensor.topic].count)
            offline = classify_bag(engine, reader, sensor, reporter.advance)
            bags.append(evaluate_bag(bundle.info, reader, sensor.name, offline))
    return evaluate(bundle.info, bags)
