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

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.importers.esc10 import (
    choose_folds,
    CLASSES,
    find_clips,
    import_fold,
)
from xmodal_ros.bags.importers.sound_clips import MICROPHONE
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.decoder import AudioDecoder, AudioFormat

RATE = 1000
SOUND = (np.sin(np.arange(5 * RATE) / 3) * 20_000).astype(np.int16)


def write(path: Path, rate: int = RATE, sound: np.ndarray = SOUND) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, sound)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ('9_1-1-A', '0_1-2-B', '0_2-3-A'):
        write(tmp_path / 'clips' / f'{name}.wav')
    return tmp_path / 'clips'


def test_a_fold_becomes_a_bag_of_its_clips(folder: Path, tmp_path: Path) -> None:
    clips = find_clips(folder)
    bag = import_fold(clips, 1, tmp_path)
    assert (bag.path.name, bag.subject, bag.clips) == ('esc10_fold1', 'fold_1', 2)
    with BagReader(bag.path) as reader:
        segments = read_segments(reader)
        audio = read_audio_format(reader, MICROPHONE.topic)
        assert audio == AudioFormat(rate_hz=RATE, channels=1, sample_format='S16LE')
        decode = AudioDecoder(reader.topics[MICROPHONE.topic].msgtype)
        decode.format = audio
        chunks = [decode(m.data, 0) for m in reader.messages([MICROPHONE.topic])]
        assert (reader.subject, reader.sensors) == ('fold_1', (MICROPHONE,))
        assert 'folds' in reader.metadata['subjects']
    assert [s.label for s in segments] == ['dog_bark', 'fire_crackling']
    assert [s.end_ns - s.start_ns for s in segments] == [5_000_000_000] * 2
    first = [c for c in chunks if c.stamp_ns < segments[0].end_ns]
    assert first[0].stamp_ns == segments[0].start_ns
    assert np.concatenate([c.values for c in first]) == pytest.approx(SOUND / 32_768)


def test_folders_of_classes_as_published_are_found_too(tmp_path: Path) -> None:
    write(tmp_path / '010 - Fire crackling' / '3-1-A.wav')
    write(tmp_path / 'others' / '3-1-A.wav')
    (clip,) = find_clips(tmp_path)
    assert (clip.label, clip.fold) == ('fire_crackling', 3)


def test_folds_are_all_or_those_asked_for(folder: Path) -> None:
    clips = find_clips(folder)
    assert choose_folds(clips, []) == (1, 2)
    with pytest.raises(BagError, match='no fold 5; it has 1, 2'):
        choose_folds(clips, [5])


def test_a_folder_without_clips_is_answered_with_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(BagError, match='expected files such as'):
        find_clips(tmp_path)


def test_a_broken_clip_or_one_at_another_rate_is_named_and_leaves_nothing(
    folder: Path, tmp_path: Path
) -> None:
    write(folder / '9_1-1-A.wav', 2 * RATE)
    with pytest.raises(BagError, match=r'9_1-1-A\.wav.* is at 2000 Hz'):
        import_fold(find_clips(folder), 1, tmp_path)
    (folder / '9_1-1-A.wav').write_bytes(b'RIFF')
    with pytest.raises(BagError, match=r'9_1-1-A\.wav'):
        import_fold(find_clips(folder), 1, tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ['clips']


def test_the_real_data_set_has_its_folds(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip('soundfile', reason='no soundfile: pip install soundfile')
    clips = find_clips(shared_data / 'esc10')
    assert len(clips) == 240
    assert {clip.label for clip in clips} == set(CLASSES)
    bag = import_fold([c for c in clips if c.fold == 2][:3], 2, tmp_path)
    with BagReader(bag.path) as reader:
        assert len(read_segments(reader)) == 3
        assert reader.topics[MICROPHONE.topic].count == 150
