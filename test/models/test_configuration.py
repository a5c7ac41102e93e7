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

"""What a model is made of is read, checked and chosen where torch is not installed."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError
import pytest

from test.bundles import make_audio_bundle, make_camera_bundle, make_imu_bundle, rewrite_document
from test.waiting import run_python
from xmodal_ros import registry
from xmodal_ros.errors import BundleError
from xmodal_ros.models.configuration_bundle import check_bundle, is_bundle
from xmodal_ros.models.configuration_camera_cnn import CameraCnnConfig
from xmodal_ros.models.configuration_encoder import EncoderConfig, EncoderSpec
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig


def without_torch(program: str, *arguments: object) -> str:
    """Run a program where to import torch fails; gives what it prints."""
    program = f"import sys; sys.modules['torch'] = None\n{program}"
    return run_python(program, *arguments).stdout


def test_bundles_of_all_encoders_are_proved_whole_without_torch(tmp_path: Path) -> None:
    paths = [
        make(tmp_path / make.__name__)
        for make in (make_imu_bundle, make_camera_bundle, make_audio_bundle)
    ]
    program = (
        'from pathlib import Path\n'
        'from xmodal_ros.models.configuration_bundle import check_bundle\n'
        'for path in sys.argv[1:]: print(check_bundle(Path(path)).encoder.kind)'
    )
    assert without_torch(program, *paths).split() == ['imu_cnn', 'camera_cnn', 'audio_bcresnet']


def test_every_encoder_is_configured_without_torch() -> None:
    program = (
        'from xmodal_ros import registry\n'
        'from xmodal_ros.models.configuration_encoder import encoder_class\n'
        'for kind in registry.names(registry.ENCODERS): print(encoder_class(kind)().kind)'
    )
    assert tuple(without_torch(program).split()) == registry.names(registry.ENCODERS)


def test_the_document_is_that_of_the_encoders_own_class() -> None:
    adapter: TypeAdapter[EncoderConfig] = TypeAdapter(EncoderSpec)
    encoder = adapter.validate_python({'kind': 'camera_cnn', 'width': 8})
    assert encoder == CameraCnnConfig(width=8)
    assert adapter.dump_json(encoder) == (
        b'{"kind":"camera_cnn","width":8,"dim":64,"dropout":0.2,"frames_per_token":2}'
    )


@pytest.mark.parametrize(
    ('document', 'message'),
    [
        ({'kind': 'imu_cnn', 'width': 9}, 'width.*multiple of 8'),
        ({'kind': 'imu_cnn', 'frames_per_token': 2}, 'frames_per_token.*not permitted'),
        ({'kind': 'imu_cmn'}, r"no encoder 'imu_cmn'.*did you mean 'imu_cnn'\?"),
        ({'width': 8}, "'kind'"),
        (7, "'kind'"),
    ],
)
def test_what_is_no_encoder_is_refused_in_words(document: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f'(?s){message}'):
        TypeAdapter(EncoderSpec).validate_python(document)


def test_a_bundle_of_an_encoder_that_is_not_installed_says_which(tmp_path: Path) -> None:
    path = make_imu_bundle(tmp_path / 'imu')
    rewrite_document(path, encoder={'kind': 'conformer', 'heads': 8})
    with pytest.raises(BundleError, match=r"encoder: .*'conformer'.* install the package"):
        check_bundle(path)


def test_an_encoder_that_could_not_be_fed_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match='must set input'):

        class Unfed(ImuCnnConfig):
            input = 'smell'  # type: ignore[assignment]

    with pytest.raises(TypeError, match='must set widths'):

        class Narrow(ImuCnnConfig):
            widths = {'small': 8}  # noqa: RUF012

    with pytest.raises(TypeError, match='default'):

        class Undecided(ImuCnnConfig):
            layers: int


def test_a_folder_is_a_bundle_by_its_document(tmp_path: Path) -> None:
    assert is_bundle(make_imu_bundle(tmp_path / 'imu'))
    assert not is_bundle(tmp_path)
    assert not is_bundle(tmp_path / 'imu' / 'bundle.json')
