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

"""Run a bundle's ONNX file in the place of its weights, with onnxruntime; without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import importlib
import os
from pathlib import Path
import sys
from types import ModuleType
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.models.configuration_bundle import bundle_sha256, BundleInfo, check_bundle
from xmodal_ros.models.golden import read_golden
from xmodal_ros.models.precision import Precision

ONNX_FILE: Final = 'model.onnx'
ONNX_HASH: Final = 'model.onnx.sha256'
INPUT, OUTPUT = 'window', 'logits'
BUNDLE_SHA256: Final = 'bundle_sha256'
# A folder where TensorRT keeps the engines that it otherwise builds whenever a file is loaded.
ENGINES_VARIABLE: Final = 'XMODAL_TENSORRT_ENGINES'
_CPU: Final = 'CPUExecutionProvider'
_PROVIDERS: Final = {'cuda': 'CUDAExecutionProvider', 'tensorrt': 'TensorrtExecutionProvider'}


class OnnxNetwork:
    """What an ONNX file computes: one raw window (1, steps, ...) to its logits (1, classes).

    On the CPU on one core, so that the same window gives the same bits; or where ``device`` says.
    Raises :class:`BundleError` where ``content`` is no such file, :class:`ConfigurationError`
    where onnxruntime is missing or cannot compute there.
    """

    def __init__(
        self, content: bytes, name: str, device: str = 'cpu', precision: Precision = 'fp32'
    ) -> None:
        runtime: Any = import_onnx('onnxruntime', name)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        providers = _providers(runtime, device, precision)
        if providers[0][0] == _PROVIDERS['tensorrt']:
            providers[0][1].update(_kept_engine(content, runtime.__version__))
        try:
            self._session = runtime.InferenceSession(content, options, providers=providers)
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        except Exception as error:
            # onnxruntime has an exception of its own for every kind of damage.
            words = ' '.join(str(error).split())
            raise BundleError(f'{name} cannot be loaded by onnxruntime: {words}') from error
        wanted, found = providers[0][0], self._session.get_providers()[0]
        if found != wanted:
            # It says so only in its log, and computes on the CPU.
            raise ConfigurationError(
                f'onnxruntime could not begin with {wanted} and would use {found}: see that the '
                "libraries of CUDA it was built for are found, or choose device 'cpu'"
            )
        if [i.name for i in inputs] != [INPUT] or [o.name for o in outputs] != [OUTPUT]:
            raise BundleError(f"{name} was not written by 'xmodal export'")
        self.input_shape: tuple[int, ...] = tuple(inputs[0].shape)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the file says of itself."""
        found: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    def __call__(self, window: NDArray[Any]) -> NDArray[np.float32]:
        """Give the logits (1, classes) of one raw window (1, steps, ...) of any dtype."""
        values = np.ascontiguousarray(window, np.float32)
        logits: NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: values})[0]
        return logits


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A bundle whose ONNX file computes; in the place of a loaded bundle."""

    path: Path
    info: BundleInfo
    network: OnnxNetwork
    device: str = 'cpu'
    precision: Precision = 'fp32'
    runtime: Literal['onnx'] = 'onnx'

    @property
    def weights(self) -> OnnxNetwork:
        """What computes."""
        return self.network

    def probabilities(self, windows: NDArray[Any]) -> NDArray[np.float64]:
        """Give calibrated probabilities (B, classes) of raw windows (B, steps, ...)."""
        logits = np.concatenate([self.network(window[None]) for window in windows])
        scaled = logits.astype(np.float64) / self.info.temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        chances: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return chances


def _providers(
    runtime: Any, device: str, precision: Precision
) -> list[tuple[str, dict[str, Any]]]:
    """Give what onnxruntime is to compute with, the first being what was asked for."""
    kind, _, number = device.partition(':')
    if kind in {'auto', 'cpu'}:
        if precision != 'fp32':
            raise ConfigurationError(
                f'ONNX Runtime computes in fp32 on the CPU, not in {precision}: set precision to '
                'fp32, or choose another device'
            )
        return [(_CPU, {})]
    if kind not in _PROVIDERS or not (number.isdecimal() or device == kind):
        raise ConfigurationError(
            f"device {device!r} is none of 'auto', 'cpu', 'cuda', 'cuda:N', 'tensorrt' and "
            "'tensorrt:N', where ONNX Runtime computes"
        )
    # Of half precisions TensorRT makes fp16 of a file in fp32; CUDA computes what the file says.
    if precision != 'fp32' and (kind, precision) != ('tensorrt', 'fp16'):
        raise ConfigurationError(
            f'ONNX Runtime does not compute in {precision} on {device}: set precision to fp32'
            + (", or choose device 'tensorrt'" if precision == 'fp16' else '')
        )
    provider, settings = _PROVIDERS[kind], {'device_id': number or '0'}
    if provider not in runtime.get_available_providers():
        raise ConfigurationError(
            f'onnxruntime was built without {provider} for {device!r}: install onnxruntime-gpu in '
            "its place (of NVIDIA's index on a Jetson), or choose device 'cpu'"
        )
    if kind == 'tensorrt':
        settings['trt_fp16_enable'] = '1' if precision == 'fp16' else '0'
    return [(provider, settings), (_CPU, {})]


def _kept_engine(content: bytes, version: str) -> dict[str, str]:
    """Give options for TensorRT to keep the engine of a file, where the environment says so."""
    folder = os.environ.get(ENGINES_VARIABLE)
    if not folder:
        return {}
    # A folder for each file: onnxruntime tells engines apart by names in the file, and those that
    # another training gives are the same.
    own = Path(folder) / f'{hashlib.sha256(content).hexdigest()[:16]}-{version}'
    try:
        own.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f'engines of TensorRT cannot be kept in {ENGINES_VARIABLE}={folder}: {error}'
        ) from error
    return {'trt_engine_cache_enable': '1', 'trt_engine_cache_path': str(own)}


def import_onnx(name: str, purpose: str) -> ModuleType:
    """Import a package that is not always there; raises :class:`ConfigurationError`."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            f'{purpose} needs the Python package {name!r}: install it for {sys.executable}, with '
            f'"{sys.executable} -m pip install {name}"'
        ) from error


def has_onnx(path: Path) -> bool:
    """Tell whether a bundle holds an ONNX file; whether it is whole, :func:`check_onnx` tells.

    Raises :class:`BundleError` where the disk does not say.
    """
    try:
        return (path / ONNX_FILE).is_file()
    except OSError as error:
        raise BundleError(f'bundle {path} cannot be looked into: {error}') from error


def check_onnx(path: Path, device: str, precision: Precision) -> str:
    """Prove that a checked bundle has an ONNX file that is whole and can be run; gives its hash.

    Without loading it. Raises :class:`BundleError` or :class:`ConfigurationError`.
    """
    file = path / ONNX_FILE
    again = f"write it with 'xmodal export {path}'"
    _providers(import_onnx('onnxruntime', "runtime 'onnx'"), device, precision)
    try:
        with file.open('rb') as handle:
            found = hashlib.file_digest(handle, 'sha256').hexdigest()
        stated = (path / ONNX_HASH).read_text(encoding='utf-8').partition(' ')[0]
    except FileNotFoundError as error:
        missing = Path(str(error.filename)).name
        raise BundleError(f'bundle {path} holds no {missing}: {again}') from None
    except (OSError, ValueError) as error:
        raise BundleError(f'the ONNX file of {path} cannot be read: {error}') from error
    if found != stated:
        raise BundleError(
            f'{file} is not the file that {ONNX_HASH} names: copy the whole folder again, or '
            f'{again}'
        )
    return found


def load_onnx(path: Path, device: str = 'cpu', precision: Precision = 'fp32') -> OnnxModel:
    """Load the ONNX file of the bundle at ``path``, and prove it by the golden sample.

    ``auto`` is the CPU. Raises :class:`BundleError` where the bundle or the file is missing,
    altered or of another bundle, and :class:`ConfigurationError` where onnxruntime is missing or
    cannot compute there in that precision.
    """
    info = check_bundle(path)
    check_onnx(path, device, precision)
    file = path / ONNX_FILE
    network = OnnxNetwork(file.read_bytes(), str(file), device, precision)
    if (
        network.metadata.get(BUNDLE_SHA256) != bundle_sha256(path)
        or network.input_shape != (1, *info.window_shape)
    ):  # fmt: skip
        raise BundleError(
            f'{file} was not made from the bundle that it lies in: write it again with '
            f"'xmodal export {path}'"
        )
    golden = read_golden(path, info)
    where = 'cpu' if device == 'auto' else device
    golden.check(path, network(golden.window[None])[0], f'{where} by ONNX Runtime', precision)
    return OnnxModel(path, info, network, where, precision)
