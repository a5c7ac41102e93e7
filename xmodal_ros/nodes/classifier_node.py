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

"""The node ``classifier``: decides what a person does from one sensor of any modality."""

from typing import Final

from rclpy.node import Node

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.registry import modality_names
from xmodal_ros.ros import parameters
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.parameter_tables import MODALITY

_NAME: Final = 'classifier'


def make_classifier() -> ClassifierNode:
    """Make the classifier of the modality that the parameter of that name gives.

    Raises :class:`ConfigurationError` where it gives none.
    """
    return ClassifierNode(_read_modality(), name=_NAME, further=(MODALITY,))


def _read_modality() -> str:
    """Read it with a node of the same name: what else can be set depends on it."""
    node = Node(_NAME, enable_rosout=False, start_parameter_services=False)
    try:
        parameters.declare(node, (MODALITY,))
        modality = parameters.text(node, MODALITY.name)
    finally:
        node.destroy_node()
    if not modality:
        raise ConfigurationError(
            f"the parameter '{MODALITY.name}' is not set: give one of "
            f'{", ".join(modality_names())}, for example --ros-args -p '
            f'{MODALITY.name}:={modality_names()[0]}'
        )
    return modality
