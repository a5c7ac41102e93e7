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

"""An ONNX file answers as the bundle that it was made from, whatever the bundle is made of."""

from collections.abc import Sequence
import importlib
import json
import logging
from pathlib import Path
import shutil
from typing import Any

import numpy as np
import pytest
import torch

from test.bundles import LABELS, make_imu_bundle
from test.needs import need
from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.models import modeling_patch as patches
from xmodal_ros.models.bundle import Bundle, load_bundle, save_bundle
from xmodal_ros.models.configuration_bundle import bundle_sha256, BundleInfo
from xmodal_ros.models.configuration_ensemble import ForestConfig
from xmodal_ros.models.configuration_imu_cnn import ImuCnnConfig
from xmodal_ros.models.configuration_patch import AttentionPatchConfig, GatedPatchConfig, PatchSpec
from xmodal_ros.models.configuration_preprocessing import (
    MagnitudeStep,
    MotionStep,
    StandardiseStep,
)
from xmodal_ros.models.modeling_forest import Forest
from xmodal_ros.models.onnx_export import check_parity, export_onnx, write_onnx
from xmodal_ros.models.onnx_model import load_onnx, OnnxNetwork
from xmodal_ros.windows.windowing import WindowingSpec

need('onnx', 'onnxscript', 'onnxruntime')

PATCHES: Sequence[PatchSpec] = [
    AttentionPatchConfig(bank=37, key_dim=8, value_dim=16),
    AttentionPatchConfig(bank=37, key_dim=8, value_dim=16, kernel='gaussian', fusion='residual'),
    AttentionPatchConfig(bank=37, key_dim=8, value_dim=16, kernel='laplace'),
    GatedPatchConfig(bank=37, dim=8, top=5),
    GatedPatchConfig(bank=3, dim=8, top=5, gate=False),
]


def make_patched_bundle(path: Path, patch: PatchSpec) -> Path:
    info = BundleInfo(
        labels=LABELS,
        sensor='imu',
        stream=ImuStream(),
        window=WindowingSpec(rate_hz=50),
        preprocessing=(
            MagnitudeStep(),
            MotionStep(),
            StandardiseStep(mean=(0.5,) * 16, std=(5.0,) * 16),
        ),
        encoder=ImuCnnConfig(width=8, dim=16),
        patch=patch,
        method='attention_patch',
        temperature=1.25,
        unknown_threshold=0.375,
    )
    torch.manual_seed(1)
    classifier = info.make_classifier()
    assert classifier.patch is not None
    for bank in classifier.patch.buffers():
        bank.normal_()
    save_bundle(path, info, classifier, 5 * torch.randn(info.window_shape))
    return path


def assert_the_same(bundle: Bundle, content: bytes) -> None:
    network = OnnxNetwork(content, 'the file')
    torch.manual_seed(2)
    answers = []
    for _ in range(3):
        window = 3 * torch.randn((1, *bundle.info.window_shape))
        answers.append(torch.from_numpy(network(window.numpy())))
        torch.testing.assert_close(answers[-1], bundle.logits(window), atol=1e-4, rtol=1e-4)
    # Else nothing of the window was seen.
    assert not torch.equal(answers[0], answers[1])


def test_an_encoder_answers_as_in_torch(exported: Path) -> None:
    """As all are asked to by what test_contract.py checks of each."""
    bundle, content = load_bundle(exported), (exported / 'model.onnx').read_bytes()
    assert_the_same(bundle, content)
    parity = check_parity(bundle, content)
    assert parity.holds
    assert parity.windows == 10
    assert parity.largest < 1e-3


@pytest.mark.parametrize(
    'patch', PATCHES, ids=lambda p: f'{p.kind} {getattr(p, "kernel", p.bank)}'
)
def test_every_patch_answers_as_in_torch(
    tmp_path: Path, patch: PatchSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In several parts, as large banks are.
    monkeypatch.setattr(patches, '_CHUNK', 16)
    bundle = load_bundle(make_patched_bundle(tmp_path / 'bundle', patch))
    content = export_onnx(bundle)
    assert_the_same(bundle, content)
    assert check_parity(bundle, content).holds


def test_the_file_says_what_a_program_needs_to_know(tmp_path: Path) -> None:
    path = make_patched_bundle(tmp_path / 'bundle', PATCHES[0])
    content = export_onnx(load_bundle(path), opset=20)
    onnx = importlib.import_module('onnx')
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model)
    assert [(o.domain, o.version) for o in model.opset_import] == [('', 20)]
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(said['labels']) == list(LABELS)
    assert json.loads(said['window'])['rate_hz'] == 50
    assert (float(said['temperature']), float(said['unknown_threshold'])) == (1.25, 0.375)
    assert said['bundle_sha256'] == bundle_sha256(path)
    (given,), (answer,) = model.graph.input, model.graph.output
    shapes = [[d.dim_value for d in value.type.tensor_type.shape.dim] for value in (given, answer)]
    assert shapes == [[1, 100, 6], [1, 3]]
    # Nor does it tell in which folder it was made.
    assert b'xmodal_ros/models' not in content


def test_logits_that_are_off_are_not_taken(exported: Path) -> None:
    bundle, content = load_bundle(exported), (exported / 'model.onnx').read_bytes()
    with torch.no_grad():
        bundle.classifier.head.bias[0] += 0.01
    with pytest.raises(BundleError, match=r'0\.01 off those of torch, 10\.0 times what is'):
        check_parity(bundle, content)
    with torch.no_grad():
        bundle.classifier.head.bias[0] = torch.nan
    with pytest.raises(BundleError, match='inf off'):
        check_parity(bundle, content)


@pytest.mark.parametrize('opset', [17, 24])
def test_an_opset_that_cannot_be_written_is_refused(tmp_path: Path, opset: int) -> None:
    bundle = load_bundle(make_imu_bundle(tmp_path / 'bundle'))
    with pytest.raises(ConfigurationError, match=f'opset {opset} .*from 18 to 23'):
        export_onnx(bundle, opset)


@pytest.mark.parametrize('package', ['onnx', 'onnxscript', 'onnxruntime'])
def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    bundle = load_bundle(make_imu_bundle(tmp_path / 'bundle'))
    without(monkeypatch, package)
    with pytest.raises(ConfigurationError, match=f"needs the Python package '{package}'.*pip"):
        export_onnx(bundle)


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    real = importlib.import_module

    def missing(name: str) -> Any:
        if name == package:
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(importlib, 'import_module', missing)


@pytest.fixture(scope='module')
def exported_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_imu_bundle(tmp_path_factory.mktemp('exported') / 'bundle')
    bundle = load_bundle(path)
    assert write_onnx(bundle, export_onnx(bundle)) == path / 'model.onnx'
    return path


@pytest.fixture
def exported(exported_once: Path, tmp_path: Path) -> Path:
    """A bundle with its ONNX file, to do with as one likes."""
    return Path(shutil.copytree(exported_once, tmp_path / 'exported'))


def test_a_bundle_runs_by_its_onnx_file(exported: Path) -> None:
    bundle, model = load_bundle(exported), load_onnx(exported)
    assert (model.info, model.device, model.precision) == (bundle.info, 'cpu', 'fp32')
    window = torch.randn((1, 100, 6)).numpy()
    np.testing.assert_allclose(
        model.probabilities(window), bundle.probabilities(window), rtol=1e-5
    )


def test_an_onnx_file_that_does_not_fit_is_refused_in_words(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, hash_file = exported / 'model.onnx', exported / 'model.onnx.sha256'
    content, said = file.read_bytes(), hash_file.read_text()
    with pytest.raises(ConfigurationError, match='computes in fp32 on the CPU, not in fp16'):
        load_onnx(exported, 'cpu', 'fp16')
    file.write_bytes(content[:-1])
    with pytest.raises(BundleError, match=r'is not the file that model\.onnx\.sha256'):
        load_onnx(exported)
    broken = load_bundle(exported)
    write_onnx(broken, content[:1000])
    with pytest.raises(BundleError, match=r'model\.onnx cannot be loaded by onnxruntime'):
        load_onnx(exported)
    other = load_bundle(make_imu_bundle(tmp_path / 'other', seed=1))
    write_onnx(other, content)
    with pytest.raises(BundleError, match='was not made from the bundle that it lies in'):
        load_onnx(other.path)
    hash_file.unlink()
    with pytest.raises(BundleError, match=r'holds no model\.onnx\.sha256.*xmodal export'):
        load_onnx(exported)
    file.unlink()
    with pytest.raises(BundleError, match=r'holds no model\.onnx: write it with .*xmodal export'):
        load_onnx(exported)
    file.write_bytes(content)
    hash_file.write_text(said)
    assert load_onnx(exported).info.labels == LABELS
    without(monkeypatch, 'onnxruntime')
    with pytest.raises(ConfigurationError, match="'onnx' needs the Python package 'onnxruntime'"):
        load_onnx(exported)


def test_a_file_that_answers_otherwise_here_is_caught_by_the_golden_sample(
    exported: Path,
) -> None:
    onnx = importlib.import_module('onnx')
    model = onnx.load(exported / 'model.onnx')
    (bias,) = (i for i in model.graph.initializer if i.name == 'head.bias')
    values = onnx.numpy_helper.to_array(bias) + 0.01
    bias.CopyFrom(onnx.numpy_helper.from_array(values, 'head.bias'))
    write_onnx(load_bundle(exported), model.SerializeToString())
    with pytest.raises(
        BundleError, match=r'golden sample with logits 0\.01 off in fp32 on cpu by ONNX'
    ):
        load_onnx(exported)


def test_the_exporters_own_notes_stay_off_the_terminal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    export = torch.onnx.export

    def speaking(*given: Any, **options: Any) -> Any:
        for name in ('torch.onnx.exporter', 'onnxscript.optimizer._constant_folding'):
            logging.getLogger(name).warning('Evaluation failed')
        return export(*given, **options)

    monkeypatch.setattr(torch.onnx, 'export', speaking)
    export_onnx(load_bundle(make_imu_bundle(tmp_path / 'imu')))
    assert 'Evaluation failed' not in caplog.text


def test_a_forest_gathers_by_element_and_never_by_column() -> None:
    forest = Forest(ForestConfig(depths=((1, 1), (1, 1), (0, 2))), 5, 3).eval()
    example = (torch.zeros(1, 5),)
    program = torch.onnx.export(
        torch.export.export(forest, example), example, dynamo=True, verbose=False
    )
    assert program is not None
    kinds = [node.op_type for node in program.model_proto.graph.node]
    assert 'GatherElements' in kinds
    # Of single numbers onnxruntime takes ten times as long by it.
    assert 'Gather' not in kinds
