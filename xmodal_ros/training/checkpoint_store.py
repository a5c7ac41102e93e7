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

"""What a run keeps beside its bundle so that another can go on where it was ended.

``.NAME.training`` beside the bundle ``NAME`` holds ``run.json``, which says what the run is, and a
file for each classifier trained or in training: the SHA-256 of its state, then that in the
safetensors format. Files appear whole or not at all, so the run may be killed at any moment.
Nothing is unpickled.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, ExitStack
from functools import partial
import hashlib
import json
from pathlib import Path
import platform
import shutil
from typing import Any, Final

import numpy as np
import torch

from xmodal_ros import __version__
from xmodal_ros.configuration.fit_settings import AUTO
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.errors import TrainingError
from xmodal_ros.files import exclusive_lock, replace_file
from xmodal_ros.methods.method import method_class
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.models.configuration_encoder import encoder_class
from xmodal_ros.registry import other_code
from xmodal_ros.training.checkpoint import (
    CheckpointStore,
    kept_nowhere,
    load_state,
    TrainerState,
)
from xmodal_ros.training.distributed import DistributedContext
from xmodal_ros.training.trainer import THREADS_VARIABLE, training_threads

_RUN, _LOCK = 'run.json', 'lock'
_PACKAGE: Final = Path(__file__).parents[1]
# What decides on weights once the windows are there. Windows are compared themselves.
_DECIDING: Final = ('configuration', 'data', 'methods', 'modalities', 'models', 'training')
# Settings that another run may have and still come to the same weights: where recordings lie and
# windows are kept, what is written, and what is decided after training. Weights that a net begins
# with are compared themselves.
_NOT_DECIDING: Final = frozenset(
    {
        *('bags', 'out', 'cache', 'no_cache', 'jobs', 'strict', 'resume'),
        *('log', 'tensorboard', 'json', 'unknown_threshold', 'weights'),
    }
)
_CHUNK_ROWS: Final = 1024
_DIGEST_BYTES: Final = hashlib.sha256().digest_size
Identity = Mapping[str, Mapping[str, Any]]


def checkpoint_folder(out: Path) -> Path:
    """Give where the run that writes a bundle keeps where it stands."""
    return out.parent / f'.{out.name}.training'


def describe_run(config: TrainingConfiguration, device: torch.device) -> dict[str, dict[str, Any]]:
    """Say what a run does and with which code, without its recordings.

    Of other packages it is that of the method and of encoders that are chosen by name.
    """
    given = config.model_dump(mode='json', by_alias=True)
    chosen: list[type] = [method_class(config.method)]
    chosen += [encoder_class(kind) for kind in config.encoders.values() if kind != AUTO]
    deciding = {key: value for key, value in given.items() if key not in _NOT_DECIDING}
    return {
        'settings': {**deciding, 'device': device.type, THREADS_VARIABLE: training_threads()},
        'software': {
            'xmodal_ros': f'{__version__} ({_source_digest()[:12]})',
            'torch': torch.__version__,
            'numpy': np.__version__,
            'python': platform.python_version(),
            **_code_of_others(chosen),
        },
    }


def describe_windows(sets: Mapping[str, DatasetSplit]) -> dict[str, str]:
    """Name the windows of each sensor by a hash of all that is in them."""
    return {name: _digest(part.training, part.validation) for name, part in sets.items()}


def describe_weights(recipes: Mapping[str, Recipe]) -> dict[str, str]:
    """Name by its hash what each sensor's encoder begins with, where it begins with something."""
    found = {name: getattr(recipe.encoder, 'pretrained', '') for name, recipe in recipes.items()}
    return {name: sha256 for name, sha256 in found.items() if sha256}


def describe_code(recipes: Mapping[str, Recipe]) -> dict[str, str]:
    """Name the code of other packages that sensors are learnt by: modalities and encoders."""
    found: list[type] = []
    for recipe in recipes.values():
        found += [type(find_modality(recipe.stream.modality)), encoder_class(recipe.encoder.kind)]
    return _code_of_others(found)


def _code_of_others(found: Iterable[type]) -> dict[str, str]:
    # What is of this package is in its own version.
    return {each.__module__: code[:12] for each in found if (code := other_code(each))}


def _digest(*parts: WindowsDataset) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(f'{part.values.shape}'.encode())
        for first in range(0, len(part), _CHUNK_ROWS):
            rows = np.ascontiguousarray(part.values[first : first + _CHUNK_ROWS])
            found.update(f'{rows.dtype}'.encode())
            found.update(rows.data)
        for column in (part.labels, part.recordings, part.ends_ns):
            found.update(np.ascontiguousarray(column).data)
    return found.hexdigest()[:16]


def _source_digest() -> str:
    found = hashlib.sha256()
    for folder in _DECIDING:
        for file in sorted((_PACKAGE / folder).rglob('*.py')):
            found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()


class RunCheckpoints:
    """The states of one run's classifiers; made by :func:`run_checkpoints`."""

    def __init__(
        self, folder: Path, identity: Identity, *, resumes: bool, note: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._identity = identity
        self._has_states = resumes
        self._note = note
        self._has_failed = False

    def of(self, number: int, stage: str) -> CheckpointStore:
        """Give where the state of the run's n-th classifier is kept."""
        return _FileCheckpointStore(self, f'{number:02d} {stage}')

    def read(self, name: str) -> TrainerState | None:
        """Give a state that was kept; raises :class:`TrainingError` for one that is damaged."""
        file = self._file(name)
        if not self._has_states or not file.exists():
            return None
        try:
            return load_state(_without_digest(file.read_bytes()))
        except (OSError, ValueError) as error:
            raise TrainingError(
                f'{file} cannot be read, so the run cannot go on from there: {error}. Remove '
                f'{self._folder}, or train without --resume'
            ) from error

    def write(self, name: str, content: bytes) -> None:
        """Keep a state; where that cannot be, the run goes on and says so once."""
        try:
            self._take_over()
            replace_file(self._file(name), _with_digest(content))
        except OSError as error:
            self._tell(error)

    def share(self) -> Callable[[Callable[[str], None]], Callable[[int, str], CheckpointStore]]:
        """Give what opens these states in another process, which may then read and write them."""
        try:
            self._take_over()
        except OSError as error:
            # What lies there may be another run's.
            self._tell(error)
            return _unkept
        return partial(_shared, self._folder, self._identity)

    def _take_over(self) -> None:
        # What another run has left here is over only now that this one has something.
        if not self._has_states:
            clear(self._folder)
            replace_file(self._folder / _RUN, json.dumps(self._identity, indent=1).encode())
            self._has_states = True

    def _tell(self, error: OSError) -> None:
        if not self._has_failed:
            self._note(
                f'where training stands cannot be kept in {self._folder}: {error}. It goes '
                'on, but could not be resumed from here'
            )
        self._has_failed = True

    def _file(self, name: str) -> Path:
        # Names may be long, and alike but for their ends.
        words = ''.join(c if c.isalnum() else '_' for c in name)[:60]
        return self._folder / f'{words}_{hashlib.sha256(name.encode()).hexdigest()[:12]}.state'


def _shared(
    folder: Path, identity: Identity, note: Callable[[str], None]
) -> Callable[[int, str], CheckpointStore]:
    return RunCheckpoints(folder, identity, resumes=True, note=note).of


def _unkept(_note: Callable[[str], None]) -> Callable[[int, str], CheckpointStore]:
    return kept_nowhere


def _with_digest(content: bytes) -> bytes:
    # In one file, so that a kill can never leave a state with the digest of another.
    return hashlib.sha256(content).digest() + content


def _without_digest(kept: bytes) -> bytes:
    digest, content = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise ValueError('it is damaged: its bytes are not those that were written (SHA-256)')
    return content


class _FileCheckpointStore:
    def __init__(self, checkpoints: RunCheckpoints, name: str) -> None:
        self._checkpoints = checkpoints
        self._name = name

    def load(self) -> TrainerState | None:
        return self._checkpoints.read(self._name)

    def save(self, state: TrainerState) -> None:
        self._checkpoints.write(self._name, state.to_bytes())


def main_process_store(store: CheckpointStore, context: DistributedContext) -> CheckpointStore:
    """Let several processes go on from what the main one has kept, which alone keeps it."""
    return store if context.world_size == 1 else _MainProcessStore(store, context)


class _MainProcessStore:
    def __init__(self, store: CheckpointStore, context: DistributedContext) -> None:
        self._store = store
        self._context = context

    def load(self) -> TrainerState | None:
        state = self._store.load() if self._context.is_main_process else None
        content = self._context.broadcast_bytes(None if state is None else state.to_bytes())
        return None if content is None else load_state(content)

    def save(self, state: TrainerState) -> None:
        if self._context.is_main_process:
            self._store.save(state)


def check_resumable(out: Path, identity: Identity) -> bool:
    """Say whether a run that was ended can go on as this one.

    False where there is none. Raises :class:`TrainingError` where it was another one, saying by
    what. Only those parts of ``identity`` that are given are compared.
    """
    folder = checkpoint_folder(out)
    try:
        stated = json.loads((folder / _RUN).read_text(encoding='utf-8'))
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise TrainingError(
            f'{folder / _RUN} cannot be read: {error}. Remove {folder}, or train without --resume'
        ) from error
    for part, ours in json.loads(json.dumps(identity)).items():
        theirs = stated.get(part, {}) if isinstance(stated, dict) else {}
        theirs = theirs if isinstance(theirs, dict) else {}
        for name in sorted({*ours, *theirs}):
            if ours.get(name) != theirs.get(name):
                raise TrainingError(
                    f'the run that was ended cannot go on: {_difference(part, name)} was '
                    f'{theirs.get(name)!r} and is {ours.get(name)!r}. Give what it was, or train '
                    'from the beginning, without --resume'
                )
    return True


def _difference(part: str, name: str) -> str:
    if part == 'windows':
        return f"what the recordings show of '{name}' has changed: its hash"
    if part == 'weights':
        return f"the file of weights that the net of '{name}' begins with is another: its SHA-256"
    return f'{name} ({part})'


@contextmanager
def run_checkpoints(
    out: Path, identity: Identity, *, resume: bool, note: Callable[[str], None]
) -> Iterator[RunCheckpoints]:
    """Keep a run's states beside ``out`` while the block runs, for nobody else meanwhile.

    When the block succeeds they are removed; otherwise they stay, where there are any. Raises
    :class:`TrainingError` when another run is at it, or this one cannot go on from what is there.
    """
    folder = checkpoint_folder(out)
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive_lock(folder / _LOCK))
        except BlockingIOError as error:
            raise TrainingError(
                f'another run is training the same bundle ({folder} is in use): wait for it, or '
                'choose another --out'
            ) from error
        except OSError as error:
            raise TrainingError(f'where training stands cannot be kept: {error}') from error
        for partial in folder.glob('.*'):
            # What a run was writing when it was killed.
            partial.unlink(missing_ok=True)
        resumes = resume and check_resumable(out, identity)
        found = (folder / _RUN).exists()
        if resumes:
            kept = len(list(folder.glob('*.state')))
            note(
                f'resumed: {kept} stage{"" if kept == 1 else "s"} from {folder}; what they had '
                'reached is shown again, at once'
            )
        elif resume:
            note(f'nothing was left to go on from for {out}: training begins')
        if found and not resume:
            note(
                f'a run that was to write {out} was ended before it was done: training begins '
                'anew. It could go on with --resume'
            )
        try:
            yield RunCheckpoints(folder, identity, resumes=resumes, note=note)
        except BaseException:
            if not (folder / _RUN).exists():
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def clear(folder: Path) -> None:
    """Remove what is kept in a folder; what says whose it was goes first."""
    (folder / _RUN).unlink(missing_ok=True)
    for file in folder.iterdir():
        if file.name != _LOCK:
            file.unlink()
