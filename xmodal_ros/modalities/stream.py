"""What a model's stream looks like; part of its bundle, so that robot and training agree."""

from abc import abstractmethod
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

# What an encoder has to read of a preprocessed window: a sequence (steps, C), pictures
# (steps, H, W, C), or the (frames, bands) of a spectrogram.
EncoderInput = Literal['sequence', 'pictures', 'spectrogram']


class StreamConfig(BaseModel):
    """A modality's stream; each modality extends it by what may differ between sensors."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    modality: str
    encoder_input: ClassVar[EncoderInput] = 'sequence'

    @property
    @abstractmethod
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample."""

    @property
    @abstractmethod
    def channel_count(self) -> int:
        """The length of a sample's last axis."""

    def describe(self) -> str:
        """Say in a few words what is particular about this stream; '' where nothing is."""
        return ''
