"""From a plan to a bundle: what is learnt in which order, and how it is scored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
import time

import numpy as np
import torch

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.evaluation.evaluate import evaluate, evaluate_bag, Evaluation
from xmodal_ros.models.bundle import Bundle, BundleInfo, check_replaceable, save_bundle
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
from xmodal_ros.training.result import bundle_scores, provenance, TrainingResult
from xmodal_ros.transfer.method import make_method, TransferMethod


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
    learner = _Learner(plan, material, device, reporter)
    fits: dict[str, FitResult] = {}
    with repeatable(plan.seed):
        banks: dict[str, SourceBank] = {}
        for name in plan.sources:
            fits[name] = learner.fit(name, make_method('unimodal'), {})
            banks[name] = learner.bank(name, fits[name])
            clock.lap(f'training {name}')
        fits[plan.target] = learner.fit(plan.target, method, banks)
        info = learner.describe(method, fits[plan.target])
        clock.lap(f'training {plan.target}')
    bundle = Bundle(out, info, fits[plan.target].classifier, device)
    evaluation = _test(bundle, material, plan.target, reporter)
    clock.lap('testing')
    golden = material.sets[plan.target].validation.values[0].astype(np.float32)
    scored = info.model_copy(update={'scores': bundle_scores(evaluation)})
    written = save_bundle(out, scored, bundle.classifier, torch.from_numpy(golden))
    return TrainingResult(plan, out, written, evaluation, material, fits, clock.laps)


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
            f"activity '{label}' is not learnt: no training window shows it, for its segments are "
            'shorter than half a window or only those of validation subjects'
        )
    for label in material.untaught:
        reporter.note(
            f"activity '{label}' of the test subjects is shown by no training subject: "
            'it counts as missed'
        )


@dataclass(frozen=True, eq=False)
class _Learner:
    """Fit sensors of one plan, on material that is there."""

    plan: TrainingPlan
    material: Material
    device: torch.device
    reporter: Reporter

    def fit(self, name: str, method: TransferMethod, banks: Mapping[str, SourceBank]) -> FitResult:
        recipe, examples = self.material.recipes[name], self.material.sets[name]
        info = self._bare_info(name)
        # Each sensor starts from the same random state, so that what else is trained changes
        # nothing.
        torch.manual_seed(self.plan.seed)
        classifier = info.make_classifier().to(self.device)
        self.reporter.begin(f'training {name}', recipe.fit.epochs)
        return fit(
            classifier,
            examples.training,
            examples.validation,
            method,
            banks,
            recipe.augmentation,
            recipe.fit,
            self.plan.seed,
            self._tell(),
        )

    def bank(self, name: str, fitted: FitResult) -> SourceBank:
        examples = self.material.sets[name].training
        rows = pair_in_time(self.material.sets[self.plan.target].training, examples)
        return make_source_bank(fitted.classifier, examples.values, rows)

    def describe(self, method: TransferMethod, fitted: FitResult) -> BundleInfo:
        """Give the target's document, calibrated on validation."""
        target = self.plan.target
        validation = self.material.sets[target].validation
        logits = predict_logits(fitted.classifier, validation.values).double().numpy()
        calibration = calibrate(logits, validation.labels)
        return self._bare_info(target, fitted).model_copy(
            update={
                'method': self.plan.method,
                'sources': self.plan.sources,
                'temperature': calibration.temperature,
                'unknown_threshold': calibration.unknown_threshold,
                'provenance': provenance(self.plan, self.material, method, fitted),
            }
        )

    def _bare_info(self, name: str, fitted: FitResult | None = None) -> BundleInfo:
        recipe = self.material.recipes[name]
        if fitted is None:
            windows = torch.from_numpy(self.material.sets[name].training.values)
            steps = (*recipe.derived, fit_standardise(recipe.derived, windows))
        else:
            steps = fitted.classifier.preprocessing.steps
        return BundleInfo(
            labels=self.material.labels,
            sensor=name,
            stream=recipe.stream,
            window=recipe.window,
            preprocessing=steps,
            encoder=recipe.encoder,
            method='unimodal',
        )

    def _tell(self) -> Callable[[EpochReport], None]:
        def progress(report: EpochReport) -> None:
            parts = ''.join(f', {name} {value:.3f}' for name, value in report.parts.items())
            self.reporter.advance(
                report.epoch,
                f'loss {report.training_loss:.3f}{parts}, validation '
                f'{report.validation_loss:.3f} ({report.validation_accuracy:.0%} right)',
            )

        return progress


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


class _Clock:
    """Wall time by stage, for the report only."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self.laps[stage] = now - self._last
        self._last = now
