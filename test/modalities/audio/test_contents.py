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

import sys

import pytest

from test.messages import EPOCH, SECOND
from test.tools.doctor.robots import audio_bytes, grid, plain_audio_bytes, SPEECH, tone
from xmodal_ros.modalities.audio import contents as contents_module
from xmodal_ros.modalities.audio.contents import AudioDetails
from xmodal_ros.modalities.audio.decoder import PLAIN_TYPE, STAMPED_TYPE
from xmodal_ros.modalities.audio.modality import Audio
from xmodal_ros.modalities.contents import NewestContents


def test_audio_tells_its_format_loudness_and_how_much_comes() -> None:
    messages = [(audio_bytes(t, tone(160)), t) for t in grid(50, 2)]
    found = Audio().describe_contents(STAMPED_TYPE, messages, SPEECH)
    assert isinstance(found.details, AudioDetails)
    assert found.details.stated == SPEECH
    assert found.details.rate_hz == 16_000
    assert found.details.heard_rate_hz == pytest.approx(8_000)
    assert found.details.peak == pytest.approx(0.5, abs=0.01)


def test_too_little_audio_has_no_rate_of_its_own() -> None:
    messages = [(audio_bytes(EPOCH + k * SECOND // 50, tone()), EPOCH) for k in range(2)]
    found = Audio().describe_contents(STAMPED_TYPE, messages, SPEECH)
    assert isinstance(found.details, AudioDetails)
    assert found.details.heard_rate_hz is None


def test_audio_of_unknown_format_is_refused_with_what_to_do() -> None:
    found = Audio().describe_contents(PLAIN_TYPE, [(plain_audio_bytes(tone()), EPOCH)])
    assert found.refused == {'no_format': 1}
    assert found.details is None


@pytest.mark.parametrize('start', [b'ID3\x04', b'\xff\xfb\x90'])
def test_mp3_is_told_by_its_first_bytes(start: bytes) -> None:
    found = Audio().describe_contents(PLAIN_TYPE, [(plain_audio_bytes(start + bytes(100)), EPOCH)])
    assert found.refused == {'compressed': 1}
    assert 'mp3' in found.complaint
    assert 'format:=wave' in found.complaint


def test_sound_is_looked_into_once_though_it_counts_in_many_reports(monkeypatch) -> None:
    looked: list[int] = []
    take_figures = contents_module._chunks

    def count(samples, values):
        looked.append(len(samples))
        return take_figures(samples, values)

    monkeypatch.setattr(contents_module, '_chunks', count)
    messages = [(audio_bytes(t, tone(320)), t) for t in grid(50, 1)]
    newest = NewestContents(Audio().make_content_reader(STAMPED_TYPE, SPEECH), Audio.newest)
    for data, received_ns in messages[:40]:
        newest.note(data, received_ns)
    newest.contents()
    for data, received_ns in messages[40:]:
        newest.note(data, received_ns)
    assert newest.contents() == Audio().describe_contents(STAMPED_TYPE, messages, SPEECH)
    # By the newest ones together, and by what tells of all of them one by one.
    assert looked == [40, 10] + [1] * 50


def test_a_refused_message_is_not_kept() -> None:
    data = plain_audio_bytes(tone())
    newest = NewestContents(Audio().make_content_reader(PLAIN_TYPE), Audio.newest)
    before = sys.getrefcount(data)
    newest.note(data, EPOCH)
    assert newest.contents().refused == {'no_format': 1}
    assert sys.getrefcount(data) == before
