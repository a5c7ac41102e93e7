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

"""Whether a model can be run elsewhere."""

from importlib.util import find_spec
from pathlib import Path
import tempfile
from unittest import SkipTest

from torch import Tensor

from xmodal_ros.errors import XmodalError
from xmodal_ros.models.bundle import load_bundle, save_bundle
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.onnx_export import check_parity, export_onnx


def require_onnx_parity(info: BundleInfo, classifier: Classifier, window: Tensor) -> None:
    """Raise AssertionError unless a model gives the same logits as an ONNX graph.

    ``window`` (steps, ...) is a raw one. Raises SkipTest where a package is missing.
    """
    missing = [name for name in ('onnx', 'onnxscript', 'onnxruntime') if find_spec(name) is None]
    if missing:
        raise SkipTest(f'the Python package {missing[0]} is not installed')
    with tempfile.TemporaryDirectory() as folder:
        save_bundle(Path(folder) / 'bundle', info, classifier, window)
        bundle = load_bundle(Path(folder) / 'bundle')
        try:
            check_parity(bundle, export_onnx(bundle))
        except XmodalError as error:
            raise AssertionError(f'as an ONNX graph: {error}') from error
