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

import json
from pathlib import Path

import pytest

from test.bundles import LABELS, make_camera_bundle, make_imu_bundle, rewrite_document
from test.waiting import run_python
from xmodal_ros.errors import BundleError
from xmodal_ros.tools.doctor.expectation import read_expectation


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_imu_bundle(tmp_path / 'bundle', sensor='imu_wrist')


def change(bundle: Path, **values: object) -> None:
    file = bundle / 'bundle.json'
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_it_is_what_the_bundle_says(bundle: Path) -> None:
    found = read_expectation(bundle)
    assert (found.modality, found.sensor, found.labels) == ('imu', 'imu_wrist', LABELS)
    assert found.window.rate_hz == 50
    assert found.describe() == ('imu (acceleration and gyro) at 50 Hz, windows of 2 s every 0.5 s')


def test_a_model_of_acceleration_and_one_of_pictures_say_so(tmp_path: Path) -> None:
    found = read_expectation(make_imu_bundle(tmp_path / 'imu', channels='acc'))
    assert 'imu (acceleration) at' in found.describe()
    found = read_expectation(make_camera_bundle(tmp_path / 'camera'))
    assert 'camera (gray, 16x16) at 4 Hz' in found.describe()


def test_the_acceleration_it_learnt_from_comes_of_its_statistics(bundle: Path) -> None:
    mean, std = [0.0, 3.0, 8.0, 1, 1, 1], [3.0, 3.0, 3.0, 1, 1, 1]
    step = {'kind': 'standardise', 'mean': mean, 'std': std}
    rewrite_document(bundle, preprocessing=[step])
    assert read_expectation(bundle).statistics == pytest.approx({'acceleration_rms': 10.0})
    doubled = {**step, 'mean': 2 * mean, 'std': 2 * std}
    rewrite_document(bundle, preprocessing=[{'kind': 'motion'}, doubled])
    assert read_expectation(bundle).statistics == pytest.approx({'acceleration_rms': 10.0})
    rewrite_document(bundle, preprocessing=[])
    assert read_expectation(bundle).statistics == {}


@pytest.mark.parametrize(
    'step',
    [{'kind': 'something else'}, {'kind': 'standardise', 'mean': 'x', 'std': None}],
)
def test_a_step_that_no_model_here_could_run_is_refused(bundle: Path, step: object) -> None:
    rewrite_document(bundle, preprocessing=[step])
    with pytest.raises(BundleError, match='preprocessing'):
        read_expectation(bundle)


def test_a_document_that_was_altered_is_refused_as_the_node_will(bundle: Path) -> None:
    change(bundle, unknown_threshold=0.5)
    with pytest.raises(BundleError, match='is not the document this bundle was made with'):
        read_expectation(bundle)


def test_a_folder_that_is_none_or_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match='there is no bundle at'):
        read_expectation(tmp_path / 'nowhere')
    with pytest.raises(BundleError, match=r'it holds no bundle\.json'):
        read_expectation(tmp_path)


def test_a_document_of_another_kind_is_refused_by_the_field(bundle: Path) -> None:
    change(bundle, stream={'modality': 'radar'})
    with pytest.raises(BundleError, match='stream'):
        read_expectation(bundle)
    (bundle / 'bundle.json').write_text('{')
    with pytest.raises(BundleError, match='cannot be read'):
        read_expectation(bundle)


def test_weights_that_are_not_the_bundles_are_refused(bundle: Path) -> None:
    with (bundle / 'model.safetensors').open('ab') as file:
        file.write(b'x')
    with pytest.raises(BundleError, match='copy the whole folder again'):
        read_expectation(bundle)


@pytest.mark.parametrize('name', ['model.safetensors', 'golden.safetensors'])
def test_a_file_that_was_not_copied_is_missed(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f'lacks {name}'):
        read_expectation(bundle)


def test_it_is_read_without_torch(bundle: Path) -> None:
    program = (
        "import sys; sys.modules['torch'] = None; from pathlib import Path;"
        'from xmodal_ros.tools.doctor.expectation import read_expectation;'
        'print(read_expectation(Path(sys.argv[1])).modality)'
    )
    assert run_python(program, bundle, cwd=Path(__file__).parents[3]).stdout == 'imu\n'
