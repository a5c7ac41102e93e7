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

"""BlazePose computed by LiteRT, which is asked for only here."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.pose.estimator import PoseEstimator
from xmodal_ros.pose.weights import read_weights


class LiteRtNet:
    """One net in TensorFlow Lite's format, computed by one thread."""

    def __init__(self, interpreter: type[Any], content: bytes) -> None:
        self._interpreter = interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        (self._into,) = (each['index'] for each in self._interpreter.get_input_details())
        self._out = [each['index'] for each in self._interpreter.get_output_details()]

    def __call__(self, tensor: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        """Compute."""
        self._interpreter.set_tensor(self._into, tensor)
        self._interpreter.invoke()
        return tuple(self._interpreter.get_tensor(index) for index in self._out)


def load_estimator(weights: Path | None) -> PoseEstimator:
    """Load both nets from a wheel of mediapipe, or a folder with it or with their files.

    Raises :class:`ConfigurationError` where LiteRT is missing, or the nets are missing or others.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ConfigurationError(
            f'the Python package ai-edge-litert cannot be used ({error}): python3 -m pip install '
            "'xmodal_ros[pose]' (or ai-edge-litert, which is all of it)"
        ) from error
    detector, landmarks = (LiteRtNet(Interpreter, each) for each in read_weights(weights))
    return PoseEstimator(detector, landmarks)
