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

"""What all methods have in common: a bundle that needs one sensor, and no trace at weight zero."""

from collections.abc import Mapping
from dataclasses import replace
import functools
from pathlib import Path
import re
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file
import torch

from test.training.small_trainer import examples, learning_sets, SOURCES, TARGET, trainer
from xmodal_ros.data.dataset import DatasetSplit
from xmodal_ros.methods.method import make_method, method_names, TransferMethod
from xmodal_ros.methods.source import NO_LABEL
from xmodal_ros.models.bundle import load_bundle, save_bundle
from xmodal_ros.models.classifier import probabilities
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.training.trainer import FitResult, repeatable
from xmodal_ros.windows.assembler import Window

_DOCS = Path(__file__).resolve().parents[2] / 'docs' / 'methods'

# Options under which each method is as good as not there.
WITHOUT_EFFECT: tuple[tuple[str, dict[str, object]], ...] = (
    ('dcat', {'weight': 0}),
    ('dcat', {'weight': 0, 'pairing': 'class'}),
    ('distillation', {'alpha': 0}),
    ('distillation', {'alpha': 0, 'focus': 0.5}),
    ('dcat', {'weight': 0, 'distance': 'relational'}),
    ('feature_cosine', {'weight': 0}),
    ('feature_relational', {'weight': 0}),
    ('frequency_distillation', {'low': 0, 'high': 0, 'shared_head': 0}),
    ('infonce', {'weight': 0, 'joint': True}),
    ('cross_modal_probe', {'weight': 0}),
    ('cross_modal_probe', {'weight': 0, 'distillation': 0, 'pairing': 'class'}),
    ('attention_patch', {'bank': 'none', 'fusion': 'residual'}),
    ('cotraining', {'alpha': 0, 'cut': 'input'}),
    ('dynamic_gating', {'bank': 'none', 'encoder': 'trained'}),
    ('shared_trunk', {'weight': 0}),
    ('xmodal', {'alpha': 0, 'relations': 0, 'guard': False}),
)
# What a method adds to the loss and lowers within the two epochs that these tests train.
COMES_DOWN: Mapping[str, tuple[str, ...]] = {
    'cotraining': ('transfer',),
    'dcat': ('alignment',),
    'distillation': ('distillation',),
    'dynamic_gating': ('rebuilding',),
    'feature_cosine': ('cosine',),
    'feature_relational': ('relations',),
    'frequency_distillation': ('low', 'shared head'),
    'infonce': ('contrast',),
    'shared_trunk': ('sources',),
    'xmodal': ('distillation', 'relations'),
}


def train(
    name: str,
    sources: tuple[str, ...] = SOURCES,
    *,
    sets: Mapping[str, DatasetSplit] | None = None,
    **options: object,
) -> FitResult:
    return train_with(make_method(name, options), sources, sets=sets)


def train_with(
    method: TransferMethod,
    sources: tuple[str, ...] = SOURCES,
    *,
    sets: Mapping[str, DatasetSplit] | None = None,
) -> FitResult:
    with repeatable(0):
        busy = trainer(() if method.source_use == 'none' else sources, sets=sets)
        busy.check(method)
        return method.train_target(busy)


def unguarded(name: str) -> dict[str, Any]:
    """Options: sources that were hardly trained are none to trust."""
    return {'guard': False} if name == 'xmodal' else {}


def with_training(sensor: str, **changed: np.ndarray) -> dict[str, DatasetSplit]:
    """Sets of which a sensor's training windows are changed."""
    full = learning_sets()[sensor]
    return learning_sets(**{sensor: replace(full, training=replace(full.training, **changed))})


def equal(one: FitResult, other: FitResult) -> bool:
    ours, theirs = one.classifier.state_dict(), other.classifier.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def shared_weights(fitted: FitResult) -> dict[str, torch.Tensor]:
    """Those that an unimodal target has too."""
    weights = fitted.classifier.state_dict()
    return {name: value for name, value in weights.items() if not name.startswith('patch.')}


@functools.cache
def trained(name: str) -> FitResult:
    """What training with the defaults gives; nothing may be changed in it."""
    return train(name)


@pytest.fixture(scope='module')
def unimodal() -> FitResult:
    return trained('unimodal')


@pytest.mark.parametrize('name', method_names())
def test_a_bundle_of_any_method_answers_as_training_did_with_one_sensor(name, tmp_path: Path):
    fitted = trained(name)
    patch = fitted.classifier.patch
    with repeatable(0):
        document = trainer(()).document(TARGET)
    info = document.model_copy(
        update={'method': name, 'sources': fitted.sources, 'patch': patch and patch.config}
    )
    windows = examples(3, seed=9).values
    with torch.no_grad():
        expected = fitted.classifier(torch.from_numpy(windows))
    save_bundle(tmp_path / 'bundle', info, fitted.classifier, torch.from_numpy(windows[0]))
    bundle = load_bundle(tmp_path / 'bundle')
    golden = load_file(tmp_path / 'bundle' / 'golden.safetensors')
    torch.testing.assert_close(golden['logits'], expected[0], atol=1e-5, rtol=1e-5)
    for row, window in enumerate(windows):
        prediction = Engine(bundle).classify(Window(0, window, 1.0, 'imu_link'))
        np.testing.assert_allclose(
            prediction.probabilities, probabilities(expected[row], 1.0), atol=1e-5
        )


@pytest.mark.parametrize('name', method_names())
def test_the_same_seed_gives_the_same_weights(name):
    assert equal(train(name), trained(name))


@pytest.mark.parametrize(('name', 'options'), WITHOUT_EFFECT)
def test_without_weight_it_is_the_unimodal_run_to_the_last_bit(name, options, unimodal):
    found, expected = shared_weights(train(name, **options)), shared_weights(unimodal)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


@pytest.mark.parametrize('name', [name for name in method_names() if name != 'unimodal'])
def test_with_its_defaults_it_is_not_and_what_sources_saw_is_what_it_learns(name, unimodal):
    options = unguarded(name)
    found = train(name, **options) if options else trained(name)
    assert not equal(found, unimodal)
    for part in COMES_DOWN.get(name, ()):
        assert found.history[-1].parts[part] < found.history[0].parts[part]
    thigh = learning_sets()['thigh'].training
    # Of each activity it now saw what belongs to another.
    other = with_training('thigh', values=np.roll(thigh.values, 1, axis=0))
    assert not equal(found, train(name, sets=other, **options))


@pytest.mark.parametrize(
    'name',
    [
        name
        for name in method_names()
        if not make_method(name).needs_overlap and make_method(name).source_use != 'none'
    ],
)
def test_methods_that_need_no_overlap_learn_from_another_recording(name, unimodal):
    thigh = learning_sets()['thigh'].training
    elsewhere = np.ones_like(thigh.recordings)
    found, other = (
        train(name, ('thigh',), sets=with_training('thigh', recordings=elsewhere, values=values))
        for values in (thigh.values, np.roll(thigh.values, 1, axis=0))
    )
    assert np.isfinite(found.history[-1].training_loss)
    assert found.sources == ('thigh',)
    assert not equal(found, unimodal)
    assert not equal(found, other)


@pytest.mark.parametrize('name', method_names())
def test_windows_without_a_label_are_taken_and_teach_where_the_method_says_so(name):
    sets = {}
    for sensor, full in learning_sets().items():
        labels = np.where(np.arange(len(full.training)) % 4 < 2, full.training.labels, NO_LABEL)
        sets[sensor] = replace(full, training=replace(full.training, labels=labels))
    fitted = train(name, sets=sets, **unguarded(name))
    assert all(np.isfinite(epoch.training_loss) for epoch in fitted.history)
    assert all(torch.isfinite(value).all() for value in fitted.classifier.state_dict().values())

    ours = sets[TARGET].training
    # In another order: inputs are scaled by all training windows, whatever the method.
    values, unlabelled = ours.values.copy(), ours.labels == NO_LABEL
    values[unlabelled] = values[unlabelled][::-1]
    sets[TARGET] = replace(sets[TARGET], training=replace(ours, values=values))
    unmoved = equal(fitted, train(name, sets=sets, **unguarded(name)))
    assert unmoved != make_method(name).learns_unlabelled


@pytest.mark.parametrize('name', method_names())
def test_a_page_names_every_option_with_its_default(name):
    page = (_DOCS / f'{name}.md').read_text(encoding='utf-8')
    rows = dict(re.findall(r'^\| `(\w+)` \| `?([^|`]+?)`? \|', page, flags=re.MULTILINE))
    fields = make_method(name).Options.model_fields
    expected = {option: _as_typed(field.default) for option, field in fields.items()}
    assert rows == expected


def _as_typed(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'{value:g}' if isinstance(value, float) else str(value)


def test_the_example_of_a_new_method_works(unimodal):
    page = (_DOCS / 'adding_a_method.md').read_text(encoding='utf-8')
    blocks = re.findall(r'```python\n(.*?)```', page, flags=re.DOTALL)
    code = next(block for block in blocks if 'class LogitMatching(' in block)
    example: dict[str, Any] = {'__name__': 'example'}
    exec(compile(code, 'adding_a_method.md', 'exec'), example)  # noqa: S102
    method, options = example['LogitMatching'], example['LogitMatchingOptions']
    found = train_with(method(options()))
    assert 0 < found.history[-1].parts['gap'] < found.history[0].parts['gap']
    assert equal(train_with(method(options(weight=0))), unimodal)
