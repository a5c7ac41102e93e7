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

"""The format of a recorded audio topic whose messages do not say it themselves."""

from xmodal_ros.bags.reading import BagReader, Topic
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.decoder import (
    AudioFormat,
    INFO_TYPE,
    read_audio_info,
    TYPES_WITHOUT_FORMAT,
)
from xmodal_ros.streams.sample import DecodeError


def find_audio_info(reader: BagReader, topic: str) -> Topic | None:
    """Find the topic that describes the audio on ``topic``, or None when its messages do.

    That is ``<topic>_info``, else the only topic of type AudioInfo. Raises :class:`BagError`
    saying what to record when there is none, and which there are when it could be several.
    """
    if reader.topics[topic].msgtype not in TYPES_WITHOUT_FORMAT:
        return None
    infos = [info for info in reader.topics.values() if info.msgtype == INFO_TYPE and info.count]
    named = [info for info in infos if info.name == f'{topic}_info']
    chosen = named or infos
    if len(chosen) == 1:
        return chosen[0]
    problem = (
        f'several topics could ({", ".join(info.name for info in infos)})'
        if infos
        else f'no topic of type {INFO_TYPE} does'
    )
    raise BagError(
        f'the audio on {topic} of bag {str(reader.path)!r} does not say its rate, channels and '
        f'sample format, and {problem}: record the AudioInfo that its driver publishes beside it, '
        f'as {topic}_info'
    )


def read_audio_format(reader: BagReader, topic: str) -> AudioFormat | None:
    """Read the format of the audio on ``topic``, or None when its messages say it themselves.

    It holds for the whole recording, wherever in it the AudioInfo message lies: it is latched,
    so on a robot it is there before the sound. Ends an iteration over the reader's messages.

    Raises :class:`BagError` as :func:`find_audio_info` does, and when the format cannot be read
    or changes within the recording.
    """
    info = find_audio_info(reader, topic)
    if info is None:
        return None
    formats: dict[AudioFormat, None] = {}
    for message in reader.messages([info.name]):
        try:
            formats[read_audio_info(message.data)] = None
        except DecodeError as error:
            raise BagError(f'{info.name} of bag {str(reader.path)!r}: {error}') from error
    if len(formats) > 1:
        raise BagError(
            f'{info.name} of bag {str(reader.path)!r} says first {describe(next(iter(formats)))}, '
            f'later {describe([*formats][-1])}: record a bag for each format'
        )
    return next(iter(formats))


def describe(audio: AudioFormat) -> str:
    """Say a format in a few words."""
    channels = 'mono' if audio.channels == 1 else f'{audio.channels} channels'
    return f'{audio.rate_hz} Hz {audio.sample_format} {channels}'
