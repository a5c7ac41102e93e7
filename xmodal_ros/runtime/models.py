"""The models of a process: each is in memory once, whoever uses it."""

from pathlib import Path
import threading
from typing import Any
from weakref import WeakValueDictionary

from xmodal_ros.models.bundle import Bundle, check_bundle, DeviceFullError, load_bundle
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.precision import Precision
from xmodal_ros.runtime.engine import choose_device, Engine, make_deterministic


class ModelStore:
    """Loads bundles; classifiers that ask for the same one on the same device share its weights.

    What nobody uses any more leaves memory. From any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._classifiers: WeakValueDictionary[Any, Classifier] = WeakValueDictionary()

    def engine(
        self, path: Path, device: str, precision: Precision, unknown_threshold: float | None
    ) -> Engine:
        """Load a bundle, prove it, and warm it up.

        ``device`` is as :func:`choose_device` takes it; with ``auto``, a GPU whose memory is full
        is left for the CPU. Raises :class:`XmodalError` subclasses with what to do.
        """
        make_deterministic()
        chosen = choose_device(device)
        try:
            bundle = self._load(path, str(chosen), precision)
        except DeviceFullError:
            if device != 'auto':
                raise
            bundle = self._load(path, 'cpu', precision)
        engine = Engine(bundle, unknown_threshold)
        engine.warm_up()
        return engine

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
