"""Where a sensor's messages come from, and how they are to be read."""

from dataclasses import dataclass

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.streams.placement import AS_IT_COMES, Placement


@dataclass(frozen=True)
class SensorInputSettings:
    """Where messages come from, and how they are to be read.

    ``frame`` is the sensor's, '' where its messages say. ``mounting_frame`` is the frame into
    which static transforms turn samples, '' for the placement as it is. ``info_topic`` is where
    the format of audio is published, '' where ``audio_format`` is given or there is none to know.
    """

    topic: str
    placement: Placement = AS_IT_COMES
    frame: str = ''
    mounting_frame: str = ''
    info_topic: str = ''
    audio_format: AudioFormat | None = None
