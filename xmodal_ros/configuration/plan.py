"""What a training run is asked to do, and how it tells how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from xmodal_ros.configuration.data_options import DataOptions, default_cache
from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.errors import ConfigurationError


@dataclass(frozen=True)
class TrainingPlan:
    """A training run: recordings, who learns from whom, and who is kept out of it.

    ``bags`` are recordings or folders that hold recordings. Without ``validation_subjects`` a
    share of the training subjects' segments is held out. With ``unlabelled`` windows without a
    label are learnt from too. ``device`` is as
    :func:`xmodal_ros.runtime.engine.choose_device` takes it. Without ``unknown_threshold`` it is
    chosen on validation.
    """

    bags: tuple[Path, ...]
    target: str
    test_subjects: tuple[str, ...]
    sources: tuple[str, ...] = ()
    method: str = 'unimodal'
    method_options: Mapping[str, object] = field(default_factory=dict)
    validation_subjects: tuple[str, ...] = ()
    seed: int = 0
    device: str = 'auto'
    choices: RecipeChoices = field(default_factory=RecipeChoices)
    data: DataOptions = field(default_factory=DataOptions)
    unknown_threshold: float | None = None
    unlabelled: bool = False

    @classmethod
    def of(cls, configuration: TrainingConfiguration) -> Self:
        """Give the plan that a configuration asks for."""
        asked = configuration
        return cls(
            bags=asked.bags,
            target=asked.target,
            test_subjects=asked.test_subjects,
            sources=asked.source,
            method=asked.method,
            method_options=asked.option,
            validation_subjects=asked.val_subjects,
            seed=asked.seed,
            device=asked.device,
            choices=RecipeChoices(
                asked.window,
                asked.hop,
                asked.channels,
                asked.epochs,
                asked.size,
                asked.patience,
                asked.batch_size,
                asked.learning_rate,
                asked.precision,
                asked.balance,
            ),
            data=_data_options(asked),
            unknown_threshold=asked.unknown_threshold,
            unlabelled=asked.unlabelled,
        )


def _data_options(asked: TrainingConfiguration) -> DataOptions:
    if asked.no_cache and asked.cache is not None:
        raise ConfigurationError('--cache and --no-cache exclude each other: give one of them')
    cache = None if asked.no_cache else asked.cache or default_cache()
    return DataOptions(cache, asked.jobs, asked.strict)


@dataclass(frozen=True)
class EpochProgress:
    """Where the training of one classifier stands after an epoch; losses are means over windows.

    That on validation is at the temperature that suits it best. ``detail`` says it in words.
    """

    epoch: int
    epochs: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    detail: str = ''


class ProgressReporter(Protocol):
    """Hears how far training is. Whatever it raises ends the run and leaves nothing behind."""

    def begin(self, stage: str, total: int) -> None:
        """Start a stage of ``total`` steps."""

    def advance(self, done: int, detail: str = '') -> None:
        """So many steps of the stage are done."""

    def epoch(self, progress: EpochProgress) -> None:
        """An epoch is over; it is a step of its stage."""

    def note(self, text: str) -> None:
        """Something a person should know."""


class NullReporter:
    """Tells nobody."""

    def begin(self, stage: str, total: int) -> None:
        """Ignore it."""

    def advance(self, done: int, detail: str = '') -> None:
        """Ignore it."""

    def epoch(self, progress: EpochProgress) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""
