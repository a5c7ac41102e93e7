"""Run a bundle's ONNX file in the place of its weights, with onnxruntime on the CPU."""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import importlib
from pathlib import Path
import sys
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor

from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.models.bundle import read_golden
from xmodal_ros.models.configuration_bundle import bundle_sha256, BundleInfo, check_bundle
from xmodal_ros.models.precision import Precision

# As a device, it stands beside 'cpu' and 'cuda'.
ONNX: Final = 'onnx'
ONNX_FILE: Final = 'model.onnx'
ONNX_HASH: Final = 'model.onnx.sha256'
INPUT, OUTPUT = 'window', 'logits'
BUNDLE_SHA256: Final = 'bundle_sha256'


class OnnxNetwork:
    """What an ONNX file computes: one raw window (1, steps, ...) to its logits (1, classes).

    On one core, so that the same window gives the same bits. Raises :class:`BundleError` where
    ``content`` is no such file, :class:`ConfigurationError` where onnxruntime is missing.
    """

    def __init__(self, content: bytes, name: str) -> None:
        runtime: Any = import_onnx('onnxruntime', name)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(
                content, options, providers=['CPUExecutionProvider']
            )
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        except Exception as error:
            # onnxruntime has an exception of its own for every kind of damage.
            words = ' '.join(str(error).split())
            raise BundleError(f'{name} cannot be loaded by onnxruntime: {words}') from error
        if [i.name for i in inputs] != [INPUT] or [o.name for o in outputs] != [OUTPUT]:
            raise BundleError(f"{name} was not written by 'xmodal export --onnx'")
        self.input_shape: tuple[int, ...] = tuple(inputs[0].shape)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the file says of itself."""
        found: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    def __call__(self, window: Tensor) -> Tensor:
        """Give the logits (1, classes) of one raw window (1, steps, ...) of any dtype."""
        values = window.detach().cpu().to(torch.float32).contiguous().numpy()
        return torch.from_numpy(self._session.run([OUTPUT], {INPUT: values})[0])


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """A bundle whose ONNX file computes; in the place of a loaded bundle."""

    path: Path
    info: BundleInfo
    network: OnnxNetwork
    device: str = ONNX
    precision: Precision = 'fp32'

    def logits(self, window: Tensor) -> Tensor:
        """Give the logits (1, classes) of one raw window (1, steps, ...)."""
        return self.network(window)


def import_onnx(name: str, purpose: str) -> ModuleType:
    """Import a package that is not always there; raises :class:`ConfigurationError`."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            f'{purpose} needs the Python package {name!r}: install it for {sys.executable}, with '
            f'"{sys.executable} -m pip install {name}"'
        ) from error


def check_onnx(path: Path, precision: Precision) -> str:
    """Prove that a checked bundle has an ONNX file that is whole and can be run; gives its hash.

    Without loading it. Raises :class:`BundleError` or :class:`ConfigurationError`.
    """
    file = path / ONNX_FILE
    again = f"write it with 'xmodal export {path} --onnx'"
    if precision != 'fp32':
        raise ConfigurationError(
            f"device 'onnx' computes in fp32, not in {precision}: set precision to fp32, or "
            'choose another device'
        )
    import_onnx('onnxruntime', "device 'onnx'")
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


def load_onnx(path: Path, precision: Precision = 'fp32') -> OnnxModel:
    """Load the ONNX file of the bundle at ``path``, and prove it by the golden sample.

    Raises :class:`BundleError` where the bundle or the file is missing, altered or of another
    bundle, and :class:`ConfigurationError` where onnxruntime is missing or the precision another.
    """
    info = check_bundle(path)
    check_onnx(path, precision)
    file = path / ONNX_FILE
    network = OnnxNetwork(file.read_bytes(), str(file))
    if (
        network.metadata.get(BUNDLE_SHA256) != bundle_sha256(path)
        or network.input_shape != (1, *info.window_shape)
    ):  # fmt: skip
        raise BundleError(
            f'{file} was not made from the bundle that it lies in: write it again with '
            f"'xmodal export {path} --onnx'"
        )
    model = OnnxModel(path, info, network)
    golden = read_golden(path, info)
    golden.check(path, model.logits(golden.window[None])[0], ONNX, 'fp32')
    return model
