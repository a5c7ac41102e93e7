"""A recurrent encoder; what it computes is in ``modeling_gru``, which is imported to build it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from xmodal_ros.modalities.stream import EncoderInput
from xmodal_ros.models.configuration_encoder import EncoderConfig, Size

# Steps from one token to the next.
EVERY: Final = 4


class GruConfig(EncoderConfig):
    """A gated recurrent unit over time: every fourth state is a token."""

    input: ClassVar[EncoderInput] = 'sequence'
    widths: ClassVar[Mapping[Size, int]] = {'small': 16, 'default': 32, 'large': 64}

    kind: Literal['gru'] = 'gru'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 32

    def check_window(self, steps: int) -> None:
        """Ask for a token at least."""
        if steps < EVERY:
            raise ValueError(f'windows of {steps} steps are too short for tokens of {EVERY}')

    def build(self, channels: int) -> Any:
        """Build it with fresh weights, for sequences of ``channels`` channels."""
        from xmodal_wrench.modeling_gru import GruEncoder

        return GruEncoder(self, channels)
