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

"""Windows from the cache are those the robot would cut, whole or not there, and cut once."""

from collections.abc import Mapping
from dataclasses import replace
import errno
import importlib
import os
from pathlib import Path
import shutil

import numpy as np
import pytest

from test.messages import EPOCH, imu_bytes, SECOND
from test.paired_bags import IMU, LABELS, write_paired_bag
from test.sound_bags import info_bytes, write_sound_bag
from test.studies.small_study import InThisProcess
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.data import build as building
from xmodal_ros.data import cache as stream_cache
from xmodal_ros.data.build import BrokenRecording, build_recordings
from xmodal_ros.data.cache import StreamCache
from xmodal_ros.data.cutting import CutSpec
from xmodal_ros.data.recording import cut_requests, read_facts, RecordingFacts, RecordingWindows
from xmodal_ros.data.window_array import MappedStream
from xmodal_ros.errors import BagError, TrainingError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.registry import other_code
from xmodal_ros.windows.windowing import WindowingSpec

HOP = SECOND // 4
ENTRY = 'entry.json'
INDEX = ('ends_ns', 'firsts', 'coverage', 'received_ns', 'delays_ns')


def dense(**spec) -> WindowingSpec:
    """Windows at the density of training, which end between two points of the grid."""
    return WindowingSpec(**spec).model_copy(update={'hop_ns': HOP})


WAYS: dict[str, CutSpec] = {
    'imu': (ImuStream(), dense(rate_hz=50)),
    'camera': (
        CameraStream(pixels='gray', height=12, width=16),
        dense(rate_hz=8, margin_ns=SECOND // 8),
    ),
}
SOUND: dict[str, CutSpec] = {'microphone': (AudioStream(), dense(rate_hz=16_000))}


@pytest.fixture(scope='module')
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('bags')
    for subject in '12':
        write_paired_bag(folder / f'bag_{subject}', subject, labels=LABELS)
    return folder


@pytest.fixture(scope='module')
def kept(bags: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that two processes filled."""
    cache = tmp_path_factory.mktemp('cache')
    built(look(bags), DataOptions(cache, jobs=2))
    return cache


def look(bags, names=tuple(WAYS)):
    paths = sorted(path for path in bags.iterdir() if path.name.startswith('bag'))
    return [read_facts(path, lambda _: names, need_all=False) for path in paths]


def built(
    facts: list[RecordingFacts], options: DataOptions, cut_specs: Mapping[str, CutSpec] = WAYS
) -> list[RecordingWindows]:
    found = build_recordings(facts, cut_specs, options)
    return [each for each in found if isinstance(each, RecordingWindows)]


def live(
    path: Path, sensor: str, cut_spec: CutSpec, audio: AudioFormat | None = None
) -> dict[int, np.ndarray]:
    with BagReader(path) as reader:
        topic = reader.sensor(sensor).topic
        intake = SensorIntake(*cut_spec, reader.topics[topic].msgtype, audio_format=audio)
        messages = reader.messages([topic])
        modality = find_modality(cut_spec[0].modality)
        return {
            window.end_ns: modality.compact(window.values)
            for message in messages
            for window in intake.push(message.data, message.received_ns)
        }


def same_bits(recording: RecordingWindows, name: str, expected: dict[int, np.ndarray]) -> None:
    windows = recording.windows[name]
    assert len(windows.ends_ns)
    for end_ns, values in zip(windows.ends_ns.tolist(), windows.values, strict=True):
        assert values.dtype == expected[end_ns].dtype
        assert values.tobytes() == expected[end_ns].tobytes()


@pytest.mark.parametrize('name', list(WAYS))
def test_windows_from_disk_and_from_memory_are_those_of_the_robot(bags, kept, name):
    facts = look(bags)
    from_disk, in_memory = built(facts, DataOptions(kept)), built(facts, DataOptions())
    for fact, disk, memory in zip(facts, from_disk, in_memory, strict=True):
        expected = live(fact.path, name, WAYS[name])
        same_bits(disk, name, expected)
        same_bits(memory, name, expected)
        assert isinstance(disk.windows[name].stream, MappedStream)
        assert disk.windows[name].left_out == memory.windows[name].left_out


def test_a_folder_that_cannot_be_is_refused_in_words():
    cache = StreamCache(Path('/tmp') / (300 * 'a'))
    with pytest.raises(TrainingError, match='cannot keep windows'), cache.temporary_folder():
        pass


@pytest.mark.parametrize(('jobs', 'passes'), [(1, 2), (2, 2), (3, 4)])
def test_idle_processes_cut_one_recording_by_sensor(bags, kept, tmp_path, jobs, passes):
    executor, heard = InThisProcess(), []
    build_recordings(
        look(bags),
        WAYS,
        DataOptions(tmp_path, jobs=jobs),
        lambda done, name: heard.append((done, name)),
        open_executor=lambda: executor,
    )
    assert executor.submitted == passes
    assert [done for done, _ in heard] == [1, 2]
    assert {name for _, name in heard} == {'bag_1', 'bag_2'}
    found = {path.relative_to(tmp_path): path for path in tmp_path.rglob('*') if path.is_file()}
    arrays = [path for path in kept.rglob('*') if path.is_file() and path.name != ENTRY]
    assert len(arrays) > 8
    for path in arrays:
        assert found[path.relative_to(kept)].read_bytes() == path.read_bytes()


def test_each_sample_is_kept_once(bags, kept):
    windows = built(look(bags), DataOptions(kept))[0].windows['imu']
    assert windows.cut is not None
    # 16 s at 50 Hz; the windows hold many times as many samples.
    assert windows.cut.facts.shape[0] < 17 * 50
    assert len(windows.cut.index.firsts) * 100 > 5 * windows.cut.facts.shape[0]


def test_what_is_kept_is_not_cut_again_and_labels_may_change(bags, kept, monkeypatch):
    monkeypatch.setattr(building, '_cut', lambda *_: pytest.fail('it was cut again'))
    facts = look(bags)
    shorter = [replace(fact, segments=fact.segments[:1]) for fact in facts]
    windows = built(shorter, DataOptions(kept))[0].windows['imu']
    assert 0 < len(windows.ends_ns) < len(built(facts, DataOptions(kept))[0].windows['imu'].values)


def test_whatever_decides_on_windows_leads_to_others(bags, kept):
    (fact, _) = look(bags)
    cache = StreamCache(kept)
    order = cut_requests(fact, WAYS)['imu']
    place = cache.place(fact.files, order, '')
    turned = replace(order, sensor=replace(IMU, topic='/other'))
    slower = replace(order, cut_spec=(order.cut_spec[0], dense(rate_hz=20)))
    others = [
        cache.place(fact.files, turned, ''),
        cache.place(fact.files, slower, ''),
        cache.place(fact.files, order, '5 0 0'),
    ]
    copy = bags / 'copied.mcap'
    shutil.copyfile(fact.files[0], copy)
    others.append(cache.place([copy], order, ''))
    copy.unlink()
    assert len({place, *others}) == 5


def gappy_bag(path: Path) -> Path:
    """Samples at odd times, with gaps of all lengths, some of them exactly on the grid."""
    rng = np.random.default_rng(3)
    with BagWriter(path, sensors=[IMU], subject='1') as writer:
        write_segments(writer, [Segment(EPOCH, EPOCH + 60 * SECOND, 'walk')])
        stamp = EPOCH
        while stamp < EPOCH + 60 * SECOND:
            acc = rng.normal(0, 5, 3).tolist()
            writer.write(IMU.topic, 'sensor_msgs/msg/Imu', stamp, imu_bytes(stamp, acc))
            stamp += int(
                rng.choice([4, 7, 20, 20, 20, 60, 150, 400], p=[0.2] * 2 + [0.1] * 6) * 1e6
            )
    return path


def test_windows_with_gaps_are_those_of_the_robot_too(tmp_path):
    path = gappy_bag(tmp_path / 'bag')
    cut_spec = (ImuStream(), dense(rate_hz=50, min_coverage=0.01))
    (recording,) = built(
        look(tmp_path, ('imu',)), DataOptions(tmp_path / 'c', 1), {'imu': cut_spec}
    )
    same_bits(recording, 'imu', live(path, 'imu', cut_spec))
    cut = recording.windows['imu'].cut
    assert cut is not None
    assert cut.facts.gaps.count > 10
    assert 0.3 < cut.facts.gaps.longest_s < 0.5


@pytest.mark.parametrize('rate', [16_000, 44_100])
def test_sound_is_that_of_the_robot_at_any_rate(tmp_path, rate):
    infos = (('/audio_info', 0, info_bytes(rate)),)
    path = write_sound_bag(
        tmp_path / 'bag', labels=LABELS[:2], infos=infos, rate=rate, jitter_ns=SECOND // 200
    )
    (fact,) = look(tmp_path, ('microphone',))
    (recording,) = built([fact], DataOptions(tmp_path / 'c', 1), SOUND)
    expected = live(path, 'microphone', SOUND['microphone'], fact.audio_formats['microphone'])
    same_bits(recording, 'microphone', expected)


def test_an_entry_that_lost_a_part_is_cut_anew(bags, kept):
    facts = look(bags)
    cache = StreamCache(kept)
    order = cut_requests(facts[0], WAYS)['imu']
    stream = cache.place(facts[0].files, order, '') / 'stream'
    stream.write_bytes(stream.read_bytes()[:-4])
    same_bits(built(facts, DataOptions(kept, 1))[0], 'imu', live(facts[0].path, *_imu()))


@pytest.mark.parametrize('name', [*INDEX, ENTRY])
def test_an_entry_whose_small_files_were_altered_is_damaged(bags, kept, tmp_path, name):
    (fact, _) = look(bags)
    place = StreamCache(kept).place(fact.files, cut_requests(fact, WAYS)['imu'], '')
    entry = tmp_path / 'entry'
    shutil.copytree(place, entry)
    assert StreamCache(tmp_path).read(entry) is not None
    content = bytearray((entry / name).read_bytes())
    # A number of the document, and of the others the first byte of one in their middle.
    at = content.index(b'"count": ') + 9 if name == ENTRY else len(content) // 16 * 8
    content[at] ^= 1
    (entry / name).write_bytes(content)
    assert StreamCache(tmp_path).read(entry) is None


def test_an_entry_of_another_format_or_whose_parts_do_not_fit_is_not_taken(
    bags: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fact, _) = look(bags)
    cache = StreamCache(tmp_path)
    place = StreamCache(kept).place(fact.files, cut_requests(fact, WAYS)['camera'], '')
    found = cache.read(place)
    assert found is not None
    cut = found[0]
    shorter = replace(cut, index=replace(cut.index, firsts=cut.index.firsts[:-1]))
    for name, each in (('whole', cut), ('shorter', shorter)):
        shutil.copytree(place, tmp_path / f'built_{name}')
        cache.publish(tmp_path / f'built_{name}', each, tmp_path / name)
    assert cache.read(tmp_path / 'whole') is not None
    assert cache.read(tmp_path / 'shorter') is None
    monkeypatch.setattr(stream_cache, '_FORMAT', stream_cache._FORMAT + 1)
    assert cache.read(tmp_path / 'whole') is None


def test_an_altered_entry_is_cut_anew(bags, kept):
    facts = look(bags)
    order = cut_requests(facts[0], WAYS)['imu']
    ends = StreamCache(kept).place(facts[0].files, order, '') / 'ends_ns'
    ends.write_bytes((np.frombuffer(ends.read_bytes(), np.int64) + SECOND).tobytes())
    same_bits(built(facts, DataOptions(kept, 1))[0], 'imu', live(facts[0].path, *_imu()))


def _imu() -> tuple[str, CutSpec]:
    return 'imu', WAYS['imu']


def test_a_full_disk_is_told_and_leaves_nothing(bags, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(stream_cache, '_write', full)
    with pytest.raises(TrainingError, match=r'No space left on device.*--cache.*--no-cache'):
        build_recordings(look(bags), WAYS, DataOptions(tmp_path / 'cache', 1))
    assert not list((tmp_path / 'cache').iterdir())


def test_an_interrupted_build_leaves_nothing_half_written(bags, tmp_path):
    def stop(done, _name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_recordings(look(bags), WAYS, DataOptions(tmp_path / 'cache', 1), stop)
    cache = StreamCache(tmp_path / 'cache')
    # The recording that was done by then is kept whole.
    assert set((tmp_path / 'cache').iterdir()) == set(cache.entries())
    assert [cache.read(entry) is not None for entry in cache.entries()] == [True, True]


def test_what_a_killed_process_left_goes_and_what_another_is_at_stays(tmp_path):
    cache = StreamCache(tmp_path)
    dead = tmp_path / '.stream-dead.partial'
    dead.mkdir()
    with cache.temporary_folder() as other:
        with StreamCache(tmp_path).temporary_folder():
            assert other.is_dir()
        assert not dead.exists()
    assert not list(tmp_path.iterdir())


def test_what_the_version_before_left_goes_once_nobody_has_written_there_for_a_day(tmp_path):
    cache = StreamCache(tmp_path)
    old, live = tmp_path / '.partial-old', tmp_path / '.partial-live'
    for folder in (old, live):
        folder.mkdir()
        (folder / 'stream.bin').touch()
        os.utime(folder, (0, 0))
    os.utime(old / 'stream.bin', (0, 0))
    with cache.temporary_folder():
        assert not old.exists()
    assert list(tmp_path.iterdir()) == [live]
    os.utime(live / 'stream.bin', (0, 0))
    assert cache.clear() == 0
    assert not list(tmp_path.iterdir())


def test_a_bag_that_breaks_off_is_told_and_the_others_are_cut(bags, tmp_path):
    folder = tmp_path / 'bags'
    shutil.copytree(bags, folder)
    facts = look(folder)
    (storage,) = facts[0].files
    content = bytearray(storage.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 4000] = bytes(4000)
    storage.write_bytes(content)
    first, second = build_recordings(facts, WAYS, DataOptions(tmp_path / 'cache', 1))
    assert isinstance(first, BrokenRecording)
    assert 'bag_1' in first.reason
    assert isinstance(second, RecordingWindows)
    assert len(StreamCache(tmp_path / 'cache').entries()) == 2


def test_a_bag_that_has_gone_since_it_was_looked_into_is_told(bags: Path, tmp_path: Path) -> None:
    shutil.copytree(bags, tmp_path / 'bags')
    facts = look(tmp_path / 'bags')
    shutil.rmtree(facts[0].path)
    with pytest.raises(BagError, match=r"bag_1' cannot be read: .*No such file"):
        build_recordings(facts, WAYS, DataOptions(tmp_path / 'cache', 1))


def test_a_cache_that_is_cleared_while_it_is_in_use_is_told(bags: Path, tmp_path: Path) -> None:
    options = DataOptions(tmp_path / 'cache', 1)
    build_recordings(look(bags), WAYS, options)

    def clear(_done: int, _name: str) -> None:
        StreamCache(tmp_path / 'cache').clear()

    with pytest.raises(TrainingError, match=r'is gone: was the cache cleared .* Start again'):
        build_recordings(look(bags), WAYS, options, clear)


def test_a_cache_that_cannot_be_cleared_is_told(
    bags: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, 'Permission denied')

    build_recordings(look(bags)[:1], WAYS, DataOptions(tmp_path / 'cache', 1))
    with monkeypatch.context() as changed:
        changed.setattr(shutil, 'rmtree', refuse)
        with pytest.raises(TrainingError, match=r'cannot clear the cache in .*Permission denied'):
            StreamCache(tmp_path / 'cache').clear()


def test_clearing_removes_streams_and_nothing_else(bags, tmp_path):
    cache = StreamCache(tmp_path / 'cache')
    build_recordings(look(bags)[:1], WAYS, DataOptions(cache.folder, 1))
    mine = cache.folder / 'mine'
    mine.mkdir()
    assert cache.size_bytes() > 1000
    assert cache.clear() == 2
    assert list(cache.folder.iterdir()) == [mine]
    assert cache.size_bytes() == 0


def test_a_damaged_stream_that_others_replace_at_the_same_time_is_no_error(
    bags: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(look(bags, ('imu',)), DataOptions(tmp_path, jobs=1), {'imu': WAYS['imu']})
    cache = StreamCache(tmp_path)
    place = cache.entries()[0]
    found = cache.read(place)
    assert found is not None
    spare = tmp_path / 'spare'
    shutil.copytree(place, spare)
    (place / 'stream').write_bytes(b'')
    # After each look at what is there, another process has just removed it.
    monkeypatch.setattr(StreamCache, 'read', lambda _, at: shutil.rmtree(at, ignore_errors=True))
    cache.publish(spare, found[0], place)
    monkeypatch.undo()
    assert cache.read(place) is not None


def test_a_modality_of_another_package_is_cut_anew_when_its_code_changes(
    bags, tmp_path, monkeypatch
):
    package = tmp_path / 'modality_of_another'
    package.mkdir()
    (package / '__init__.py').touch()
    (package / 'decoder.py').write_text('SCALE = 1\n')
    (package / 'modality.py').write_text(
        'from xmodal_ros.modalities.imu.modality import Imu\nclass Other(Imu): ...\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    other = importlib.import_module('modality_of_another.modality').Other()
    (facts, _) = look(bags)
    request = cut_requests(facts, WAYS)['imu']

    def place() -> Path:
        return StreamCache(tmp_path / 'cache').place(facts.files, request, '')

    own = place()
    monkeypatch.setattr(stream_cache, 'find_modality', lambda _: other)
    before = place()
    assert before != own
    (package / 'decoder.py').write_text('SCALE = 1000\n')
    # As another process would.
    other_code.cache_clear()
    assert place() != before
