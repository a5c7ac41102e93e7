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

"""The models of a process: each is in memory once, whoever uses it."""

from __future__ import annotations

from pathlib import Path
import threading
from typing import Any, TYPE_CHECKING
from weakref import WeakValueDictionary

from xmodal_ros.models.configuration_bundle import check_bundle
from xmodal_ros.models.onnx_model import check_onnx, load_onnx, OnnxModel, OnnxNetwork
from xmodal_ros.models.precision import Precision
from xmodal_ros.runtime.engine import Engine, LoadedModel
from xmodal_ros.runtime.loading import AUTO, choose_runtime

if TYPE_CHECKING:
    # torch comes with them; where ONNX files alone are run it need not be loaded.
    from xmodal_ros.models.bundle import Bundle
    from xmodal_ros.models.classifier import Classifier
    from xmodal_ros.models.cuda_graph import WindowGraph


class ModelStore:
    """Loads bundles; classifiers that ask for the same one on the same device share its weights.

    What nobody uses any more leaves memory. From any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._classifiers: WeakValueDictionary[Any, Classifier] = WeakValueDictionary()
        self._graphs: WeakValueDictionary[Any, WindowGraph] = WeakValueDictionary()
        self._networks: WeakValueDictionary[Any, OnnxNetwork] = WeakValueDictionary()

    def engine(
        self,
        path: Path,
        device: str,
        precision: Precision,
        unknown_threshold: float | None,
        runtime: str = AUTO,
    ) -> Engine:
        """Load a bundle, prove it, and warm it up.

        ``device`` and ``runtime`` are as :func:`~xmodal_ros.runtime.loading.load_model` takes
        them; with ``auto``, a GPU whose memory is full is left for the CPU. Raises
        :class:`XmodalError` subclasses with what to do.
        """
        if choose_runtime(path, runtime, device, precision) == 'onnx':
            model: LoadedModel = self._load_onnx(path, device, precision)
        else:
            model = self._load_torch(path, device, precision)
        engine = Engine(model, unknown_threshold)
        engine.warm_up()
        return engine

    def _load_torch(self, path: Path, device: str, precision: Precision) -> Bundle:
        from xmodal_ros.models.bundle import DeviceFullError
        from xmodal_ros.runtime.devices import choose_device, make_deterministic

        make_deterministic()
        chosen = choose_device(device)
        try:
            return self._load(path, str(chosen), precision)
        except DeviceFullError:
            if device != 'auto':
                raise
            return self._load(path, 'cpu', precision)

    def _load(self, path: Path, device: str, precision: Precision) -> Bundle:
        from xmodal_ros.models.bundle import Bundle, load_bundle

        # One at a time, or two that ask at once would load it twice.
        with self._lock:
            info = check_bundle(path)
            key = (info.model_dump_json(), device, precision)
            known = self._classifiers.get(key)
            if known is not None:
                where, graph = next(known.parameters()).device, self._graphs.get(key)
                return Bundle(path, info, known, where, precision, graph=graph)
            bundle = load_bundle(path, device, precision)
            self._classifiers[key] = bundle.classifier
            if bundle.graph is not None:
                self._graphs[key] = bundle.graph
            return bundle

    def _load_onnx(self, path: Path, device: str, precision: Precision) -> OnnxModel:
        with self._lock:
            info = check_bundle(path)
            key = (info.model_dump_json(), check_onnx(path, device, precision), device, precision)
            known = self._networks.get(key)
            if known is not None:
                return OnnxModel(path, info, known, 'cpu' if device == AUTO else device, precision)
            model = load_onnx(path, device, precision)
            self._networks[key] = model.network
            return model
