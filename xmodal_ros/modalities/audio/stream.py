"""What a model wants of a microphone."""

from typing import ClassVar, Literal

from xmodal_ros.modalities.stream import EncoderInput, StreamConfig


class AudioStream(StreamConfig):
    """A microphone: one channel of sound in [-1, 1], at the rate of the window's grid."""

    encoder_input: ClassVar[EncoderInput] = 'spectrogram'

    modality: Literal['audio'] = 'audio'

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return ()

    @property
    def channel_count(self) -> int:
        """One: windows (steps,) have no axis of channels."""
        return 1
