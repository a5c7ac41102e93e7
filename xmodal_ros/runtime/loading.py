"""Load a bundle for the device a user named, which may be its ONNX file."""

from pathlib import Path

from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.onnx_model import check_onnx, load_onnx, ONNX
from xmodal_ros.models.precision import Precision
from xmodal_ros.runtime.engine import choose_device, LoadedModel


def check_device(path: Path, device: str, precision: Precision) -> None:
    """Prove that a checked bundle can run on ``device`` without loading it.

    ``device`` is 'auto', 'cpu', 'cuda', 'cuda:N', or 'onnx' for the ONNX file in the bundle.
    Raises :class:`XmodalError` subclasses with what to do.
    """
    if device == ONNX:
        check_onnx(path, precision)
    else:
        choose_device(device)


def load_model(path: Path, device: str, precision: Precision = 'fp32') -> LoadedModel:
    """Load and prove a bundle, or its ONNX file where ``device`` is 'onnx'.

    Raises :class:`XmodalError` subclasses with what to do.
    """
    if device == ONNX:
        return load_onnx(path, precision)
    return load_bundle(path, choose_device(device), precision)
