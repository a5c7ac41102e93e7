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

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from test.bags.importers.small_utd_mhad import save
from xmodal_ros.bags.importers.kitchen20 import (
    choose_folds,
    FILE,
    import_fold,
    load_clips,
)
from xmodal_ros.bags.importers.sound_clips import MICROPHONE
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError

soundfile = pytest.importorskip('soundfile', reason='no soundfile: pip install soundfile')

RATE = 8000
SOUND = (np.sin(np.arange(5 * RATE) / 3) * 20_000).astype(np.int16)
# Source 'a' has two clips in fold 1 and one in fold 2.
SOURCES, FOLDS = ('a', 'a', 'a', 'b', 'c'), (1, 1, 2, 2, 2)


def encoded(rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, SOUND, rate, format='OGG')
    return file.getvalue()


def write_archive(folder: Path, sounds: list[bytes] | None = None, **changes: Any) -> Path:
    sounds = sounds or [encoded()] * 5
    arrays: dict[str, Any] = {
        'ogg': np.frombuffer(b''.join(sounds), np.uint8),
        'offset': np.cumsum([0, *map(len, sounds)]),
        'label': np.array([0, 1, 1, 0, 1], np.int8),
        'label_names': np.array(['blender', 'eat']),
        'fold': np.array(FOLDS, np.int8),
        'usr_id': np.array(SOURCES),
        'path': np.array([f'audio/{index}.wav' for index in range(5)]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / FILE, **arrays | changes)
    return folder


def test_all_clips_of_a_source_are_in_one_fold_unless_the_official_ones_are_wanted(
    tmp_path: Path,
) -> None:
    folder = write_archive(tmp_path / 'data')
    apart = load_clips(folder)
    assert choose_folds(apart, []) == (1, 2)
    assert [(clip.source, clip.fold) for clip in apart] == [
        *(('a', 1), ('a', 1), ('a', 1), ('b', 2), ('c', 2))
    ]
    official = load_clips(folder, 'official')
    assert sorted(clip.fold for clip in official if clip.source == 'a') == [1, 1, 2]
    bag = import_fold(apart, 1, tmp_path)
    assert (bag.path.name, bag.subject, bag.clips) == ('kitchen20_fold1', 'fold_1', 3)
    with BagReader(bag.path) as reader:
        segments = read_segments(reader)
        assert 'one source are in one fold' in reader.metadata['subjects']
        assert reader.topics[MICROPHONE.topic].count == 3 * 50
    assert [s.label for s in segments] == ['blender', 'eat', 'eat']
    # A bag of other folds is not taken for it.
    with pytest.raises(BagError, match='give --force'):
        import_fold(official, 1, tmp_path, 'official')


def test_a_broken_sound_or_one_at_another_rate_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    for bad, problem in ((encoded(16_000), 'at 16000 Hz'), (b'no sound', 'no sound')):
        clips = load_clips(write_archive(tmp_path / 'data', [encoded(), bad, *[encoded()] * 3]))
        with pytest.raises(BagError, match=rf'audio/1\.wav.*{problem}'):
            import_fold(clips, 1, tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ['data']


@pytest.mark.parametrize(
    'changes',
    [{'offset': np.arange(6)}, {'fold': np.ones(4)}, {'label': np.full(5, 2)}],
)
def test_an_archive_of_another_layout_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BagError, match='as it was published'):
        load_clips(write_archive(tmp_path, **changes))


def test_the_real_data_set_has_its_folds(shared_data: Path, tmp_path: Path) -> None:
    clips = load_clips(shared_data / 'kitchen20')
    assert (len(clips), len({clip.label for clip in clips})) == (800, 20)
    folds = choose_folds(clips, [])
    assert folds == (1, 2, 3, 4, 5)
    owners = [{clip.source for clip in clips if clip.fold == fold} for fold in folds]
    assert sum(map(len, owners)) == len(set().union(*owners))
    bag = import_fold([c for c in clips if c.fold == 2][:3], 2, tmp_path)
    with BagReader(bag.path) as reader:
        assert reader.topics[MICROPHONE.topic].count == 150
