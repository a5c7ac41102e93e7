"""Windows of recordings, cut once and kept on disk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
import shutil
import tempfile
from typing import Any, Final

import numpy as np

from xmodal_ros import __version__
from xmodal_ros.bags.opening import storage_paths
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.training.dataset import load_recording, Recording, RecordingFacts, SensorWindows
from xmodal_ros.training.recipe import Recipe

_ARRAYS: Final = ('values', 'ends_ns', 'segment_of')
_PARTIAL: Final = '.partial-'


@dataclass(frozen=True)
class WindowCache:
    """A folder of windows, one folder in it for each recording, sensor and way of cutting.

    Whatever changes what would be cut (the recording's files, its labels, where the sensor sits,
    stream, window) leads to another folder. Windows are mapped from there when they are used, so
    that processes share them and take no more memory than they touch.
    """

    folder: Path

    def clean(self) -> None:
        """Remove what an interrupted run left half-written. Only one may do so at a time."""
        for partial in self.folder.glob(f'{_PARTIAL}*'):
            shutil.rmtree(partial)

    def fill(self, facts: RecordingFacts, recipes: Mapping[str, Recipe]) -> None:
        """Cut those of a recording's windows that are missing.

        Raises :class:`ConfigurationError` when they cannot be kept, and what
        :func:`~xmodal_ros.training.dataset.load_recording` raises.
        """
        missing = {n: r for n, r in recipes.items() if not self._place(facts, n, r).is_dir()}
        if not missing:
            return
        streams = {name: (r.stream, r.training_window) for name, r in missing.items()}
        recording = load_recording(facts, streams)
        for name, recipe in missing.items():
            self._keep(self._place(facts, name, recipe), recording.windows[name])

    def recording(self, facts: RecordingFacts, recipes: Mapping[str, Recipe]) -> Recording:
        """Give a recording with the windows of the sensors that ``recipes`` names, mapped."""
        return Recording(
            facts, {name: self._read(self._place(facts, name, r)) for name, r in recipes.items()}
        )

    def _place(self, facts: RecordingFacts, name: str, recipe: Recipe) -> Path:
        sensor = facts.sensors[name]
        parts: Sequence[Any] = (
            __version__,
            [(str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns) for p in files(facts)],
            [(s.start_ns, s.end_ns, s.label) for s in facts.segments],
            (sensor.topic, repr(sensor.placement), repr(facts.audio_formats.get(name))),
            recipe.stream.model_dump(mode='json'),
            recipe.training_window.model_dump(mode='json'),
        )
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
        return self.folder / f'{facts.name}-{name}-{digest}'.replace('/', '_')

    def _keep(self, place: Path, windows: SensorWindows) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.folder))
            try:
                for name in _ARRAYS:
                    np.save(partial / f'{name}.npy', getattr(windows, name))
                left_out = json.dumps(dict(windows.left_out))
                (partial / 'left_out.json').write_text(left_out, encoding='utf-8')
                partial.rename(place)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        except OSError as error:
            raise ConfigurationError(f'cannot keep windows in {self.folder}: {error}') from error

    def _read(self, place: Path) -> SensorWindows:
        arrays = {name: np.load(place / f'{name}.npy', mmap_mode='r') for name in _ARRAYS}
        left_out = json.loads((place / 'left_out.json').read_text(encoding='utf-8'))
        return SensorWindows(**arrays, left_out=left_out)


def files(facts: RecordingFacts) -> list[Path]:
    """Give a recording's files, in order."""
    found: list[Path] = []
    for path in storage_paths(facts.path):
        found += sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return found


def fill_all(
    cache: WindowCache,
    facts: Sequence[RecordingFacts],
    recipes: Mapping[str, Recipe],
    advance: Callable[[int, str], None],
) -> None:
    """Cut the windows of all recordings; ``advance`` hears how many are done, and which."""
    for done, fact in enumerate(facts, start=1):
        cache.fill(fact, recipes)
        advance(done, fact.name)
