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

"""A bundle is whole or not there, and a wrong one is refused in words."""

from contextlib import suppress
import json
import os
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
import warnings

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from safetensors.torch import load_file, save_file
import torch

from test.bundles import (
    LABELS,
    make_audio_bundle,
    make_camera_bundle,
    make_imu_bundle,
    rewrite_document,
)
from test.messages_of_anything import mutated
from xmodal_ros.errors import BundleError
from xmodal_ros.models import bundle as bundle_module
from xmodal_ros.models.bundle import DeviceFullError, load_bundle, save_bundle
from xmodal_ros.models.configuration_bundle import (
    BundleInfo,
    check_bundle,
    has_document_sha256,
    is_bundle,
    read_bundle_info,
)
from xmodal_ros.models.replacing import check_replaceable, replaced_bundle
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.windows.assembler import Window


def edit(path: Path, **changes: object) -> None:
    document = path / 'bundle.json'
    content = {**json.loads(document.read_text()), **changes}
    document.write_text(json.dumps(content))


def test_what_is_saved_comes_back(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu', seed=3)
    bundle = load_bundle(path)
    golden = load_file(path / 'golden.safetensors')
    with torch.no_grad():
        logits = bundle.classifier(golden['window'][None])[0]
    assert torch.equal(logits, golden['logits'])
    assert bundle.info.labels == ('sit', 'walk', 'wave')
    assert bundle.info.modality == 'imu'
    assert not bundle.classifier.training
    assert sorted(f.name for f in path.iterdir()) == [
        'bundle.json',
        'golden.safetensors',
        'model.safetensors',
    ]


def test_a_camera_bundle_loads_too(tmp_path):
    bundle = load_bundle(make_camera_bundle(tmp_path / 'camera'))
    assert bundle.info.window_shape == (8, 16, 16, 1)


def test_an_audio_bundle_loads_too(tmp_path):
    path = make_audio_bundle(tmp_path / 'audio')
    bundle = load_bundle(path)
    assert bundle.info.window_shape == (32_000,)
    golden = load_file(path / 'golden.safetensors')
    assert golden['window'].shape == (32_000,)
    with torch.no_grad():
        logits = bundle.classifier(golden['window'][None])[0]
    assert torch.equal(logits, golden['logits'])


def test_the_same_seed_writes_the_same_weights(tmp_path):
    first, again, other = (
        read_bundle_info(make_imu_bundle(tmp_path / name, seed=seed)).weights_sha256
        for name, seed in (('a', 1), ('b', 1), ('c', 2))
    )
    assert first == again != other


def test_a_changed_weight_file_is_refused(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    weights = load_file(path / 'model.safetensors')
    weights['head.bias'][0] += 1
    save_file(weights, path / 'model.safetensors')
    with pytest.raises(BundleError, match=r'not the file this bundle was made with.*copy'):
        load_bundle(path)


def test_a_document_altered_afterwards_is_refused(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    edit(path, labels=['walk', 'sit', 'wave'])
    with pytest.raises(BundleError, match='is not the document this bundle was made with'):
        load_bundle(path)


def test_a_document_laid_out_otherwise_is_the_same(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    document = path / 'bundle.json'
    document.write_text(json.dumps(json.loads(document.read_text()), sort_keys=True))
    assert load_bundle(path).info.labels == LABELS


def test_arithmetic_that_gives_other_answers_is_caught_by_the_golden_sample(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    golden = load_file(path / 'golden.safetensors')
    save_file({**golden, 'logits': golden['logits'] + 0.01}, path / 'golden.safetensors')
    rewrite_document(path)
    with pytest.raises(BundleError, match=r'golden sample with logits 0\.01 off in fp32'):
        load_bundle(path)


@pytest.mark.parametrize('precision', ['fp16', 'bf16'])
def test_half_precision_answers_nearly_the_same(tmp_path, precision):
    path = make_imu_bundle(tmp_path / 'imu')
    window = load_file(path / 'golden.safetensors')['window'].numpy()
    exact, half = (
        Engine(load_bundle(path, 'cpu', each)).classify(Window(0, window, 1.0, ''))
        for each in ('fp32', precision)
    )
    assert exact.probabilities != half.probabilities
    assert exact.probabilities == pytest.approx(half.probabilities, abs=0.02)


@pytest.mark.parametrize('version', [2, 0, '1', None])
def test_another_format_version_is_refused_with_the_remedy(tmp_path, version):
    path = make_imu_bundle(tmp_path / 'imu')
    edit(path, format_version=version)
    with pytest.raises(BundleError, match='reads 1: train the model again or install'):
        load_bundle(path)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'labels': ['sit', 'sit', 'walk']}, 'labels must differ'),
        ({'labels': ['sit', 'unknown', 'walk']}, 'reserved'),
        ({'labels': ['sit']}, 'labels'),
        ({'stream': {'modality': 'smell'}}, 'stream'),
        ({'stream': {'modality': 'imu', 'channels': 'acc'}}, '6 means .* 3 channels'),
        ({'temperature': 0}, 'temperature'),
        ({'unknown_threshold': 1.0}, 'unknown_threshold'),
        ({'surprise': 1}, 'surprise'),
        ({'encoder': {'kind': 'camera_cnn'}}, 'camera_cnn cannot read a imu stream'),
        ({'provenance': {'subjects': {'training': 'anna'}}}, 'must list names by part'),
    ],
)
def test_a_document_that_makes_no_sense_is_refused_saying_where(tmp_path, changes, message):
    path = make_imu_bundle(tmp_path / 'imu')
    edit(path, **changes)
    with pytest.raises(BundleError, match=message):
        load_bundle(path)


@pytest.mark.parametrize('missing', ['model.safetensors', 'golden.safetensors'])
def test_a_missing_file_is_named(tmp_path, missing):
    path = make_imu_bundle(tmp_path / 'imu')
    (path / missing).unlink()
    with pytest.raises(BundleError, match=missing):
        load_bundle(path)


def test_broken_files_are_refused(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    (path / 'golden.safetensors').write_bytes(b'junk')
    with pytest.raises(BundleError, match='cannot be loaded'):
        load_bundle(path)
    (path / 'bundle.json').write_text('{')
    with pytest.raises(BundleError, match='cannot be read'):
        load_bundle(path)


def test_a_path_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(BundleError, match='there is no bundle'):
        load_bundle(tmp_path / 'nowhere')
    with pytest.raises(BundleError, match=r'holds no bundle\.json'):
        load_bundle(tmp_path)


def test_frames_that_do_not_fill_one_token_are_refused(tmp_path):
    content = read_bundle_info(make_camera_bundle(tmp_path / 'c')).model_dump()
    content['encoder']['frames_per_token'] = 8
    BundleInfo.model_validate(content)
    content['window']['length_ns'] = 1_000_000_000
    with pytest.raises(ValueError, match='windows of 4 frames are too short'):
        BundleInfo.model_validate(content)


LOG_MEL = {'kind': 'log_mel', 'rate_hz': 16_000}
STANDARDISE = {'kind': 'standardise', 'mean': (0.0,) * 64, 'std': (1.0,) * 64}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'preprocessing': ()}, 'needs one log_mel step, before all others'),
        ({'preprocessing': (LOG_MEL, LOG_MEL)}, 'needs one log_mel step'),
        ({'preprocessing': (STANDARDISE, LOG_MEL)}, 'before all others'),
        ({'preprocessing': ({**LOG_MEL, 'rate_hz': 8000},)}, 'for 8000 Hz.* of 16000 Hz'),
        ({'preprocessing': ({**LOG_MEL, 'bands': 40}, STANDARDISE)}, '64 means .* 40 channels'),
        ({'window': {'length_ns': 20_000_000, 'rate_hz': 16_000}}, 'too short'),
        ({'encoder': {'kind': 'imu_cnn'}}, 'imu_cnn cannot read a audio stream'),
    ],
)
def test_parts_that_do_not_make_an_audio_model_are_refused(tmp_path, changes, message):
    content = read_bundle_info(make_audio_bundle(tmp_path / 'a')).model_dump()
    BundleInfo.model_validate(content)
    with pytest.raises(ValueError, match=message):
        BundleInfo.model_validate({**content, **changes})


def test_only_sound_becomes_log_mel_frames(tmp_path):
    content = read_bundle_info(make_imu_bundle(tmp_path / 'i')).model_dump()
    with pytest.raises(ValueError, match='log_mel step cannot read a imu stream'):
        BundleInfo.model_validate({**content, 'preprocessing': (LOG_MEL,)})


def test_what_is_no_bundle_is_never_replaced(tmp_path):
    notes = tmp_path / 'notes'
    notes.mkdir()
    check_replaceable(notes)
    (notes / 'thesis.txt').write_text('years of work')
    for path, words in ((notes, 'refusing to replace'), (notes / 'thesis.txt', 'is a file, not')):
        with pytest.raises(BundleError, match=words):
            make_imu_bundle(path)
    assert (notes / 'thesis.txt').read_text() == 'years of work'
    assert replaced_bundle(notes) == ''


def test_a_link_that_leads_nowhere_is_replaced_as_it_is_said_before(tmp_path):
    path = tmp_path / 'imu'
    path.symlink_to('nothing')
    check_replaceable(path)
    make_imu_bundle(path)
    assert not path.is_symlink()
    assert [item.name for item in tmp_path.iterdir()] == ['imu']
    (tmp_path / 'models').symlink_to('nothing')
    with pytest.raises(BundleError, match='a link that leads nowhere'):
        check_replaceable(tmp_path / 'models' / 'imu')


def test_which_bundle_would_be_replaced_is_said_with_its_method_and_date(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    os.utime(path / 'bundle.json', (1_785_564_000, 1_785_564_000))
    expected = f'replaces the bundle at {path} (unimodal, 2026-08-01) when it is done'
    assert replaced_bundle(path) == expected
    (path / 'bundle.json').write_text('{}')
    assert '(which cannot be read)' in replaced_bundle(path)


def test_a_bundle_is_replaced_in_one_step_and_nothing_else_stays(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu', seed=1)
    make_imu_bundle(path, seed=2)
    expected = read_bundle_info(make_imu_bundle(tmp_path / 'other', seed=2)).weights_sha256
    assert read_bundle_info(path).weights_sha256 == expected
    assert sorted(f.name for f in tmp_path.iterdir()) == ['imu', 'other']


def test_folders_above_a_bundle_are_made(tmp_path):
    path = make_imu_bundle(tmp_path / 'of' / 'today' / 'bundle')
    assert has_document_sha256(path)
    assert load_bundle(path).info.modality == 'imu'


def test_a_patch_that_does_not_fit_the_encoder_is_refused(tmp_path):
    path = make_imu_bundle(tmp_path / 'bundle')
    patch = {'kind': 'attention_patch', 'key_dim': 8, 'value_dim': 8, 'bank': 4}
    rewrite_document(path, patch={**patch, 'fusion': 'residual'})
    with pytest.raises(BundleError, match='its values need 16 dimensions, not 8'):
        read_bundle_info(path)


def test_a_link_to_a_bundle_is_replaced_and_the_bundle_stays(tmp_path):
    first = make_imu_bundle(tmp_path / 'first', seed=1)
    link = tmp_path / 'current'
    link.symlink_to(first)
    make_imu_bundle(link, seed=2)
    assert not link.is_symlink()
    assert read_bundle_info(first).weights_sha256 != read_bundle_info(link).weights_sha256
    assert sorted(f.name for f in tmp_path.iterdir()) == ['current', 'first']


@pytest.mark.parametrize('there_before', [True, False])
def test_an_interrupted_save_leaves_what_was_there(tmp_path, monkeypatch, there_before):
    path = tmp_path / 'imu'
    if there_before:
        make_imu_bundle(path, seed=1)
    before = sorted(f.name for f in tmp_path.iterdir())
    bundle = load_bundle(make_imu_bundle(tmp_path / 'elsewhere' / 'imu', seed=2))

    def interrupted(file: Path) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bundle_module, 'file_sha256', interrupted)
        with pytest.raises(KeyboardInterrupt):
            save_bundle(path, bundle.info, bundle.classifier, torch.zeros(100, 6))
    assert sorted(f.name for f in tmp_path.iterdir()) == sorted({*before, 'elsewhere'})
    if there_before:
        load_bundle(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(BundleError, match="file' is a file, not a folder: give another --out"):
        make_imu_bundle(tmp_path / 'file' / 'imu')


def test_a_name_that_no_file_can_have_is_no_bundle_and_is_refused_before_training():
    endless = Path('/tmp') / ('x' * 5000)
    assert not is_bundle(endless)
    with pytest.raises(BundleError, match='File name too long'):
        check_replaceable(endless)


def test_a_golden_sample_that_cannot_be_read_is_told_with_the_bundle(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    golden = path / 'golden.safetensors'
    golden.write_bytes(b'\2' + bytes(7) + b'[]')
    assert not has_document_sha256(path)
    golden.write_bytes(b'few')
    with pytest.raises(BundleError, match=f'bundle {path} cannot be read: .* a few bytes'):
        has_document_sha256(path)


def test_a_device_whose_memory_is_full_is_named_with_the_remedy(tmp_path, monkeypatch):
    path = make_imu_bundle(tmp_path / 'imu')

    def full(_: object) -> None:
        raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 MiB')

    monkeypatch.setattr(BundleInfo, 'make_classifier', full)
    with pytest.raises(DeviceFullError, match=r"memory of cpu .* or choose device 'cpu'"):
        load_bundle(path)


def test_every_user_may_read_a_bundle(tmp_path):
    path = make_imu_bundle(tmp_path / 'bundle')
    assert {file.stat().st_mode & 0o777 for file in path.iterdir()} == {0o644}
    assert path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize('name', ['bundle.json', 'model.safetensors', 'golden.safetensors'])
def test_what_is_no_ordinary_file_is_refused_instead_of_waited_for(tmp_path, name):
    path = make_imu_bundle(tmp_path / 'imu')
    (path / name).unlink()
    os.mkfifo(path / name)
    with pytest.raises(BundleError, match=f'{name} is no '):
        load_bundle(path)


def test_a_document_of_a_size_that_none_has_is_not_read(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    os.truncate(path / 'bundle.json', 1 << 33)
    with pytest.raises(BundleError, match='by its size or kind'):
        read_bundle_info(path)


def test_weights_cut_short_between_check_and_use_are_refused(tmp_path, monkeypatch):
    """A file that is mapped would end the process with SIGBUS here."""
    path = make_imu_bundle(tmp_path / 'imu')

    def cut_after_check(folder: Path) -> BundleInfo:
        info = check_bundle(folder)
        os.truncate(folder / 'model.safetensors', 4096)
        return info

    monkeypatch.setattr(bundle_module, 'check_bundle', cut_after_check)
    with pytest.raises(BundleError, match='changes while it is read'):
        load_bundle(path)


def test_a_bundle_from_before_documents_were_hashed_loads_and_says_so(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    golden = path / 'golden.safetensors'
    save_file(load_file(golden), golden)
    with pytest.warns(UserWarning, match=r'does not say what its bundle\.json was'):
        assert load_bundle(path).info.labels == LABELS


def test_a_document_that_asks_for_all_the_memory_is_refused(
    tmp_path,
):
    path = make_imu_bundle(tmp_path / 'imu')
    rocket = {'kind': 'rocket', 'dilations': 16 * [1], 'biases': 64, 'segments': 64}
    member = {'name': 'rocket', 'features': rocket, 'landmarks': 16_384}
    rewrite_document(path, ensemble={'members': 16 * [member]})
    with pytest.raises(BundleError, match=r'landmarks of 86016 features'):
        load_bundle(path)
    leaves = {'depths': [[0, 1 << 20]]}
    member = {'name': 'forest', 'features': {'kind': 'statistics'}, 'forest': leaves}
    labels = [f'activity {number}' for number in range(100)]
    rewrite_document(path, labels=labels, ensemble={'members': [member]})
    with pytest.raises(BundleError, match='an ensemble of 1048576 times 100 numbers'):
        load_bundle(path)


def test_a_file_larger_than_any_model_is_refused_unread(tmp_path):
    path = make_imu_bundle(tmp_path / 'imu')
    with (path / 'model.safetensors').open('r+b') as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match='more than any model'):
        check_bundle(path)


def anything_in_place_of(path, draw):
    """Change bytes of one file of a bundle, or a value of its document, as if written so."""
    name = draw(st.sampled_from(['bundle.json', 'model.safetensors', 'golden.safetensors', '']))
    if name:
        content = draw(mutated([(path / name).read_bytes()]))
        (path / name).write_bytes(content)
        return
    content = json.loads((path / 'bundle.json').read_text())
    at = content
    while isinstance(at, dict):
        key = draw(st.sampled_from(sorted(at)))
        if not isinstance(at[key], dict) or not at[key] or draw(st.booleans()):
            break
        at = at[key]
    at[key] = draw(ANYTHING)
    rewrite_document(path, **content)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_a_bundle_holds_it_loads_or_is_refused_in_words(bundle_to_copy, data):
    with TemporaryDirectory() as folder:
        path = Path(shutil.copytree(bundle_to_copy, Path(folder) / 'imu'))
        anything_in_place_of(path, data.draw)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            # Any other exception would be one.
            with suppress(BundleError):
                load_bundle(path)


@pytest.fixture(scope='module')
def bundle_to_copy(tmp_path_factory):
    return make_imu_bundle(tmp_path_factory.mktemp('whole') / 'imu')
