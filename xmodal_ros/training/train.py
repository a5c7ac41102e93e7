"""From a plan to a bundle: what is learnt in which order, and how it is scored."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
import os
from pathlib import Path
import platform
import time
from typing import Any

import numpy as np
import torch

from xmodal_ros import __version__
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.evaluate import as_json, evaluate, evaluate_bag, Evaluation
from xmodal_ros.models.bundle import Bundle, BundleInfo, check_replaceable, save_bundle
from xmodal_ros.models.classifier import parameter_count
from xmodal_ros.models.preprocessing import fit_standardise
from xmodal_ros.runtime.engine import choose_device, Engine, make_deterministic
from xmodal_ros.runtime.evaluation import classify_bag, sensor_for
from xmodal_ros.training.calibration import calibrate
from xmodal_ros.training.examples import pair_in_time
from xmodal_ros.training.fit import (
    EpochReport,
    fit,
    FitResult,
    make_source_bank,
    predict_logits,
    repeatable,
    SourceBank,
)
from xmodal_ros.training.material import gather, Material
from xmodal_ros.training.plan import Reporter, SilentReporter, TrainingPlan
from xmodal_ros.transfer.method import make_method, TransferMethod


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A finished run: the bundle as written, the test subjects' scores, and what went in."""

    plan: TrainingPlan
    path: Path
    info: BundleInfo
    evaluation: Evaluation
    material: Material
    fits: Mapping[str, FitResult]
    durations_s: Mapping[str, float]


def train(plan: TrainingPlan, out: Path, reporter: Reporter | None = None) -> TrainingResult:
    """Train the target as the plan says, score it on the test subjects and write its bundle.

    Sources are trained first, each alone, and frozen. The scores come from the live engine.
    Raises :class:`XmodalError` subclasses for plans and recordings that cannot be used; then, and
    when interrupted, nothing is written.
    """
    reporter = reporter or SilentReporter()
    method = _check(plan, out)
    device = choose_device(plan.device)
    clock = _Clock()
    material = gather(plan, reporter)
    _note_gaps(material, reporter)
    clock.lap('reading')
    fits: dict[str, FitResult] = {}
    with repeatable(plan.seed):
        banks: dict[str, SourceBank] = {}
        for name in plan.sources:
            fits[name] = _fit(plan, material, name, make_method('unimodal'), {}, device, reporter)
            examples = material.sets[name].training
            banks[name] = make_source_bank(
                fits[name].classifier,
                examples.values,
                pair_in_time(material.sets[plan.target].training, examples),
            )
            clock.lap(f'training {name}')
        fits[plan.target] = _fit(plan, material, plan.target, method, banks, device, reporter)
        clock.lap(f'training {plan.target}')
        info = _describe(plan, material, fits, method)
    bundle = Bundle(out, info, fits[plan.target].classifier, device)
    evaluation = _test(bundle, material, plan.target, reporter)
    clock.lap('testing')
    info = save_bundle(
        out,
        info.model_copy(update={'scores': _scores(evaluation)}),
        bundle.classifier,
        torch.from_numpy(material.sets[plan.target].validation.values[0].astype(np.float32)),
    )
    return TrainingResult(plan, out, info, evaluation, material, fits, clock.laps)


def _check(plan: TrainingPlan, out: Path) -> TransferMethod:
    """Refuse what cannot work before anything is read."""
    check_replaceable(out)
    method = make_method(plan.method, plan.method_options)
    if method.needs_sources and not plan.sources:
        raise ConfigurationError(
            f'method {plan.method} learns from other sensors: name at least one --source'
        )
    if plan.sources and not method.needs_sources:
        raise ConfigurationError(
            f'method {plan.method} uses no source: leave --source out or choose another --method'
        )
    if plan.target in plan.sources or len(set(plan.sources)) < len(plan.sources):
        raise ConfigurationError('the target and the sources must be different sensors')
    return method


def _note_gaps(material: Material, reporter: Reporter) -> None:
    for label in material.without_windows:
        reporter.note(
            f"activity '{label}' is not learnt: none of its segments fills half a training window"
        )
    for label in material.untaught:
        reporter.note(
            f"activity '{label}' of the test subjects is shown by no training subject: "
            'it counts as missed'
        )


def _fit(
    plan: TrainingPlan,
    material: Material,
    name: str,
    method: TransferMethod,
    banks: Mapping[str, SourceBank],
    device: torch.device,
    reporter: Reporter,
) -> FitResult:
    recipe, examples = material.recipes[name], material.sets[name]
    # Each sensor starts from the same random state, so that what else is trained changes nothing.
    torch.manual_seed(plan.seed)
    classifier = _bare_info(plan, material, name).make_classifier().to(device)
    reporter.begin(f'training {name}', recipe.fit.epochs)
    return fit(
        classifier,
        examples.training,
        examples.validation,
        method,
        banks,
        recipe.augmentation,
        recipe.fit,
        plan.seed,
        _tell(reporter),
    )


def _tell(reporter: Reporter) -> Callable[[EpochReport], None]:
    def progress(report: EpochReport) -> None:
        parts = ''.join(f', {name} {value:.3f}' for name, value in report.parts.items())
        reporter.advance(
            report.epoch,
            f'loss {report.training_loss:.3f}{parts}, validation '
            f'{report.validation_loss:.3f} ({report.validation_accuracy:.0%} right)',
        )

    return progress


def _bare_info(plan: TrainingPlan, material: Material, name: str) -> BundleInfo:
    recipe = material.recipes[name]
    windows = torch.from_numpy(material.sets[name].training.values)
    standardise = fit_standardise(recipe.derived, windows)
    return BundleInfo(
        labels=material.labels,
        sensor=name,
        stream=recipe.stream,
        window=recipe.window,
        preprocessing=(*recipe.derived, standardise),
        encoder=recipe.encoder,
        method=plan.method if name == plan.target else 'unimodal',
        sources=plan.sources if name == plan.target else (),
    )


def _describe(
    plan: TrainingPlan,
    material: Material,
    fits: Mapping[str, FitResult],
    method: TransferMethod,
) -> BundleInfo:
    validation = material.sets[plan.target].validation
    result = fits[plan.target]
    logits = predict_logits(result.classifier, validation.values).double().numpy()
    calibration = calibrate(logits, validation.labels)
    recipe = material.recipes[plan.target]
    return _bare_info(plan, material, plan.target).model_copy(
        update={
            'temperature': calibration.temperature,
            'unknown_threshold': calibration.unknown_threshold,
            'provenance': {
                'bags': {
                    'training': [str(fact.path) for fact in material.learning],
                    'test': [str(fact.path) for fact in material.test],
                },
                'subjects': _subjects(material),
                'seed': plan.seed,
                'counts': counts(material, plan.target),
                'method_options': method.options.model_dump(mode='json'),
                'settings': asdict(recipe.fit),
                'augmentation': asdict(recipe.augmentation),
                'training_hop_ns': recipe.training_window.hop_ns,
                'parameters': parameter_count(result.classifier),
                'best_epoch': result.best_epoch,
                'epochs_run': len(result.history),
                'versions': versions(),
            },
        }
    )


def versions() -> dict[str, str]:
    """Give the versions of what a model's weights depend on."""
    return {
        'xmodal_ros': __version__,
        'torch': torch.__version__,
        'numpy': np.__version__,
        'python': platform.python_version(),
        'machine': f'{platform.machine()}, {os.cpu_count()} cores',
    }


def counts(material: Material, target: str) -> dict[str, Any]:
    """Give how many windows and clips each part of the data set has, and what was left out."""
    examples = material.sets[target]
    return {
        'windows': {'training': len(examples.training), 'validation': len(examples.validation)},
        'clips': dict(material.clips),
        'recordings': {
            'training_and_validation': len(material.learning),
            'test': len(material.test),
            'unlabelled': len(material.unlabelled),
        },
        'left_out': dict(examples.left_out),
    }


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


def _subjects(material: Material) -> dict[str, list[str]]:
    return {part: list(names) for part, names in asdict(material.split).items()}


def _scores(evaluation: Evaluation) -> dict[str, float]:
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
    material, plan = result.material, result.plan
    target_counts = counts(material, plan.target)
    scored = evaluated['counts']
    return {
        **evaluated,
        'counts': {**target_counts, 'test': scored},
        'bundle': str(result.path),
        'activities': list(result.info.labels),
        'method': plan.method,
        'target': plan.target,
        'sources': list(plan.sources),
        'seed': plan.seed,
        'subjects': _subjects(material),
        'unlabelled_bags': [str(path) for path in material.unlabelled],
        'activities_without_windows': list(material.without_windows),
        'activities_only_in_test': list(material.untaught),
        'temperature': result.info.temperature,
        'unknown_threshold': result.info.unknown_threshold,
        'parameters': parameter_count(result.fits[plan.target].classifier),
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


class _Clock:
    """Wall time by stage, for the report only."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self.laps[stage] = now - self._last
        self._last = now
