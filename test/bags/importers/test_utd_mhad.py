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

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from test.bags.importers.small_utd_mhad import (
    change,
    CLIPS,
    save,
    write_archives,
    write_mat_files,
)
from test.bags.recordings import storage_of, write_imu_bag
from test.messages import SECOND
from xmodal_ros.bags.importers import utd_mhad
from xmodal_ros.bags.importers.utd_mhad import (
    CAMERA,
    choose_subjects,
    import_subject,
    IMU,
    load_clips,
    SKELETON,
)
from xmodal_ros.bags.importers.utd_mhad_archives import DEPTH_FILE, IMU_FILE
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.modalities.skeleton.decoder import SkeletonDecoder

LONGEST_WINDOW_NS = 4 * SECOND


@pytest.fixture(scope='module')
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archives(tmp_path_factory.mktemp('utd') / 'utd_mhad')


@pytest.fixture(scope='module')
def bag(archives: Path) -> Path:
    return import_subject(load_clips(archives), 1, archives.parent / 'bags').path


def test_every_clip_becomes_a_segment_by_trial_and_action(bag: Path) -> None:
    with BagReader(bag) as reader:
        segments = read_segments(reader)
    assert [segment.label for segment in segments] == ['swipe_left', 'wave', 'clap', 'swipe_left']
    durations = [(segment.end_ns - segment.start_ns) / SECOND for segment in segments]
    assert durations == [110 / 50, 120 / 50, 326 / 50, 155 / 50]


def test_clips_start_on_whole_seconds_with_gaps_longer_than_a_window(bag: Path) -> None:
    with BagReader(bag) as reader:
        segments = read_segments(reader)
        stamps = [
            m.received_ns for m in reader.messages([IMU.topic, CAMERA.topic, SKELETON.topic])
        ]
    assert all(segment.start_ns % SECOND == 0 for segment in segments)
    pauses = [b.start_ns - a.end_ns for a, b in pairwise(segments)]
    assert all(LONGEST_WINDOW_NS <= pause < LONGEST_WINDOW_NS + SECOND for pause in pauses)
    for stamp in stamps:
        assert any(segment.start_ns <= stamp < segment.end_ns for segment in segments)


def test_the_imu_is_in_si_units_at_50_hz(archives: Path, bag: Path) -> None:
    clip = load_clips(archives)[0]
    decode = ImuDecoder()
    with BagReader(bag) as reader:
        segment = read_segments(reader)[0]
        samples = [decode(message.data) for message in reader.messages([IMU.topic])]
    samples = [sample for sample in samples if sample.stamp_ns < segment.end_ns]
    assert [s.stamp_ns - segment.start_ns for s in samples] == [n * 20_000_000 for n in range(110)]
    assert {sample.frame_id for sample in samples} == {'imu_link'}
    values = np.array([sample.values for sample in samples])
    assert values[:, :3] == pytest.approx(clip.imu()[:, :3].astype(float) * 9.80665)
    assert values[:, 3:] == pytest.approx(clip.imu()[:, 3:].astype(float) * np.pi / 180)


def test_depth_frames_are_in_millimetres_and_spread_over_the_clip(
    archives: Path, bag: Path
) -> None:
    clip = load_clips(archives)[0]
    decode = CameraDecoder('sensor_msgs/msg/Image', 'depth', 60, 80)
    with BagReader(bag) as reader:
        segment = read_segments(reader)[0]
        samples = [decode(message.data) for message in reader.messages([CAMERA.topic])]
    samples = [sample for sample in samples if sample.stamp_ns < segment.end_ns]
    fractions = [
        (sample.stamp_ns - segment.start_ns) / (segment.end_ns - segment.start_ns)
        for sample in samples
    ]
    assert fractions == pytest.approx(np.arange(41) / 41, abs=1e-8)
    metres = np.array([sample.values[..., 0] for sample in samples])
    assert metres == pytest.approx(clip.depth() * 0.001, abs=1e-6)


def test_skeletons_are_in_metres_and_spread_over_the_clip(archives: Path, bag: Path) -> None:
    clip = load_clips(archives)[0]
    with BagReader(bag) as reader:
        segment = read_segments(reader)[0]
        samples = [SkeletonDecoder(20)(m.data) for m in reader.messages([SKELETON.topic])]
    samples = [sample for sample in samples if sample.stamp_ns < segment.end_ns]
    assert [s.stamp_ns - segment.start_ns for s in samples[:2]] == [0, 110 * 20_000_000 // 41]
    joints = clip.skeleton().astype(float)
    assert np.array([s.values.reshape(20, 3) for s in samples]) == pytest.approx(
        joints - joints.mean(axis=1, keepdims=True)
    )


def test_the_original_files_give_the_same_bag(archives: Path, tmp_path: Path) -> None:
    originals = write_mat_files(archives, tmp_path / 'originals')
    ours = import_subject(load_clips(archives), 2, tmp_path / 'ours')
    theirs = import_subject(load_clips(originals), 2, tmp_path / 'theirs')
    with BagReader(ours.path) as a, BagReader(theirs.path) as b:
        # The archives name their actions; the originals only number them.
        assert [segment.label for segment in read_segments(a)] == ['swipe_left', 'wave']
        assert [segment.label for segment in read_segments(b)] == ['swipe_left', 'swipe_right']
        for sensor in a.sensors:
            pairs = zip(a.messages([sensor.topic]), b.messages([sensor.topic]), strict=True)
            assert all(m.data == n.data and m.received_ns == n.received_ns for m, n in pairs)


def test_an_original_file_that_is_missing_or_damaged_is_named(
    archives: Path, tmp_path: Path
) -> None:
    folder = write_mat_files(archives, tmp_path / 'originals')
    skeleton = folder / 'Skeleton' / 'a1_s2_t1_skeleton.mat'
    content = skeleton.read_bytes()
    skeleton.write_bytes(content[:-200])
    with pytest.raises(BagError, match=r'a1_s2_t1_skeleton\.mat.* download it again'):
        import_subject(load_clips(folder), 2, tmp_path)
    scipy.io.savemat(skeleton, {'d_skel': np.zeros((3, 20, 5))})
    with pytest.raises(BagError, match='d_skel is float64 of shape'):
        import_subject(load_clips(folder), 2, tmp_path)
    scipy.io.savemat(skeleton, {'other': np.zeros(3)})
    with pytest.raises(BagError, match='holds no variable d_skel'):
        import_subject(load_clips(folder), 2, tmp_path)
    skeleton.unlink()
    with pytest.raises(BagError, match=r'no a1_s2_t1_skeleton\.mat: unpack'):
        load_clips(folder)
    assert [path.name for path in tmp_path.iterdir()] == ['originals']


def test_the_bag_names_its_subject_its_sensors_and_where_it_is_from(bag: Path) -> None:
    with BagReader(bag) as reader:
        assert reader.name == 'utd_mhad_s1'
        assert reader.subject == '1'
        assert reader.sensors == (IMU, CAMERA, SKELETON)
        assert (IMU.name, CAMERA.name) == ('imu', 'camera')
        assert reader.metadata['dataset'] == 'UTD-MHAD'
        assert 'ICIP 2015' in reader.metadata['citation']
        assert {message.topic for message in reader.messages()} == set(reader.topics)
        image = reader.topics[CAMERA.topic]
        assert (image.msgtype, image.count) == ('sensor_msgs/msg/Image', 41 + 50 + 125 + 60)


def test_importing_again_writes_the_same_bytes(archives: Path, bag: Path, tmp_path: Path) -> None:
    again = import_subject(load_clips(archives), 1, tmp_path)
    assert storage_of(again.path).read_bytes() == storage_of(bag).read_bytes()


def test_a_complete_bag_is_kept_unless_forced(archives: Path, tmp_path: Path) -> None:
    clips = load_clips(archives)
    first = import_subject(clips, 2, tmp_path)
    made = storage_of(first.path).stat().st_mtime_ns
    kept = import_subject(clips, 2, tmp_path)
    assert (first.kept, kept.kept) == (False, True)
    assert first.clips == kept.clips == 2
    assert storage_of(first.path).stat().st_mtime_ns == made
    assert not import_subject(clips, 2, tmp_path, force=True).kept
    assert storage_of(first.path).stat().st_mtime_ns > made


def test_a_broken_bag_in_the_way_is_replaced_only_when_forced(
    archives: Path, tmp_path: Path
) -> None:
    clips = load_clips(archives)
    path = import_subject(clips, 2, tmp_path).path
    storage_of(path).write_bytes(b'')
    with pytest.raises(BagError, match='give --force'):
        import_subject(clips, 2, tmp_path)
    assert not import_subject(clips, 2, tmp_path, force=True).kept


def test_a_bag_of_another_origin_is_not_kept(archives: Path, tmp_path: Path) -> None:
    write_imu_bag(tmp_path / 'utd_mhad_s2')
    with pytest.raises(BagError, match='is not this import'):
        import_subject(load_clips(archives), 2, tmp_path)


def test_what_is_no_bag_is_never_removed(archives: Path, tmp_path: Path) -> None:
    (tmp_path / 'utd_mhad_s2').mkdir()
    (tmp_path / 'utd_mhad_s2' / 'thesis.tex').write_text('mine')
    with pytest.raises(BagError, match='is no bag'):
        import_subject(load_clips(archives), 2, tmp_path, force=True)
    assert (tmp_path / 'utd_mhad_s2' / 'thesis.tex').exists()


def test_subjects_are_all_or_those_asked_for(archives: Path) -> None:
    clips = load_clips(archives)
    assert choose_subjects(clips, []) == (1, 2)
    assert choose_subjects(clips, [2, 2]) == (2,)
    with pytest.raises(BagError, match=r'no subject 9; it has 1, 2'):
        choose_subjects(clips, [2, 9])


@pytest.mark.parametrize('missing', [IMU_FILE, DEPTH_FILE])
def test_a_missing_archive_is_named_with_those_expected(tmp_path: Path, missing: str) -> None:
    folder = write_archives(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(BagError) as caught:
        load_clips(folder)
    assert f'{missing} is missing' in str(caught.value)
    assert IMU_FILE in str(caught.value)
    assert DEPTH_FILE in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BagError, match='nowhere'):
        load_clips(tmp_path / 'nowhere')


@pytest.mark.parametrize(
    'content', [b'', b'PK\x03\x04 half a zip', b'no archive', b'\x80\x04K\x01.']
)
def test_a_file_that_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    folder = write_archives(tmp_path)
    (folder / IMU_FILE).write_bytes(content)
    with pytest.raises(BagError, match=f'{IMU_FILE}.* is no archive with the arrays'):
        load_clips(folder)


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    folder = write_archives(tmp_path)
    content = (folder / DEPTH_FILE).read_bytes()
    (folder / DEPTH_FILE).write_bytes(content[: len(content) // 2])
    with pytest.raises(BagError, match=DEPTH_FILE):
        load_clips(folder)


def test_a_foreign_archive_is_answered_with_the_arrays_expected(tmp_path: Path) -> None:
    folder = write_archives(tmp_path)
    save(folder / IMU_FILE, x=np.zeros(3))
    with pytest.raises(BagError, match='arrays imu, imu_len, skel'):
        load_clips(folder)


@pytest.mark.parametrize(
    ('file', 'name', 'array'),
    [
        (IMU_FILE, 'imu', np.zeros((948, 3), np.float32)),
        (IMU_FILE, 'imu', np.zeros((948, 6), np.int16)),
        (IMU_FILE, 'imu', np.zeros((0, 6), np.float32)),
        (IMU_FILE, 'imu', np.float32(3)),
        (IMU_FILE, 'skel', np.zeros((366, 20), np.float32)),
        (IMU_FILE, 'imu_len', np.array(['a'] * 6)),
        (IMU_FILE, 'imu_len', np.ones((6, 1), np.int32)),
        (IMU_FILE, 'action_names', np.array([1, 2, 3])),
        (DEPTH_FILE, 'depth', np.zeros((366, 60, 80), np.float32)),
        (DEPTH_FILE, 'depth', np.zeros((366, 60), np.uint8)),
        (DEPTH_FILE, 'key', np.zeros(6, np.uint8)),
    ],
)
def test_an_array_of_another_layout_is_named(
    tmp_path: Path, file: str, name: str, array: np.ndarray
) -> None:
    folder = write_archives(tmp_path)
    change(folder / file, **{name: array})
    with pytest.raises(BagError, match=f'{file}.* is no UTD-MHAD archive: its {name!r} is'):
        load_clips(folder)


@pytest.mark.parametrize(
    ('file', 'name', 'array'),
    [
        (IMU_FILE, 'imu', np.zeros((5, 6), np.float32)),
        (IMU_FILE, 'imu_len', np.array([948], np.int32)),
        (IMU_FILE, 'imu_len', np.int32(948)),
        (IMU_FILE, 'imu_len', np.array([948, 0, 0, 0, 0, 0], np.int32)),
        (IMU_FILE, 'imu_len', np.array([1048, -100, 0, 0, 0, 0], np.int32)),
        (IMU_FILE, 'action', np.array([1, 1, 1, 2, 2, 9], np.uint8)),
        (IMU_FILE, 'subject', np.array([1, 1, 2, 1, 2], np.uint8)),
        (IMU_FILE, 'subject', np.array([1, 1, 2, 1, 2, 3], np.uint8)),
        (IMU_FILE, 'skel_len', np.array([365], np.int32)),
        (IMU_FILE, 'action_names', np.array(['wave'])),
        (DEPTH_FILE, 'depth', np.zeros((3, 60, 80), np.uint8)),
        (DEPTH_FILE, 'length', np.array([366], np.int32)),
        (DEPTH_FILE, 'key', np.zeros((6, 3), np.uint8)),
    ],
)
def test_archives_that_do_not_fit_each_other_are_refused(
    tmp_path: Path, file: str, name: str, array: np.ndarray
) -> None:
    folder = write_archives(tmp_path)
    change(folder / file, **{name: array})
    with pytest.raises(BagError, match='do not belong together'):
        load_clips(folder)


def test_the_numbers_of_the_small_archives_are_as_assumed_above() -> None:
    assert sum(clip[3] for clip in CLIPS) == 948
    assert sum(clip[4] for clip in CLIPS) == 366


def test_the_real_data_set_has_all_its_clips(shared_data: Path, tmp_path: Path) -> None:
    clips = load_clips(shared_data / 'utd_mhad')
    assert len(clips) == 861
    assert len({clip.label for clip in clips}) == 27
    counts = Counter(clip.subject for clip in clips)
    assert sorted(counts) == list(range(1, 9))
    bag = import_subject(clips, 6, tmp_path)
    with BagReader(bag.path) as reader:
        segments = read_segments(reader)
        assert len(segments) == bag.clips == counts[6] == 107
        own = sorted(
            (clip for clip in clips if clip.subject == 6), key=lambda c: (c.trial, c.action)
        )
        assert [segment.label for segment in segments] == [clip.label for clip in own]
        assert reader.topics[IMU.topic].count == sum(clip.length for clip in own)
        assert reader.topics[CAMERA.topic].count == sum(len(clip.depth()) for clip in own)
        acceleration = np.array(
            [ImuDecoder()(message.data).values[:3] for message in reader.messages([IMU.topic])]
        )
    assert np.median(np.linalg.norm(acceleration, axis=1)) == pytest.approx(9.81, abs=0.6)


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_forced_import_that_fails_leaves_the_old_bag(
    archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = load_clips(archives)
    bag = import_subject(clips, 2, tmp_path).path
    before = sorted((file.name, file.read_bytes()) for file in bag.iterdir())
    # As when somebody presses Ctrl-C while the images are written.
    monkeypatch.setattr(utd_mhad, '_depth_records', interrupt)
    with pytest.raises(KeyboardInterrupt):
        import_subject(clips, 2, tmp_path, force=True)
    assert sorted((file.name, file.read_bytes()) for file in bag.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith('.')] == []
