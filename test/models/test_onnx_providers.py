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

"""What onnxruntime is asked to compute with on a GPU; a made-up one stands in for it."""

from collections.abc import Sequence
from pathlib import Path
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.onnx_model import ENGINES_VARIABLE, INPUT, OnnxNetwork, OUTPUT
from xmodal_ros.models.precision import Precision

CPU, CUDA, TENSORRT = (f'{name}ExecutionProvider' for name in ('CPU', 'CUDA', 'Tensorrt'))
Providers = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Providers:
    """Put an onnxruntime in place that can do all, and give what it is asked for."""
    return stand_in(monkeypatch)


def stand_in(
    monkeypatch: pytest.MonkeyPatch,
    built: Sequence[str] = (TENSORRT, CUDA, CPU),
    begun: Sequence[str] | None = None,
) -> Providers:
    asked: Providers = []

    class Session:
        def __init__(self, content: bytes, options: Any, providers: Providers) -> None:
            assert options.use_deterministic_compute
            asked.extend(providers)
            self.providers = [name for name, _ in providers]

        def get_providers(self) -> list[str]:
            return self.providers if begun is None else list(begun)

        def get_inputs(self) -> list[Any]:
            return [SimpleNamespace(name=INPUT, shape=[1, 100, 6])]

        def get_outputs(self) -> list[Any]:
            return [SimpleNamespace(name=OUTPUT)]

        def run(self, names: list[str], values: dict[str, Any]) -> list[Any]:
            assert (names, list(values)) == ([OUTPUT], [INPUT])
            return [np.zeros((1, 3), values[INPUT].dtype)]

    module = ModuleType('onnxruntime')
    vars(module).update(
        __version__='1.32.0',
        SessionOptions=SimpleNamespace,
        InferenceSession=Session,
        get_available_providers=lambda: list(built),
    )
    monkeypatch.setitem(sys.modules, 'onnxruntime', module)
    monkeypatch.delenv(ENGINES_VARIABLE, raising=False)
    return asked


@pytest.mark.parametrize(
    ('device', 'precision', 'expected'),
    [
        ('auto', 'fp32', []),
        ('cpu', 'fp32', []),
        ('cuda', 'fp32', [(CUDA, {'device_id': '0'})]),
        ('cuda:1', 'fp32', [(CUDA, {'device_id': '1'})]),
        ('tensorrt', 'fp32', [(TENSORRT, {'device_id': '0', 'trt_fp16_enable': '0'})]),
        ('tensorrt:2', 'fp16', [(TENSORRT, {'device_id': '2', 'trt_fp16_enable': '1'})]),
    ],
)
def test_the_provider_that_is_meant_comes_first_and_the_cpu_last(
    asked: Providers, device: str, precision: Precision, expected: Providers
) -> None:
    network = OnnxNetwork(b'a file', 'model.onnx', device, precision)
    assert asked == [*expected, (CPU, {})]
    logits = network(np.zeros((1, 100, 6), np.float16))
    assert logits.shape == (1, 3)
    assert logits.dtype == np.float32


def test_one_that_quietly_leaves_all_to_the_cpu_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in(monkeypatch, begun=[CPU])
    with pytest.raises(
        ConfigurationError, match=f'could not begin with {CUDA} and would use {CPU}'
    ):
        OnnxNetwork(b'a file', 'model.onnx', 'cuda')


def test_one_that_is_not_built_in_is_refused_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = stand_in(monkeypatch, built=[CUDA, CPU])
    with pytest.raises(ConfigurationError, match=f'was built without {TENSORRT}'):
        OnnxNetwork(b'a file', 'model.onnx', 'tensorrt')
    assert asked == []


def test_engines_are_kept_where_the_environment_says_each_file_s_apart(
    asked: Providers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(ENGINES_VARIABLE, str(tmp_path / 'engines'))
    for content, device in [(b'one', 'tensorrt'), (b'other', 'tensorrt'), (b'one', 'cuda')]:
        OnnxNetwork(content, 'model.onnx', device)
    one, other, cuda = (options for name, options in asked if name != CPU)
    assert one['trt_engine_cache_enable'] == other['trt_engine_cache_enable'] == '1'
    folders = {Path(each['trt_engine_cache_path']) for each in (one, other)}
    assert {*(tmp_path / 'engines').iterdir()} == folders
    assert len(folders) == 2
    assert 'trt_engine_cache_enable' not in cuda


def test_where_engines_cannot_be_kept_is_said(
    asked: Providers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / 'file'
    file.touch()
    monkeypatch.setenv(ENGINES_VARIABLE, str(file))
    with pytest.raises(ConfigurationError, match=f'cannot be kept in {ENGINES_VARIABLE}='):
        OnnxNetwork(b'one', 'model.onnx', 'tensorrt')
    assert asked == []
