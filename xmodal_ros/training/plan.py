"""What a training run is asked to do, and how it tells how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from xmodal_ros.training.recipe import RecipeChoices


@dataclass(frozen=True)
class TrainingPlan:
    """A training run: recordings, who learns from whom, and who is kept out of it.

    ``bags`` are recordings or folders that hold recordings. Without ``validation_subjects`` a
    share of the training subjects' segments is held out. ``device`` is as
    :func:`xmodal_ros.runtime.engine.choose_device` takes it.
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


class Reporter(Protocol):
    """Hears how far training is. Whatever it raises ends the run and leaves nothing behind."""

    def begin(self, stage: str, total: int) -> None:
        """Start a stage of ``total`` steps."""

    def advance(self, done: int, detail: str = '') -> None:
        """So many steps of the stage are done."""

    def note(self, text: str) -> None:
        """Something a person should know."""


class SilentReporter:
    """Tells nobody."""

    def begin(self, stage: str, total: int) -> None:
        """Ignore it."""

    def advance(self, done: int, detail: str = '') -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""
