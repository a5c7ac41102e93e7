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
from typing import Any

import numpy as np
import pytest

from test.bags.importers.small_utd_mhad import save
from xmodal_ros.bags.importers.digits import (
    CAMERA,
    choose_speakers,
    import_speaker,
    LABELS,
    load_digits,
    MICROPHONE,
    SPOKEN_FILE,
    WRITTEN_FILE,
)
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError

RATE = 800


def write_archives(folder: Path, **changes: Any) -> Path:
    # Two speakers say each digit twice; the second of each is longer than a second.
    digits = np.tile(np.repeat(np.arange(10), 2), 2).astype(np.uint8)
    lengths = np.tile([300, 1000], 20).astype(np.int32)
    spoken = {
        'audio': np.ones(lengths.sum(), np.int16),
        'length': lengths,
        'digit': digits,
        'speaker': np.repeat([0, 1], 20).astype(np.uint8),
        'speakers': np.array(['ada', 'bob']),
        'rate': np.int64(RATE),
    }
    # Each picture is another: 5 of each digit, 1 of nine.
    labels = np.array([*np.repeat(np.arange(9), 5), 9], np.uint8)
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(len(labels))
    written = {'image': images, 'label': labels}
    folder.mkdir(parents=True, exist_ok=True)
    for file, arrays in ((SPOKEN_FILE, spoken), (WRITTEN_FILE, written)):
        save(folder / file, **arrays | {n: a for n, a in changes.items() if n in arrays})
    return folder


def test_written_digits_are_dealt_by_label_and_never_twice(tmp_path: Path) -> None:
    ada, bob = load_digits(write_archives(tmp_path))
    assert (ada.speaker, bob.speaker) == ('ada', 'bob')
    pictures = [p[0, 0] for each in (ada, bob) for p in each.pictures]
    assert len(set(pictures)) == len(pictures)
    assert ada.written.tolist() == [*np.repeat(np.arange(9), 2), 9]
    # Where pictures run out, there are fewer.
    assert bob.written.tolist() == np.repeat(np.arange(9), 2).tolist()
    again = load_digits(tmp_path)[0]
    assert np.array_equal(again.pictures, ada.pictures)
    few = load_digits(tmp_path, 1)[1]
    assert few.said.tolist() == list(range(10))


def test_nothing_spoken_and_written_overlaps_in_time(tmp_path: Path) -> None:
    ada = load_digits(write_archives(tmp_path / 'data'))[0]
    bag = import_speaker(ada, tmp_path)
    assert (bag.path.name, bag.clips) == ('digits_ada', 39)
    with BagReader(bag.path) as reader:
        assert (reader.subject, reader.sensors) == ('ada', (MICROPHONE, CAMERA))
        assert 'by label only' in reader.metadata['pairing']
        segments = read_segments(reader)
        sounds = [(m.received_ns, m.data) for m in reader.messages([MICROPHONE.topic])]
        heard = [received_ns for received_ns, _ in sounds]
        chunks = [np.frombuffer(data[-160:], '<i2') for _, data in sounds]
        seen = [m.received_ns for m in reader.messages([CAMERA.topic])]
    assert max(heard) < segments[19].end_ns <= min(seen)
    assert [s.label for s in segments[:3]] == ['zero', 'zero', 'one']
    assert [s.label for s in segments[20:22]] == ['zero', 'zero']
    assert {s.end_ns - s.start_ns for s in segments} == {10**9}
    assert {s.end_ns % (2 * 10**9) for s in segments} == {0}
    assert [np.flatnonzero(chunks[n]).tolist() for n in (2, 3, 4, 7)] == [
        [],
        [*range(10, 80)],
        [*range(80)],
        [],
    ]
    # Long sounds are cut, short ones lie amid silence: a second each.
    assert (len(heard), len(seen)) == (20 * 10, 19 * 10)
    assert set(LABELS) == {s.label for s in segments}


def test_speakers_are_all_or_those_asked_for(tmp_path: Path) -> None:
    digits = load_digits(write_archives(tmp_path))
    assert choose_speakers(digits, []) == digits
    assert choose_speakers(digits, ['bob']) == digits[1:]
    with pytest.raises(BagError, match="no speaker 'eve'; there are ada, bob"):
        choose_speakers(digits, ['eve'])


@pytest.mark.parametrize(
    'changes',
    [
        {'length': np.array([3])},
        {'digit': np.full(40, 10)},
        {'speaker': np.full(40, 2)},
        {'audio': np.zeros(26_000)},
        {'image': np.zeros((46, 28), np.uint8)},
        {'label': np.zeros(3, np.uint8)},
    ],
)
def test_archives_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BagError, match='do not fit each other'):
        load_digits(write_archives(tmp_path, **changes))


def test_a_missing_or_foreign_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(BagError, match=f'{SPOKEN_FILE} is missing'):
        load_digits(tmp_path)
    write_archives(tmp_path)
    save(tmp_path / WRITTEN_FILE, x=np.zeros(3))
    with pytest.raises(BagError, match='arrays image, label'):
        load_digits(tmp_path)


def test_the_real_digits_are_imported(shared_data: Path, tmp_path: Path) -> None:
    digits = load_digits(shared_data / 'av_digits', 2)
    assert [each.speaker for each in digits] == ['george', 'jackson', 'lucas', 'nicolas']
    bag = import_speaker(digits[3], tmp_path)
    assert bag.clips == 40
