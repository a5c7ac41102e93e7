"""A recurrent encoder; what it computes is in ``modeling_gru``, which is imported to build it."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from xmodal_ros.models.configuration_encoder import EncoderConfig, EncoderInput, Size


class GruConfig(EncoderConfig):
    """A gated recurrent unit over time: every fourth state is a token."""

    input: ClassVar[EncoderInput] = 'sequence'
    widths: ClassVar[Mapping[Size, int]] = {'small': 16, 'default': 32, 'large': 64}

    kind: Literal['gru'] = 'gru'
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 32

    def build(self, channels: int) -> Any:
        """Build it with fresh weights, for sequences of ``channels`` channels."""
        from xmodal_wrench.modeling_gru import GruEncoder

        return GruEncoder(self, channels)
