"""The node ``camera_classifier``: decides what a person does from one topic of images."""

from collections.abc import Sequence
import sys
from typing import Any

from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.parameter_tables import CAMERA_CLASSIFIER
from xmodal_ros.ros.running import run


class CameraClassifier(ClassifierNode):
    """Classifies the activity seen by a camera; see docs/camera_classifier.md."""

    def __init__(self, name: str = 'camera_classifier', **options: Any) -> None:
        super().__init__(
            name, 'camera', (IMAGE_TYPE, COMPRESSED_TYPE), CAMERA_CLASSIFIER, **options
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return run(lambda _done: CameraClassifier(), arguments)


if __name__ == '__main__':
    sys.exit(main())
