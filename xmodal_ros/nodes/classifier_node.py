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
