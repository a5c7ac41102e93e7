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

"""What one kind of sensor needs: the interface behind which nothing asks which kind it is.

A modality is a folder with one subclass of :class:`Modality`, which an entry point of the group
``xmodal_ros.modalities`` names. Whatever is heavy to import is imported where it is asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import ConfigurationError, StreamError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.contents import (
    ContentDetails,
    ContentReader,
    Contents,
    Newest,
    read_contents,
    Received,
    Sampling,
)
from xmodal_ros.modalities.faults import FaultKind, FEWER_MESSAGES, OF_MESSAGES
from xmodal_ros.modalities.file import SensorFile
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.parameter import Parameter, Value
from xmodal_ros.streams.placement import AS_IT_COMES, Placement
from xmodal_ros.streams.sample import BlockDecoder, Decoder, Sample, SampleBlock, Undecoded
from xmodal_ros.windows.assembler import Window, WindowAssembler
from xmodal_ros.windows.clock import WindowClock
from xmodal_ros.windows.resampling import Interpolation
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

if TYPE_CHECKING:
    from xmodal_ros.modalities.augmentation import Augmentation

PlacementField = Literal['rotation', 'region']


class WindowCutter(Protocol):
    """One sensor's way from serialized messages to windows."""

    @property
    def clock(self) -> WindowClock:
        """What decides which samples count, and when a window is due."""

    def push(self, data: bytes, received_ns: int) -> list[Window]:
        """Take a message received at ``received_ns`` and give the windows due, oldest first.

        Raises :class:`~xmodal_ros.streams.sample.DecodeError` for one that cannot be used.
        """

    def reset(self) -> None:
        """Start the stream anew."""

    def use_placement(self, placement: Placement) -> None:
        """Turn or cut samples in another way from the next message on; the stream starts anew."""

    def use_format(self, audio_format: AudioFormat | None) -> None:
        """Read messages that do not say their format as this; None refuses them."""


@runtime_checkable
class BlockCutter(Protocol):
    """A cutter of small messages, which takes several at once in a fraction of the time."""

    def decode_block(self, messages: Sequence[bytes]) -> SampleBlock | None:
        """Decode several messages at once; None where they have to be pushed one by one."""

    def push_block(self, block: SampleBlock) -> list[tuple[int, list[Window]]] | None:
        """Take decoded messages; gives the windows due by the numbers of those that made them so.

        None, and takes none of them, where they have to be pushed one by one.
        """


class SampleCutter:
    """The cutter of sensors whose every message is one sample that says all of itself.

    ``make_decoder`` may give what decodes later, where the interpolation is by the nearest sample.
    """

    def __init__(
        self,
        make_decoder: Callable[[Placement], Callable[[bytes], Sample | Undecoded]],
        placement: Placement,
        assembler: WindowAssembler,
    ) -> None:
        self._make_decoder = make_decoder
        self._decode = make_decoder(placement)
        self._assembler = assembler

    @property
    def clock(self) -> WindowClock:
        """What decides which samples count."""
        return self._assembler.clock

    def push(self, data: bytes, received_ns: int) -> list[Window]:
        """Take a message and give the windows due."""
        return self._assembler.push(self._decode(data))

    def decode_block(self, messages: Sequence[bytes]) -> SampleBlock | None:
        """Decode several messages at once; None where they have to be pushed one by one."""
        decode: object = self._decode
        if not isinstance(decode, BlockDecoder):
            return None
        try:
            return decode.block(messages)
        except Exception:  # noqa: BLE001 - which of them it was shows one by one
            return None

    def push_block(self, block: SampleBlock) -> list[tuple[int, list[Window]]] | None:
        """Take decoded messages; gives the windows due by the numbers of those that made them so.

        None, and takes none of them, where they have to be pushed one by one.
        """
        return self._assembler.push_block(block)

    def reset(self) -> None:
        """Start the stream anew."""
        self._assembler.reset()

    def use_placement(self, placement: Placement) -> None:
        """Turn or cut samples in another way from the next message on."""
        self._decode = self._make_decoder(placement)
        self.reset()

    def use_format(self, audio_format: AudioFormat | None) -> None:
        """Nothing: these messages say their format."""


@dataclass(frozen=True)
class TrainingDefaults:
    """How a sensor is learnt unless the user says otherwise.

    Windows are resampled at ``rate_hz``, with ``margin_ns`` and ``min_coverage`` as in
    :class:`~xmodal_ros.windows.windowing.WindowingSpec`. ``encoder`` is the kind of the encoder,
    ``preprocessing`` the steps that need no statistics, as the bundle's document has them, and
    ``fit`` what differs from :class:`~xmodal_ros.configuration.fit_settings.FitSettings`.
    """

    stream: StreamConfig
    rate_hz: int
    encoder: str
    margin_ns: int = SECOND_NS // 10
    min_coverage: float = 0.5
    preprocessing: tuple[Mapping[str, Any], ...] = ()
    fit: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Intake:
    """How a node takes a sensor's messages.

    ``depth`` messages are kept by the subscription, ``played_depth`` by a player until they are
    acknowledged; ``ahead`` may be under way in a replay. Of ``large`` messages, as pictures are,
    nobody is to keep many.
    """

    depth: int = 1000
    played_depth: int = 256
    ahead: int = 256
    large: bool = False


class Modality(ABC):
    """One kind of sensor. Stateless: what is at work on one sensor is what its methods give.

    ``name`` is how users and bundles call it, ``title`` how sentences do. ``message_types`` are
    those a topic may have, the first being that in which samples can be written. ``placement``
    says what of a sensor's placement applies, ``topic`` where its messages come unless said.
    Where messages are ``chunked`` each holds a stretch of samples and covers the time to the next.
    ``driver`` is the executable that publishes them, '' where there is none.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    message_types: ClassVar[tuple[str, ...]]
    Stream: ClassVar[type[StreamConfig]]
    topic: ClassVar[str]
    placement: ClassVar[frozenset[PlacementField]] = frozenset()
    interpolation: ClassVar[Interpolation] = 'linear'
    chunked: ClassVar[bool] = False
    driver: ClassVar[str] = ''
    detected_by_type: ClassVar[bool] = True
    """Whether a topic of its type is one of its sensors unless somebody says otherwise."""
    intake: ClassVar[Intake] = Intake()
    fastest_hz: ClassVar[float] = 4000.0
    """A rate of messages beyond which no sensor of the kind goes."""
    node_parameters: ClassVar[tuple[Parameter, ...]] = ()
    """What its classifier node can be told beside what all can."""
    large_types: ClassVar[tuple[str, ...]] = ()
    """Those of ``message_types`` whose messages DDS's default transports lose or delay."""
    sampling: ClassVar[Sampling] = Sampling()
    """How many messages of a recording are looked into for what is doubtful about it."""
    newest: ClassVar[Newest] = Newest()
    """How many messages of a live sensor are."""
    refusals: ClassVar[Mapping[str, str]] = {
        'not_finite': 'hold NaN or infinite values and will be dropped'
    }
    """How a sentence about messages that were refused goes on, by the decoder's reason."""

    def __init_subclass__(cls) -> None:
        """Refuse a modality that could not be used, when it is defined."""
        super().__init_subclass__()
        for attribute in ('name', 'title', 'message_types', 'Stream', 'topic'):
            if not hasattr(cls, attribute):
                raise TypeError(f'modality {cls.__qualname__} must set {attribute!r}')
        if cls.Stream.model_fields['modality'].default != cls.name:
            raise TypeError(
                f'{cls.Stream.__qualname__}.modality must default to {cls.name!r}, the name of '
                'its modality'
            )

    @abstractmethod
    def make_decoder(
        self,
        stream: StreamConfig,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> Decoder:
        """Give what turns serialized messages of a type into samples of the stream.

        The type is one of ``message_types``; ``audio_format`` is for those that do not say
        theirs. The decoder raises
        :class:`~xmodal_ros.streams.sample.DecodeError` for a message that cannot be used.
        """

    def make_cutter(
        self,
        stream: StreamConfig,
        window: WindowingSpec,
        msgtype: str,
        placement: Placement,
        audio_format: AudioFormat | None = None,
    ) -> WindowCutter:
        """Give what turns serialized messages into windows."""
        return SampleCutter(
            lambda at: self.make_decoder(stream, msgtype, at),
            placement,
            WindowAssembler(window, self.interpolation),
        )

    @abstractmethod
    def training_defaults(
        self, msgtype: str, first_message: bytes, options: Mapping[str, Any]
    ) -> TrainingDefaults:
        """Choose how a sensor is learnt, by the type and the content of a message.

        ``options`` are what a user chose about streams, by name. Raises
        :class:`~xmodal_ros.streams.sample.DecodeError` for a message that cannot be read.
        """

    def augmentation(self) -> Augmentation:
        """Give what changes raw training windows and leaves the activity what it is."""
        from xmodal_ros.modalities.augmentation import NoAugmentation

        return NoAugmentation()

    def faults(self, stream: StreamConfig | None = None) -> tuple[FaultKind, ...]:
        """Give what may go wrong with a sensor of this stream; without one, with any."""
        return (*OF_MESSAGES, FEWER_MESSAGES)

    def serialize(self, sample: Sample, stream: StreamConfig) -> bytes:
        """Give a message of the first of ``message_types`` that holds a sample, bit for bit.

        Raises :class:`~xmodal_ros.errors.StreamError` for a modality whose samples cannot be
        written.
        """
        raise StreamError(f'samples of modality {self.name} cannot be made messages')

    def open_file(self, path: Path, options: Mapping[str, Any]) -> SensorFile:
        """Look into a file of samples that people have, to make messages of it.

        ``options`` are what the user said of it, by name. Raises
        :class:`~xmodal_ros.errors.BagError` for a file that cannot be used, and
        :class:`~xmodal_ros.errors.ConfigurationError` where no file of this modality can.
        """
        raise ConfigurationError(
            f'{path}: modality {self.name} reads no files; a package that has it may implement '
            'open_file'
        )

    def compact(self, values: NDArray[Any]) -> NDArray[Any]:
        """Give a window's values as they are kept for training, where less memory will do."""
        return values

    def activity_change(self, samples: NDArray[Any]) -> NDArray[np.float64]:
        """Say how much goes on at each of samples (N, ...), or between each two of them.

        Gives (N,) or (N - 1,). It tells apart when something happens, by which the clocks of two
        sensors are compared.
        """
        step = np.abs(np.diff(samples.astype(np.float64).reshape(len(samples), -1), axis=0))
        change: NDArray[np.float64] = step.mean(axis=1)
        return change

    def make_trial_decoder(self, msgtype: str, audio_format: AudioFormat | None = None) -> Decoder:
        """Give a decoder that tells whether messages can be used, whatever a model wants.

        By default it wants of each what a model trained on it would.
        """

        def decode(data: bytes, received_ns: int = 0) -> Sample:
            stream = self.training_defaults(msgtype, data, {}).stream
            decoder = self.make_decoder(stream, msgtype, AS_IT_COMES, audio_format)
            return decoder(data, received_ns)

        return decode

    def make_content_reader(
        self, msgtype: str, audio_format: AudioFormat | None = None
    ) -> ContentReader:
        """Give what looks into messages for what is doubtful about them, whatever a model wants.

        By default it decodes as :meth:`make_trial_decoder` says, for :meth:`measure`.
        """
        return ContentReader(
            self.make_trial_decoder(msgtype, audio_format),
            lambda samples: self.measure(samples, audio_format),
        )

    def describe_contents(
        self,
        msgtype: str,
        messages: Sequence[Received],
        audio_format: AudioFormat | None = None,
    ) -> Contents:
        """Say what serialized messages hold; nothing that they hold raises."""
        return read_contents(self.make_content_reader(msgtype, audio_format), messages)

    def measure(
        self, samples: Sequence[Sample], stated: AudioFormat | None = None
    ) -> ContentDetails | None:
        """Put samples, at least one, into this modality's figures.

        ``stated`` is the format that came apart from their messages.
        """
        return None

    def check_contents(
        self,
        contents: Contents,
        topic: str,
    ) -> Iterator[Problem]:
        """Yield what is doubtful about the data on a topic, whoever uses it."""
        yield from contents.check()

    def check_for_model(
        self, contents: Contents, topic: str, expected: Mapping[str, float]
    ) -> Iterator[Problem]:
        """Yield what is doubtful about the data on a topic for a model that learnt from others.

        ``expected`` is what :meth:`expected_statistics` tells of these; without, this is
        :meth:`check_contents`.
        """
        for each in self.check_contents(contents, topic):
            known = CHECKS.get(each.code)
            if not (expected and known is not None and known.absolute):
                yield each
        if expected and contents.details is not None:
            yield from contents.details.check_statistics(expected, topic)

    def expected_statistics(
        self, mean: Sequence[float], std: Sequence[float]
    ) -> Mapping[str, float]:
        """Give what a model's standardisation tells of the data that it learnt from, by name.

        ``mean`` and ``std`` are its statistics, the raw channels' first. It is what
        :meth:`~xmodal_ros.modalities.contents.ContentDetails.check_statistics` compares with.
        """
        return {}

    def read_parameters(
        self, topic: str, frame: str, get: Callable[[str], Any]
    ) -> SensorInputSettings:
        """Say how a node reads a topic by the values of ``node_parameters``, given by name.

        ``frame`` is the sensor's, '' where its messages say. Raises
        :class:`~xmodal_ros.errors.ConfigurationError` for values that cannot be used.
        """
        return SensorInputSettings(topic, AS_IT_COMES, frame)

    def parameters_for(
        self, placement: Placement, audio_format: AudioFormat | None
    ) -> Mapping[str, Value]:
        """Give the values of ``node_parameters`` that read a sensor as a recording declares it."""
        return {}
