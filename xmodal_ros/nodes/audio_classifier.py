"""The node ``audio_classifier``: decides what a person does from one topic of audio."""

from collections.abc import Sequence
import sys
from typing import Any

from xmodal_ros.modalities.audio.decoder import AUDIO_TYPES
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.parameter_tables import AUDIO_CLASSIFIER
from xmodal_ros.ros.running import run


class AudioClassifier(ClassifierNode):
    """Classifies the activity heard by a microphone; see docs/audio_classifier.md."""

    def __init__(self, name: str = 'audio_classifier', **options: Any) -> None:
        super().__init__(name, 'audio', AUDIO_TYPES, AUDIO_CLASSIFIER, **options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return run(lambda _done: AudioClassifier(), arguments)


if __name__ == '__main__':
    sys.exit(main())
