"""The models of a process: each is in memory once, whoever uses it."""

from pathlib import Path
import threading
from typing import Any
from weakref import WeakValueDictionary

from xmodal_ros.models.bundle import Bundle, DeviceFullError, load_bundle
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_bundle import check_bundle
from xmodal_ros.models.onnx_model import check_onnx, load_onnx, ONNX, OnnxModel, OnnxNetwork
from xmodal_ros.models.precision import Precision
from xmodal_ros.runtime.engine import choose_device, Engine, LoadedModel, make_deterministic


class ModelStore:
    """Loads bundles; classifiers that ask for the same one on the same device share its weights.

    What nobody uses any more leaves memory. From any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._classifiers: WeakValueDictionary[Any, Classifier] = WeakValueDictionary()
        self._networks: WeakValueDictionary[Any, OnnxNetwork] = WeakValueDictionary()

    def engine(
        self, path: Path, device: str, precision: Precision, unknown_threshold: float | None
    ) -> Engine:
        """Load a bundle, prove it, and warm it up.

        ``device`` is as :func:`choose_device` takes it, or ``onnx`` for the bundle's ONNX file;
        with ``auto``, a GPU whose memory is full is left for the CPU. Raises
        :class:`XmodalError` subclasses with what to do.
        """
        make_deterministic()
        engine = Engine(self._find(path, device, precision), unknown_threshold)
        engine.warm_up()
        return engine

    def _find(self, path: Path, device: str, precision: Precision) -> LoadedModel:
        if device == ONNX:
            return self._load_onnx(path, precision)
        chosen = choose_device(device)
        try:
            return self._load(path, str(chosen), precision)
        except DeviceFullError:
            if device != 'auto':
                raise
            return self._load(path, 'cpu', precision)

    def _load(self, path: Path, device: str, precision: Precision) -> Bundle:
        # One at a time, or two that ask at once would load it twice.
        with self._lock:
            info = check_bundle(path)
            key = (info.model_dump_json(), device, precision)
            known = self._classifiers.get(key)
            if known is not None:
                return Bundle(path, info, known, next(known.parameters()).device, precision)
            bundle = load_bundle(path, device, precision)
            self._classifiers[key] = bundle.classifier
            return bundle

    def _load_onnx(self, path: Path, precision: Precision) -> OnnxModel:
        with self._lock:
            info = check_bundle(path)
            key = (info.model_dump_json(), check_onnx(path, precision))
            known = self._networks.get(key)
            if known is not None:
                return OnnxModel(path, info, known)
            model = load_onnx(path, precision)
            self._networks[key] = model.network
            return model
