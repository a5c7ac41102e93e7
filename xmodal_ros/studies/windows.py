"""The windows of a study's recordings, cut once and kept as training keeps its own."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.build import BrokenRecording, build_recordings
from xmodal_ros.data.recording import RecordingFacts, RecordingWindows
from xmodal_ros.errors import BagError, TrainingError


def read_windows(
    facts: Sequence[RecordingFacts],
    recipes: Mapping[str, Recipe],
    folder: Path,
    jobs: int | None = None,
    advance: Callable[[int, str], None] = lambda _done, _name: None,
) -> list[RecordingWindows]:
    """Give recordings with the windows of the sensors that ``recipes`` names.

    What is not in ``folder`` is cut and kept there, by ``jobs`` processes at a time; ``advance``
    hears how many recordings are done, and which one just was. Raises BagError for a recording
    that is damaged, :class:`TrainingError` for a sensor whose messages cannot be used and for a
    folder that cannot be written: a study compares everything on the same windows.
    """
    cut_specs = {name: (recipe.stream, recipe.training_window) for name, recipe in recipes.items()}
    recordings = []
    for each in build_recordings(facts, cut_specs, DataOptions(folder, jobs), advance):
        if isinstance(each, BrokenRecording):
            raise BagError(each.reason)
        for problem in each.unusable.values():
            raise TrainingError(problem)
        recordings.append(each)
    return recordings
