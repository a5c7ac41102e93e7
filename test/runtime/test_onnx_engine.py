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

"""The engine decides by a bundle's ONNX file as it does by its weights."""

from pathlib import Path

import numpy as np
import pytest

from test.bundles import LABELS, make_camera_bundle, make_imu_bundle
from test.needs import need
from test.recordings import clips, write_imu_bag
from test.waiting import run_python
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.onnx_export import export_onnx, write_onnx
from xmodal_ros.models.precision import Precision
from xmodal_ros.ros.classifier_settings import check_model, ModelSettings
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.loading import choose_runtime, load_model
from xmodal_ros.runtime.models import ModelStore
from xmodal_ros.runtime.offline import classify_bag
from xmodal_ros.windows.assembler import Window

need('onnxscript', 'onnxruntime')


def exported(path: Path) -> Path:
    bundle = load_bundle(path)
    write_onnx(bundle, export_onnx(bundle))
    return path


@pytest.fixture(scope='module')
def imu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(make_imu_bundle(tmp_path_factory.mktemp('onnx') / 'imu'))


def assert_the_same(given: Prediction, expected: Prediction) -> None:
    assert (given.stamp_ns, given.label) == (expected.stamp_ns, expected.label)
    np.testing.assert_allclose(given.probabilities, expected.probabilities, atol=1e-5)


def test_a_recording_gives_the_decisions_that_torch_gives(imu: Path, tmp_path: Path) -> None:
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit', 'walk', 'wave']))
    expected: list[Prediction] = []
    given: list[Prediction] = []
    with BagReader(bag) as reader:
        for runtime, predictions in (('torch', expected), ('onnx', given)):
            engine = Engine(load_model(imu, 'cpu', runtime=runtime))
            engine.warm_up()
            assert (str(engine.bundle.device), engine.bundle.runtime) == ('cpu', runtime)
            assert engine.memory() == {}
            found = classify_bag(engine, reader, reader.sensor('imu'))
            predictions.extend(found.predictions)
    assert len(expected) == len(given) > 20
    for one, other in zip(given, expected, strict=True):
        assert_the_same(one, other)
    # It was another arithmetic that computed them.
    assert given != expected


@pytest.fixture(scope='module')
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(make_camera_bundle(tmp_path_factory.mktemp('onnx') / 'camera'))


@pytest.mark.parametrize(
    ('bundle', 'values'),
    [
        ('camera', np.arange(8 * 256, dtype=np.uint8).reshape(8, 16, 16, 1)),
        ('imu', np.sin(np.arange(600) / 9).astype(np.float16).reshape(100, 6)),
    ],
)
def test_windows_of_any_type_are_classified_as_they_come(request, bundle, values) -> None:
    path = request.getfixturevalue(bundle)
    window = Window(0, values, 1.0, 'sensor_link')
    given, expected = (
        Engine(load_model(path, 'cpu', runtime=runtime)).classify(window)
        for runtime in ('onnx', 'torch')
    )
    assert_the_same(given, expected)


def test_the_same_window_gives_the_same_bits(imu: Path) -> None:
    engine = Engine(load_model(imu, 'auto', runtime='onnx'))
    rng = np.random.default_rng(0)
    first, other = (
        Window(0, rng.normal(0, 5, (100, 6)).astype(np.float32), 1.0, '') for _ in range(2)
    )
    expected = engine.classify(first)
    assert engine.classify(other).probabilities != expected.probabilities
    assert engine.classify(first) == expected


def test_values_that_are_no_numbers_are_unknown(imu: Path) -> None:
    window = Window(0, np.full((100, 6), np.nan, np.float32), 1.0, '')
    assert Engine(load_model(imu, 'auto', runtime='onnx')).classify(window).scores == (
        ('unknown', 1.0),
    )


def test_a_store_holds_a_network_once_and_weights_apart(imu: Path) -> None:
    store = ModelStore()
    first, again, other = (
        store.engine(imu, 'cpu', 'fp32', None, each) for each in ('onnx', 'onnx', 'torch')
    )
    assert first.bundle.network is again.bundle.network  # type: ignore[attr-defined]
    assert other.bundle.classifier is not None  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match='computes in fp32'):
        store.engine(imu, 'cpu', 'bf16', None, 'onnx')


def test_a_node_checks_the_file_before_it_changes_over(imu: Path, tmp_path: Path) -> None:
    check_model(ModelSettings(str(imu), 'cpu', 'fp32', 'onnx'), 'imu')
    with pytest.raises(ConfigurationError, match='computes in fp32'):
        check_model(ModelSettings(str(imu), 'cpu', 'fp16', 'onnx'), 'imu')
    bare = make_imu_bundle(tmp_path / 'bare')
    with pytest.raises(BundleError, match=r'holds no model\.onnx: write it with'):
        check_model(ModelSettings(str(bare), 'cpu', 'fp32', 'onnx'), 'imu')


def test_the_file_runs_by_itself_where_it_is_and_the_cpu_computes(
    imu: Path, tmp_path: Path
) -> None:
    bare = make_imu_bundle(tmp_path / 'bare')
    assert choose_runtime(imu, 'auto', 'cpu', 'fp32') == 'onnx'
    assert choose_runtime(bare, 'auto', 'cpu', 'fp32') == 'torch'
    assert choose_runtime(imu, 'auto', 'cuda', 'fp32') == 'torch'
    assert choose_runtime(imu, 'auto', 'cpu', 'bf16') == 'torch'
    assert choose_runtime(imu, 'torch', 'cpu', 'fp32') == 'torch'
    with pytest.raises(ConfigurationError, match="'jit' is none of auto, torch, onnx"):
        choose_runtime(imu, 'jit', 'cpu', 'fp32')


@pytest.mark.parametrize(
    ('device', 'precision', 'words'),
    [
        ('cuda', 'fp32', "without CUDAExecutionProvider for 'cuda': install onnxruntime-gpu"),
        ('tensorrt', 'fp16', 'without TensorrtExecutionProvider'),
        ('cuda', 'fp16', "in fp16 on cuda: .* or choose device 'tensorrt'"),
        ('npu', 'fp32', "device 'npu' is none of"),
    ],
)
def test_a_device_where_it_cannot_compute_is_refused(
    imu: Path, device: str, precision: Precision, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load_model(imu, device, precision, 'onnx')


def test_neither_torch_nor_what_reads_bags_is_loaded_for_the_file(imu: Path) -> None:
    program = (
        'import sys\n'
        'from pathlib import Path\n'
        'import numpy as np\n'
        'import xmodal_ros.ros.classifier, xmodal_ros.ros.running\n'
        'from xmodal_ros.runtime.models import ModelStore\n'
        'from xmodal_ros.windows.assembler import Window\n'
        "engine = ModelStore().engine(Path(sys.argv[1]), 'auto', 'fp32', None, 'onnx')\n"
        "print(engine.classify(Window(0, np.ones((100, 6), np.float32), 1.0, '')).label)\n"
        "heavy = {'torch', 'scipy', 'cv2', 'rosbags', 'apsw', 'rich', 'typer'}\n"
        'print(sorted(heavy & set(sys.modules)))\n'
    )
    label, heavy = run_python(program, imu).stdout.splitlines()
    assert label in LABELS
    assert heavy == '[]'
