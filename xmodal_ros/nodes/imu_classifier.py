"""The node ``imu_classifier``: decides what a person does from one ``sensor_msgs/Imu`` topic."""

from collections.abc import Sequence
import sys
from typing import Any

from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.parameter_tables import IMU_CLASSIFIER
from xmodal_ros.ros.running import run


class ImuClassifier(ClassifierNode):
    """Classifies the activity seen by an IMU; see docs/imu_classifier.md."""

    def __init__(self, name: str = 'imu_classifier', **options: Any) -> None:
        super().__init__(name, 'imu', (IMU_TYPE,), IMU_CLASSIFIER, **options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return run(lambda _done: ImuClassifier(), arguments)


if __name__ == '__main__':
    sys.exit(main())
