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

"""A run that was ended goes on, and gives what it would have given."""

from dataclasses import dataclass, replace
import importlib
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from test.training.configured import configure
from test.training.small_trainer import RECIPES, SOURCES, trainer
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.errors import TrainingError
from xmodal_ros.methods.method import make_method
from xmodal_ros.models.configuration_camera_efficientnet import CameraEfficientNetConfig
from xmodal_ros.progress import EpochMetrics
from xmodal_ros.registry import other_code
from xmodal_ros.training import checkpoint_store, train
from xmodal_ros.training.checkpoint import load_state, TrainerState
from xmodal_ros.training.checkpoint_store import (
    check_resumable,
    checkpoint_folder,
    describe_run,
    describe_weights,
    Identity,
    run_checkpoints,
)
from xmodal_ros.training.distributed import SINGLE_PROCESS
from xmodal_ros.training.trainer import FitResult, repeatable

RUN: Identity = {'settings': {'seed': 0, 'method': 'dcat'}, 'windows': {'imu': 'abc'}}
STATE = TrainerState({'a': torch.arange(3.0)}, 7, (EpochMetrics(1, 0.1, 0.2, 0.3, {'p': 1.0}),))
# Of methods that differ in their losses only one is enough.
METHODS = [
    ('unimodal', {}),
    ('infonce', {'pairing': 'class'}),
    ('attention_patch', {'bank': 'noise'}),
    ('cotraining', {'pairing': 'class'}),
    ('cross_modal_probe', {'encoder': 'frozen'}),
    ('dynamic_gating', {}),
    ('shared_trunk', {'source_data': 'noise'}),
    ('xmodal', {}),
]


class Ended(BaseException):
    """What no code expects."""


@dataclass
class Keeper:
    """Keeps states as bytes, and ends the run at the one after so many."""

    kept: dict[str, bytes]
    left: int = 1

    def at(self, number: int, stage: str) -> '_At':
        return _At(self, f'{number} {stage}')


@dataclass
class _At:
    keeper: Keeper
    name: str

    def load(self) -> TrainerState | None:
        content = self.keeper.kept.get(self.name)
        return None if content is None else load_state(content)

    def save(self, state: TrainerState) -> None:
        if not self.keeper.left:
            raise Ended
        self.keeper.left -= 1
        self.keeper.kept[self.name] = state.to_bytes()


def taught(name: str, options: dict[str, object], keeper: Keeper) -> FitResult:
    sources = () if name == 'unimodal' else SOURCES[:1]
    quick = {n: replace(r, fit=replace(r.fit, epochs=2)) for n, r in RECIPES.items()}
    with repeatable(0):
        return make_method(name, options).train_target(
            trainer(sources, recipes=quick, stores=keeper.at)
        )


def weights(fitted: FitResult) -> torch.Tensor:
    return torch.cat([v.flatten().double() for v in fitted.classifier.state_dict().values()])


@pytest.mark.parametrize(('name', 'options'), METHODS)
def test_ended_amid_its_last_fit_it_gives_the_same_to_the_last_bit(name, options):
    never_ended, kept = Keeper({}, 1000), dict[str, bytes]()
    whole = taught(name, options, never_ended)
    with pytest.raises(Ended):
        taught(name, options, Keeper(kept, 1000 - never_ended.left - 1))
    last = taught(name, options, Keeper(kept))
    assert torch.equal(weights(last), weights(whole))
    assert last.history == whole.history
    assert (last.best_epoch, last.sources, last.facts) == (
        whole.best_epoch,
        whole.sources,
        whole.facts,
    )


def test_a_state_reads_back_and_anything_else_is_refused():
    again = load_state(STATE.to_bytes())
    assert torch.equal(again.tensors['a'], STATE.tensors['a'])
    assert (again.step, again.history) == (STATE.step, STATE.history)
    diverged = replace(STATE, history=(replace(STATE.history[0], validation_loss=math.inf),))
    assert load_state(diverged.to_bytes()).history == diverged.history
    for content in (b'', b'junk' * 9, STATE.to_bytes()[:-1], STATE.to_bytes()[:40]):
        with pytest.raises(ValueError, match='no state'):
            load_state(content)


class Notes(list[str]):
    """What the user is told."""


def keep(
    out: Path, run: Identity = RUN, *, resume: bool = False, states: int = 1, step: int = 7
) -> list[str]:
    """Leave a run that was ended after so many states; gives what the user was told."""
    notes = Notes()
    try:
        with run_checkpoints(out, run, resume=resume, note=notes.append) as checkpoints:
            for _ in range(states):
                checkpoints.of(1, 'training imu').save(replace(STATE, step=step))
            raise Ended
    except Ended:
        return notes


def stated(out: Path) -> int:
    """Give the step that a run ended here would go on from."""
    with run_checkpoints(out, RUN, resume=True, note=Notes().append) as checkpoints:
        state = checkpoints.of(1, 'training imu').load()
    assert state is not None
    return state.step


def test_states_stay_when_a_run_ends_and_go_when_it_is_done(tmp_path):
    out = tmp_path / 'imu'
    keep(out)
    notes = Notes()
    with run_checkpoints(out, RUN, resume=True, note=notes.append) as checkpoints:
        state = checkpoints.of(1, 'training imu').load()
        assert state is not None
        assert state.history == STATE.history
        assert checkpoints.of(2, 'training camera').load() is None
    assert len(notes) == 1
    assert notes[0].startswith(f'resumed: 1 stage from {checkpoint_folder(out)}; ')
    assert not list(tmp_path.iterdir())


def test_a_run_that_ends_before_its_first_state_leaves_nothing(tmp_path):
    with (
        pytest.raises(Ended),
        run_checkpoints(tmp_path / 'imu', RUN, resume=True, note=Notes().append),
    ):
        raise Ended
    assert not list(tmp_path.iterdir())


def test_without_resume_training_begins_anew_and_the_first_new_state_replaces_the_old_ones(
    tmp_path,
):
    out = tmp_path / 'imu'
    other = {**RUN, 'settings': {'seed': 1}}
    keep(out)
    assert 'begins anew' in keep(out, other, states=0)[0]
    assert check_resumable(out, RUN)
    assert 'begins anew' in keep(out, other)[0]
    assert check_resumable(out, other)


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        ({**RUN, 'settings': {'seed': 1, 'method': 'dcat'}}, r'seed \(settings\) was 0 and is 1'),
        ({**RUN, 'windows': {'imu': 'xyz'}}, "what the recordings show of 'imu' has changed"),
        ({**RUN, 'windows': {}}, "what the recordings show of 'imu'"),
        ({**RUN, 'software': {'torch': '9'}}, r'torch \(software\) was None'),
    ],
)
def test_another_run_cannot_go_on_from_there(tmp_path, other, message):
    keep(tmp_path / 'imu')
    with (
        pytest.raises(TrainingError, match=message),
        run_checkpoints(tmp_path / 'imu', other, resume=True, note=Notes().append),
    ):
        pass
    assert check_resumable(tmp_path / 'imu', RUN)


def test_another_number_of_threads_or_other_weights_are_another_run(tmp_path, monkeypatch):
    monkeypatch.setenv('XMODAL_TRAINING_THREADS', '1')
    config = configure(tmp_path, weights=tmp_path / 'weights.pth')
    encoder = CameraEfficientNetConfig(pretrained='a' * 64)
    recipes = {'imu': RECIPES['chest'], 'camera': replace(RECIPES['chest'], encoder=encoder)}

    def identity(chosen: TrainingConfiguration = config) -> dict[str, dict[str, object]]:
        device = torch.device('cpu')
        return {**describe_run(chosen, device), 'weights': describe_weights(recipes)}

    keep(tmp_path / 'imu', identity())
    # Where the file lies does not matter, but what is in it.
    assert check_resumable(tmp_path / 'imu', identity(config.model_copy(update={'weights': None})))
    with monkeypatch.context() as changed:
        changed.setenv('XMODAL_TRAINING_THREADS', '3')
        with pytest.raises(TrainingError, match=r'XMODAL_TRAINING_THREADS .* was 1 and is 3'):
            check_resumable(tmp_path / 'imu', identity())
    recipes['camera'] = replace(
        RECIPES['chest'], encoder=CameraEfficientNetConfig(pretrained='b' * 64)
    )
    with pytest.raises(TrainingError, match="the net of 'camera' begins with is another"):
        check_resumable(tmp_path / 'imu', identity())


def test_a_method_of_another_package_whose_code_changed_is_another_run(tmp_path, monkeypatch):
    module = tmp_path / 'method_of_another.py'
    text = 'from xmodal_ros.methods.unimodal import Unimodal\nclass Other(Unimodal):\n'
    text += "    name = 'other'\n"
    module.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    other = importlib.import_module('method_of_another').Other
    config, device = configure(tmp_path), torch.device('cpu')
    own = describe_run(config, device)
    monkeypatch.setattr(checkpoint_store, 'method_class', lambda _: other)
    before = describe_run(config, device)
    assert before['software'].keys() - own['software'].keys() == {'method_of_another'}
    module.write_text(text + '    weight = 2\n')
    # As another process would.
    other_code.cache_clear()
    assert describe_run(config, device) != before


@pytest.mark.parametrize('changed', ['modality', 'encoder'])
def test_a_sensor_of_another_package_whose_code_changed_is_another_run(
    tmp_path, monkeypatch, changed
):
    text = {
        'modality': 'from xmodal_ros.modalities.imu.modality import Imu\nclass Other(Imu): ...\n',
        'encoder': 'class Other: ...\n',
    }
    monkeypatch.syspath_prepend(tmp_path)
    found = {}
    for name, content in text.items():
        (tmp_path / f'other_{name}_{changed}.py').write_text(content)
        found[name] = importlib.import_module(f'other_{name}_{changed}').Other
    data_module: Any = SimpleNamespace(sets={}, recipes={'imu': RECIPES['chest']})

    def identity() -> dict[str, dict[str, object]]:
        asked, device = configure(tmp_path, encoders={}), torch.device('cpu')
        return train._identity(asked, device, data_module, SINGLE_PROCESS)

    assert identity()['code'] == {}
    # Nobody names an encoder: the recipe has what the modality takes by default.
    monkeypatch.setattr(checkpoint_store, 'find_modality', lambda _: found['modality']())
    monkeypatch.setattr(checkpoint_store, 'encoder_class', lambda _: found['encoder'])
    keep(tmp_path / 'imu', identity())
    assert check_resumable(tmp_path / 'imu', identity())
    (tmp_path / f'other_{changed}_{changed}.py').write_text(text[changed] + '# changed\n')
    # As another process would.
    other_code.cache_clear()
    with pytest.raises(TrainingError, match=f'other_{changed}_{changed} .code. was'):
        check_resumable(tmp_path / 'imu', identity())


def test_what_a_killed_run_was_writing_is_removed_by_the_next(tmp_path):
    out = tmp_path / 'imu'
    keep(out)
    partial = checkpoint_folder(out) / '.01_training_imu.state-x1y2'
    partial.touch()
    with run_checkpoints(out, RUN, resume=True, note=Notes().append) as checkpoints:
        assert not partial.exists()
        assert checkpoints.of(1, 'training imu').load() is not None


def test_two_runs_cannot_train_the_same_bundle(tmp_path):
    out = tmp_path / 'imu'
    with (
        run_checkpoints(out, RUN, resume=False, note=Notes().append),
        pytest.raises(TrainingError, match='another run is training the same bundle'),
        run_checkpoints(out, RUN, resume=False, note=Notes().append),
    ):
        pass


@pytest.mark.parametrize('content', [b'', b'{', b'[]', b'\xff'])
def test_what_is_damaged_is_refused_with_the_remedy(tmp_path, content):
    out = tmp_path / 'imu'
    keep(out)
    (file,) = checkpoint_folder(out).glob('*.state')
    file.write_bytes(content)
    with (
        pytest.raises(TrainingError, match='without --resume'),
        run_checkpoints(out, RUN, resume=True, note=Notes().append) as checkpoints,
    ):
        checkpoints.of(1, 'training imu').load()
    (checkpoint_folder(out) / 'run.json').write_bytes(content)
    with pytest.raises(TrainingError, match='without --resume'):
        check_resumable(out, RUN)


@pytest.mark.parametrize('at', [0, -1])
def test_a_state_with_a_flipped_bit_is_refused(tmp_path, at):
    out = tmp_path / 'imu'
    keep(out)
    (file,) = checkpoint_folder(out).glob('*.state')
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    with pytest.raises(TrainingError, match=r'it is damaged.*without --resume'):
        stated(out)


def test_a_disk_that_is_full_is_told_once_and_the_state_before_stays(tmp_path, monkeypatch):
    def full(_file: int) -> None:
        raise OSError(28, 'No space left on device')

    out = tmp_path / 'imu'
    keep(out)
    with monkeypatch.context() as patch:
        patch.setattr('os.fsync', full)
        _goes_on, note = keep(out, resume=True, states=3, step=8)
    assert 'No space left' in note
    assert stated(out) == 7
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_cleared_of_another_run_is_not_gone_on_from_in_other_processes(
    tmp_path, monkeypatch
):
    def denied(_folder: Path) -> None:
        raise OSError(13, 'Permission denied')

    out, notes = tmp_path / 'imu', Notes()
    other = {**RUN, 'settings': {'seed': 1}}
    keep(out)
    with run_checkpoints(out, other, resume=False, note=notes.append) as checkpoints:
        monkeypatch.setattr(checkpoint_store, 'clear', denied)
        opened = checkpoints.share()(notes.append)
        assert checkpoints.of(1, 'training imu').load() is None
        assert opened(1, 'training imu').load() is None
        monkeypatch.undo()
    assert any('Permission denied' in note for note in notes)


def test_states_of_stages_with_long_names_are_apart(tmp_path):
    long = 'judging, part 1 of 3: training camera_front_left (xmodal from imu_right_upper_'
    with run_checkpoints(tmp_path / 'imu', RUN, resume=False, note=Notes().append) as kept:
        kept.of(103, f'{long}arm)').save(STATE)
        assert kept.of(103, f'{long}arm)').load() is not None
        assert kept.of(103, f'{long}leg)').load() is None
