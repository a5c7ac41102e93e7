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

"""Load a bundle for the device and the runtime that a user named; without torch where it can."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import cast, Final, get_args, Literal, TYPE_CHECKING

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.onnx_model import check_onnx, has_onnx, load_onnx
from xmodal_ros.models.precision import Precision

if TYPE_CHECKING:
    from xmodal_ros.runtime.engine import LoadedModel

Runtime = Literal['torch', 'onnx']
AUTO: Final = 'auto'
RUNTIMES: Final[tuple[str, ...]] = (AUTO, *get_args(Runtime))


def choose_runtime(path: Path, runtime: str, device: str, precision: Precision) -> Runtime:
    """Say what is to run a bundle: what is named, or what is faster where that is ``auto``.

    That is its ONNX file where there is one, on the CPU in fp32; torch everywhere else. Raises
    :class:`ConfigurationError` for a runtime that there is not.
    """
    if runtime in get_args(Runtime):
        return cast('Runtime', runtime)
    if runtime != AUTO:
        raise ConfigurationError(f'runtime {runtime!r} is none of {", ".join(RUNTIMES)}')
    if precision != 'fp32' or not has_onnx(path) or find_spec('onnxruntime') is None:
        return 'torch'
    if device == AUTO and find_spec('torch') is not None:
        from xmodal_ros.runtime.devices import choose_device

        device = choose_device(device).type
    return 'onnx' if device in {AUTO, 'cpu'} else 'torch'


def check_device(path: Path, device: str, precision: Precision, runtime: str = AUTO) -> None:
    """Prove that a checked bundle can run on ``device`` without loading it.

    ``device`` is 'auto', 'cpu', 'cuda', 'cuda:N', or with ONNX Runtime 'tensorrt'. Raises
    :class:`XmodalError` subclasses with what to do.
    """
    if choose_runtime(path, runtime, device, precision) == 'onnx':
        check_onnx(path, device, precision)
    else:
        from xmodal_ros.runtime.devices import choose_device

        choose_device(device)


def load_model(
    path: Path, device: str, precision: Precision = 'fp32', runtime: str = AUTO
) -> LoadedModel:
    """Load and prove a bundle, by its weights in torch or by its ONNX file.

    Raises :class:`XmodalError` subclasses with what to do.
    """
    if choose_runtime(path, runtime, device, precision) == 'onnx':
        return load_onnx(path, device, precision)
    from xmodal_ros.models.bundle import load_bundle
    from xmodal_ros.runtime.devices import choose_device, make_deterministic

    make_deterministic()
    return load_bundle(path, choose_device(device), precision)
