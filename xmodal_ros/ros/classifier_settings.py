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

"""What a classifier's parameters ask for, checked before anything is changed by it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
import sys
from typing import Any, Final

from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.modality import Modality
from xmodal_ros.models.configuration_bundle import check_bundle
from xmodal_ros.models.precision import PRECISIONS
from xmodal_ros.paths import user_path
from xmodal_ros.runtime.loading import check_device, choose_runtime

Get = Callable[[str], Any]

MODEL_PARAMETERS: Final = frozenset({'model', 'device', 'precision', 'runtime'})
THRESHOLD: Final = 'unknown_threshold'


@dataclass(frozen=True)
class ModelSettings:
    """Which model computes, where and how."""

    model: str
    device: str
    precision: str
    runtime: str = 'auto'

    @property
    def path(self) -> Path:
        """The bundle's folder; raises :class:`ConfigurationError` where none is named."""
        if not self.model:
            raise ConfigurationError(
                "the parameter 'model' is not set: give the folder of a bundle, for example "
                '--ros-args -p model:=/models/imu'
            )
        return user_path(self.model)


def read_model(get: Get) -> ModelSettings:
    """Read the parameters that choose the model."""
    return ModelSettings(
        str(get('model')), str(get('device')), str(get('precision')), str(get('runtime'))
    )


def read_threshold(get: Get) -> float | None:
    """Read the threshold for ``unknown``; None is the bundle's.

    Raises :class:`ConfigurationError` for any negative number but -1.
    """
    value = float(get(THRESHOLD))
    if -1 < value < 0:
        raise ConfigurationError(
            f"{THRESHOLD} {value:g} is no probability: give 0 to 1, or -1 for the bundle's own"
        )
    return None if value < 0 else value


def sensor_input_parameters(modality: Modality) -> frozenset[str]:
    """Name the parameters that say where a sensor's data come from and how they are read."""
    return frozenset({'topic', 'frame_id', *(each.name for each in modality.node_parameters)})


def read_sensor_input(modality: Modality, get: Get) -> SensorInputSettings:
    """Read the parameters that say where data come from.

    Raises :class:`ConfigurationError` for values that cannot be used.
    """
    return modality.read_parameters(str(get('topic')), str(get('frame_id')), get)


def check_model(wanted: ModelSettings, modality: str) -> None:
    """Prove a model usable for a node without loading it.

    Raises :class:`XmodalError` subclasses that say what is wrong: no such bundle, altered, for
    another modality, no such device or precision, torch missing.
    """
    precision: Any = wanted.precision
    if choose_runtime(wanted.path, wanted.runtime, wanted.device, precision) == 'torch':
        _need_torch()
    if wanted.precision not in PRECISIONS:
        raise ConfigurationError(
            f'precision {wanted.precision!r} is none of {", ".join(PRECISIONS)}'
        )
    info = check_bundle(wanted.path)
    if info.modality != modality:
        raise BundleError(
            f'bundle {wanted.path} is for {info.modality}, this node classifies {modality}: '
            'choose another bundle or another node'
        )
    check_device(wanted.path, wanted.device, precision, wanted.runtime)


def _need_torch() -> None:
    try:
        import_module('torch')
    except ImportError as error:
        missing = error.name or str(error)
        raise ConfigurationError(
            f'the Python package {missing!r} is missing: install it for {sys.executable}, '
            f'for example with "{sys.executable} -m pip install {missing}"'
        ) from error
