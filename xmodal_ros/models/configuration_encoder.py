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

"""What every encoder is, and how one is found by its kind; without torch.

Neither a classifier nor a bundle knows any encoder. One is a subclass of :class:`EncoderConfig`
that a package, this one or another, names among its entry points of the group
``xmodal_ros.encoders``. What it computes is in a module beside it, which is imported when it is
built.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
import inspect
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args, Literal, Self, TYPE_CHECKING

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny

from xmodal_ros import registry
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.stream import EncoderInput

if TYPE_CHECKING:
    from torch import nn

Size = Literal['small', 'default', 'large']


class EncoderConfig(BaseModel, ABC):
    """An encoder: preprocessed windows (B, steps, ...) to tokens (B, T, d).

    Subclasses set ``input`` and ``widths``, and give ``kind`` and ``width`` a default; the kind
    is the name of their entry point. ``width`` is the channels of the first layers, ``dim`` is d.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    input: ClassVar[EncoderInput]
    widths: ClassVar[Mapping[Size, int]]
    """``width`` by size. Tokens keep their dimension, so that sources of any size fit a target."""
    stream_options: ClassVar[Mapping[str, Any]] = {}
    """What it asks of the stream in place of the modality's defaults, as options of
    :meth:`~xmodal_ros.modalities.modality.Modality.training_defaults`."""
    takes_weights: ClassVar[bool] = False
    """Whether it begins with pretrained weights."""
    remembers_frames: ClassVar[bool] = False
    """Whether it is a :class:`~xmodal_ros.models.frame_encoder.FrameEncoder`: what it sees of a
    frame is fixed, and training looks once at each, without augmentation."""

    kind: str
    width: int
    dim: Annotated[int, Field(ge=8, le=512, multiple_of=8)] = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Refuse an encoder that could not be chosen or fed, when it is defined."""
        if inspect.isabstract(cls):
            return
        if getattr(cls, 'input', None) not in get_args(EncoderInput):
            raise TypeError(f'{cls.__qualname__} must set input, one of {get_args(EncoderInput)}')
        if {*getattr(cls, 'widths', ())} != {*get_args(Size)}:
            raise TypeError(
                f'{cls.__qualname__} must set widths, one for each of {get_args(Size)}'
            )
        if any(cls.model_fields[name].is_required() for name in cls.model_fields):
            raise TypeError(f'{cls.__qualname__} must give all of its fields a default')

    def sized(self, size: Size) -> Self:
        """Give the same encoder in another size."""
        return self.model_copy(update={'width': self.widths[size]})

    def with_weights(self, file: Path | None) -> Self:  # noqa: ARG002 - of those that take them
        """Give it with the pretrained weights that it begins with, where it does.

        ``file`` is where a user says that they are. Raises :class:`ConfigurationError` where they
        are nowhere.
        """
        return self

    def check_window(self, steps: int) -> None:
        """Raise ValueError when windows of so many steps are too short for it."""

    @abstractmethod
    def build(self, channels: int) -> 'nn.Module':
        """Build it with fresh weights, for windows whose last axis has ``channels`` entries."""


def encoder_class(kind: str) -> type[EncoderConfig]:
    """Import an encoder's class by its kind; raises :class:`ConfigurationError` for others."""
    found = registry.load(registry.ENCODERS, kind)
    if not (
        isinstance(found, type)
        and issubclass(found, EncoderConfig)
        and found.model_fields['kind'].default == kind
    ):
        raise registry.not_a(registry.ENCODERS, kind, 'EncoderConfig whose kind', found)
    return found


def _of_its_kind(value: Any) -> Any:
    """Let the class of an encoder's kind read what a document says of it."""
    if isinstance(value, EncoderConfig):
        return value
    kind = value.get('kind') if isinstance(value, Mapping) else None
    if not isinstance(kind, str):
        raise ValueError("an encoder is a table that begins with its 'kind'")  # noqa: TRY004
    try:
        return encoder_class(kind).model_validate(value)
    except ConfigurationError as error:
        raise ValueError(f'{error}, or install the package that has it') from error


# An encoder of any kind that is installed, as a field of a document.
EncoderSpec = Annotated[EncoderConfig, BeforeValidator(_of_its_kind), SerializeAsAny()]
