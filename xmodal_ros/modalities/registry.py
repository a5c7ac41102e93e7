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

"""The modalities there are: those of this package, and of whatever else is installed."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny, ValidationError
from pydantic_core import PydanticCustomError

from xmodal_ros import registry
from xmodal_ros.errors import ConfigurationError, StreamError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.modality import Intake, Modality
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.streams.placement import AS_IT_COMES, Placement
from xmodal_ros.streams.sample import Decoder


@cache
def find_modality(name: str) -> Modality:
    """Give the modality of this name; raises :class:`ConfigurationError` where there is none."""
    kind = registry.load(registry.MODALITIES, name)
    if not (isinstance(kind, type) and issubclass(kind, Modality) and kind.name == name):
        raise registry.not_a(registry.MODALITIES, name, 'Modality whose name', kind)
    return kind()


def modality_names() -> tuple[str, ...]:
    """Give the names of all modalities, sorted; imports none of them."""
    return registry.names(registry.MODALITIES)


def all_modalities() -> tuple[Modality, ...]:
    """Give all modalities in the order of their names."""
    return tuple(map(find_modality, modality_names()))


@cache
def _by_message_type() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for modality in all_modalities():
        for msgtype in modality.message_types if modality.detected_by_type else ():
            other = found.setdefault(msgtype, modality.name)
            if other != modality.name:
                raise ConfigurationError(
                    f'the modalities {other!r} and {modality.name!r} both take every topic of '
                    f'type {msgtype} for theirs: one must set detected_by_type to False'
                )
    return found


def modality_of_type(msgtype: str) -> str | None:
    """Give the modality that messages of this type carry as a rule, None for other types."""
    return _by_message_type().get(msgtype)


def modality_that_reads(msgtype: str) -> str | None:
    """Give the modality that can read messages of this type, though they may be of other use."""
    readers = (each for each in all_modalities() if msgtype in each.message_types)
    reader = max(readers, key=lambda each: each.detected_by_type, default=None)
    return None if reader is None else reader.name


def intake_of_type(msgtype: str) -> Intake:
    """Say how messages of this type are taken: as their modality says, else as small ones are."""
    reader = modality_that_reads(msgtype)
    return Intake() if reader is None else find_modality(reader).intake


def check_type(stream: StreamConfig, msgtype: str) -> None:
    """Raise :class:`StreamError` when a topic's type cannot feed the stream."""
    readable = find_modality(stream.modality).message_types
    if msgtype not in readable:
        raise StreamError(
            f'a topic of type {msgtype} cannot feed a model for {stream.modality}, which reads '
            f'{" or ".join(readable)}: choose another topic or another model'
        )


def make_decoder(
    stream: StreamConfig,
    msgtype: str,
    placement: Placement = AS_IT_COMES,
    audio_format: AudioFormat | None = None,
) -> Decoder:
    """Choose the decoder for a topic's type; raises :class:`StreamError` when none fits."""
    check_type(stream, msgtype)
    return find_modality(stream.modality).make_decoder(stream, msgtype, placement, audio_format)


def _make_stream(value: Any) -> Any:
    """Take a mapping for the stream of the modality that it names."""
    if not isinstance(value, Mapping):
        return value
    try:
        modality = find_modality(str(value.get('modality')))
        return modality.Stream.model_validate(value)
    except ConfigurationError as error:
        raise PydanticCustomError('modality', '{message}', {'message': str(error)}) from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = '.'.join(str(part) for part in problem['loc'])
        raise PydanticCustomError(
            'stream', '{where}: {message}', {'where': where, 'message': problem['msg']}
        ) from error


StreamSpec = Annotated[SerializeAsAny[StreamConfig], BeforeValidator(_make_stream)]
