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

"""The format of recorded audio: found beside it, wherever in the recording it is said."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from test.messages import SECOND
from test.sound_bags import info_bytes, write_sound_bag
from xmodal_ros.bags.audio_format import describe, find_audio_info, read_audio_format
from xmodal_ros.bags.reading import BagReader, Topic
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.decoder import (
    AudioFormat,
    FOXGLOVE_TYPE,
    INFO_TYPE,
    NESTED_TYPE,
    STAMPED_TYPE,
)

ONE = ('sit',)
Info = tuple[str, int, bytes]


def format_in(path: Path, *infos: Info, stamped: bool = True) -> AudioFormat | None:
    bag = write_sound_bag(path, labels=ONE, infos=infos, stamped=stamped)
    with BagReader(bag) as reader:
        return read_audio_format(reader, '/audio')


@pytest.mark.parametrize('stamped', [True, False])
@pytest.mark.parametrize('after_ns', [0, 2 * SECOND, 10 * SECOND])
@pytest.mark.parametrize('topic', ['/audio_info', '/robot/sound_format'])
def test_it_is_found_by_name_or_alone_early_or_late(tmp_path, topic, after_ns, stamped):
    info = (topic, after_ns, info_bytes(44_100, 2, 's24le'))
    found = format_in(tmp_path / 'bag', info, stamped=stamped)
    assert found == AudioFormat(44_100, 2, 'S24LE')


def test_of_several_the_one_of_its_name_counts(tmp_path):
    infos = (('/other', 0, info_bytes(8000)), ('/audio_info', 0, info_bytes(48_000)))
    assert format_in(tmp_path / 'bag', *infos) == AudioFormat(48_000, 1, 'S16LE')


def test_a_latched_message_that_was_recorded_twice_is_one(tmp_path):
    infos = [('/audio_info', after, info_bytes()) for after in (0, SECOND)]
    assert format_in(tmp_path / 'bag', *infos) == AudioFormat(16_000, 1, 'S16LE')


def test_without_any_it_is_said_what_to_record(tmp_path):
    with pytest.raises(BagError, match=r"on /audio of .*bag'.* no topic .*as /audio_info"):
        format_in(tmp_path / 'bag')


def test_several_of_other_names_are_told(tmp_path):
    infos = (('/front', 0, info_bytes()), ('/rear', 0, info_bytes()))
    with pytest.raises(BagError, match=r'several .*\(/front, /rear\).*as /audio_info'):
        format_in(tmp_path / 'bag', *infos)


def test_a_format_that_changes_is_refused(tmp_path):
    infos = (
        ('/audio_info', 0, info_bytes()),
        ('/audio_info', SECOND, info_bytes(48_000, 2)),
    )
    with pytest.raises(
        BagError, match='first 16000 Hz S16LE mono, later 48000 Hz S16LE 2 channels'
    ):
        format_in(tmp_path / 'bag', *infos)


@pytest.mark.parametrize(
    ('info', 'message'),
    [
        (info_bytes(coding='mp3'), 'format:=wave'),
        (info_bytes(sample_format='F64LE'), "'F64LE'"),
        (info_bytes()[:6], '/audio_info'),
    ],
)
def test_one_that_cannot_be_used_says_why(tmp_path, info, message):
    with pytest.raises(BagError, match=message):
        format_in(tmp_path / 'bag', ('/audio_info', 0, info))


@dataclass(frozen=True)
class Bag:
    """Stands for a bag of types that cannot be written here."""

    topics: dict[str, Topic]
    path: Path = Path('bag')


@pytest.mark.parametrize('msgtype', [FOXGLOVE_TYPE, NESTED_TYPE, 'sensor_msgs/msg/Imu'])
def test_types_that_say_their_format_need_none(msgtype):
    bag = Bag({'/audio': Topic('/audio', msgtype, 5)})
    assert read_audio_format(bag, '/audio') is None  # type: ignore[arg-type]


def test_an_info_topic_without_a_message_does_not_count():
    topics = [
        Topic('/audio', STAMPED_TYPE, 5),
        Topic('/audio_info', INFO_TYPE, 0),
        Topic('/sound_format', INFO_TYPE, 1),
    ]
    bag = Bag({topic.name: topic for topic in topics})
    found = find_audio_info(bag, '/audio')  # type: ignore[arg-type]
    assert found == bag.topics['/sound_format']


def test_a_format_is_said_in_a_few_words():
    assert describe(AudioFormat(16_000, 1, 'S16LE')) == '16000 Hz S16LE mono'


def test_the_real_recording_of_audio_lacks_it(shared_data):
    with (
        BagReader(shared_data / 'bags' / 'jsk_audio_300hz_mcap') as reader,
        pytest.raises(BagError, match='as /audio_info'),
    ):
        read_audio_format(reader, '/audio')
