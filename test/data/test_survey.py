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

"""Whatever lies in a folder of recordings: what can be used is used, and the rest is told."""

from dataclasses import replace
from pathlib import Path
import shutil

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from test.bags.recordings import string_message
from test.messages import compressed_bytes, EPOCH, imu_bytes, SECOND
from test.paired_bags import CAMERA, IMU, LABELS, write_paired_bag, write_subjects
from test.recordings import clips, IMU_TYPE, write_imu_bag
from test.training.configured import configure
from xmodal_ros.bags.clocks import clock_file, ClockCorrection, write_clocks
from xmodal_ros.bags.labels import read_segments, write_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.configuration.training import TrainingConfiguration
from xmodal_ros.data.datamodule import prepare_data
from xmodal_ros.data.report import remarks
from xmodal_ros.data.scan import scan
from xmodal_ros.data.sensor_recipe import sensor_recipe
from xmodal_ros.data.survey import correct_clocks, survey
from xmodal_ros.errors import BagError, StreamError, TrainingError
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.progress import NullReporter

STRICT = DataOptions(strict=True)


class Heard(NullReporter):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope='module')
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people, each twice 'sit', 'walk' and 'wave'; of the third there is no camera."""
    return write_subjects(tmp_path_factory.mktemp('bags'), labels=2 * LABELS, without_camera='3')


@pytest.fixture
def folder(bags, tmp_path) -> Path:
    return Path(shutil.copytree(bags, tmp_path / 'bags'))


def asked(*bags: Path, source='camera', test='2', **more) -> TrainingConfiguration:
    sources = (source,) if source else ()
    task = {'test_subjects': (test,), 'sources': sources, 'method': 'distillation'}
    return configure(*bags, **task, length_s=3.0, epochs=None, **more)


def look(*paths: Path, options=DataOptions(), sensors=('imu', 'camera'), by='receipt'):
    return survey(paths, sensors, RecipeChoices(), options, Heard(), by)


def test_a_recording_without_the_source_teaches_the_target_and_one_without_the_target_the_source(
    bags,
):
    heard = Heard()
    with_imu = prepare_data(asked(bags), heard)
    assert {*with_imu.sets['imu'].training.recordings.tolist()} == {0, 1}
    assert {*with_imu.sets['camera'].training.recordings.tolist()} == {0}
    assert any("bag_3 has no sensor 'camera'" in note for note in heard.notes)
    with_camera = prepare_data(asked(bags, target='camera', source='imu'), heard)
    assert {*with_camera.sets['camera'].training.recordings.tolist()} == {0}
    assert {*with_camera.sets['imu'].training.recordings.tolist()} == {0, 1}
    report = {each.name: each for each in with_imu.report.recordings}
    assert (report['bag_2'].use, report['bag_3'].use) == ('test', 'learning')
    assert [sensor.problem != '' for sensor in report['bag_3'].sensors] == [False, True]


def test_recordings_that_lie_deeper_are_told_and_not_looked_into(folder):
    (folder / 'later').mkdir()
    (folder / 'bag_3').rename(folder / 'later' / 'bag_3')
    heard = Heard()
    found = scan([folder], lambda _: ('imu',), DataOptions(), heard)
    assert [path.name for path in found.paths] == ['bag_1', 'bag_2']
    assert heard.notes == [
        f'{folder / "later"} holds recordings too, and is not looked into: name it as well'
    ]


def test_the_first_reason_is_raised_where_nothing_can_be_used(bags):
    with pytest.raises(BagError, match=r"no sensor or sensor topic 'imu_wrist'.*closest is 'imu'"):
        prepare_data(asked(bags, target='imu_wrist'), Heard())
    with pytest.raises(BagError, match='does not exist'):
        prepare_data(asked(bags, bags / 'bag_9'), Heard())


def test_broken_recordings_are_told_and_left_out_unless_it_is_strict(folder):
    (folder / 'bag_4').mkdir()
    (folder / 'bag_4' / 'bag_4.mcap').write_bytes(b'\x89MCAP0\r\n' + bytes(50))
    (folder / 'bag_1' / 'labels.csv').write_text('start,end,label\n0,4,sit\n3,6,walk\n')
    found = look(folder)
    assert [each.name for each in found.report.recordings if each.use] == ['bag_2', 'bag_3']
    reasons = {each.name: each.reason for each in found.report.left_out}
    assert 'truncated' in reasons['bag_4']
    assert "'walk' starts before 'sit' of line 2 has ended" in reasons['bag_1']
    with pytest.raises(BagError, match='starts before'):
        look(folder, options=STRICT)


def test_a_recording_that_breaks_in_the_middle_is_left_out_of_training(folder):
    storage = folder / 'bag_1' / 'bag_1.mcap'
    content = bytearray(storage.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 4000] = bytes(4000)
    storage.write_bytes(content)
    heard = Heard()
    material = prepare_data(asked(folder, source=''), heard)
    assert [facts.name for facts in material.learning] == ['bag_3']
    assert [each.name for each in material.report.left_out] == ['bag_1']
    assert any('bag_1 is left out' in note for note in heard.notes)
    with pytest.raises(BagError, match='bag_1'):
        prepare_data(asked(folder, source='', strict=True), Heard())


def test_a_recording_whose_topic_is_of_a_wrong_type_is_left_out_and_named(folder):
    with BagWriter(folder / 'bag_4', sensors=[IMU, CAMERA], subject='4') as writer:
        writer.write_message(IMU.topic, string_message('no IMU'), EPOCH)
        write_segments(writer, clips(LABELS))
    heard = Heard()
    material = prepare_data(asked(folder, source=''), heard)
    assert [facts.name for facts in material.learning] == ['bag_1', 'bag_3']
    assert any(
        'bag_4 is left out: ' in note and 'std_msgs/msg/String' in note for note in heard.notes
    )
    for refused in ([folder / 'bag_4'], [folder]):
        options = STRICT if refused == [folder] else DataOptions()
        with pytest.raises(BagError, match=r"bag_4' is declared as imu.*std_msgs/msg/String"):
            prepare_data(asked(*refused, source='', test='4', strict=options.strict), Heard())


def test_one_person_may_not_teach_and_test(folder):
    shutil.copytree(folder / 'bag_1', folder / 'copy')
    found = look(folder)
    assert [each.name for each in found.report.left_out] == ['copy']
    write_paired_bag(folder / 'bag_5', 'subject_02', labels=LABELS)
    write_paired_bag(folder / 'bag_6', 'Subject 2', labels=LABELS)
    with pytest.raises(TrainingError, match=r"'Subject 2'.*'subject_02'.*look like one person"):
        prepare_data(asked(folder, test='subject_02'), Heard())


def test_the_same_recording_under_two_names_is_refused(folder):
    whole = folder / 'bag_1' / 'bag_1.mcap'
    for number in ('1', '2'):
        (folder / f'subject_{number}').mkdir()
        shutil.copyfile(whole, folder / f'subject_{number}' / 'bag.mcap')
        metadata = (folder / 'bag_1' / 'metadata.yaml').read_text().replace('bag_1', 'bag')
        text = metadata.replace('subject: "1"', '').replace("subject: '1'", '')
        (folder / f'subject_{number}' / 'metadata.yaml').write_text(text)
    facts = [folder / 'subject_1', folder / 'subject_2']
    with pytest.raises(TrainingError, match='hold the same recording'):
        look(*facts)


@pytest.mark.parametrize('subject', ['2', '1'])
def test_one_recording_that_was_written_twice_is_found_by_its_messages(tmp_path, subject):
    for name, who in (('first', '1'), ('second', subject)):
        write_imu_bag(tmp_path / name, clips(LABELS), subject=who, seed=7)
    write_imu_bag(tmp_path / 'third', clips(LABELS), subject='3', seed=8)
    if subject == '2':
        with pytest.raises(
            TrainingError, match="hold the same recording, of subjects '1' and '2'"
        ):
            look(tmp_path)
        return
    found = look(tmp_path)
    assert [each.name for each in found.report.left_out] == ['second']
    assert found.report.left_out[0].reason == f'it holds the same as {tmp_path / "first"}'


def test_two_topics_that_claim_one_sensor_are_refused(tmp_path):
    second = replace(CAMERA, name='imu', modality='imu', topic='/imu_2')
    with BagWriter(tmp_path / 'bag', sensors=[IMU, second], subject='1') as writer:
        for topic in (IMU.topic, '/imu_2'):
            writer.write(topic, 'sensor_msgs/msg/Imu', EPOCH, b'\0\1\0\0')
    with pytest.raises(BagError, match="2 topics that claim to be sensor 'imu': /imu and /imu_2"):
        look(tmp_path / 'bag')


def rewritten(source: Path, path: Path, plugin: StoragePlugin, packed: CompressionMode) -> Path:
    """The same messages in another storage."""
    writer = Writer(path, version=9, storage_plugin=plugin)
    if packed is not CompressionMode.NONE:
        writer.set_compression(packed, CompressionFormat.ZSTD)
    with BagReader(source) as reader, writer:
        writer.set_custom_data('subject', reader.subject)
        topics = {
            topic.name: writer.add_connection(topic.name, topic.msgtype, typestore=TYPESTORE)
            for topic in reader.topics.values()
        }
        for message in reader.messages():
            writer.write(topics[message.topic], message.received_ns, message.data)
    return path


@pytest.mark.parametrize(
    ('plugin', 'packed'),
    [
        (StoragePlugin.SQLITE3, CompressionMode.NONE),
        (StoragePlugin.SQLITE3, CompressionMode.FILE),
        (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
        (StoragePlugin.MCAP, CompressionMode.NONE),
    ],
)
def test_windows_are_the_same_in_every_storage(bags, tmp_path, plugin, packed):
    path = rewritten(bags / 'bag_1', tmp_path / 'bag', plugin, packed)
    names = {'imu': 'imu', 'camera': '/camera/image_raw'}
    before = prepare_data(asked(bags / 'bag_1', bags / 'bag_2'), Heard())
    after = prepare_data(asked(path, bags / 'bag_2', source=names['camera']), Heard())
    for name, other in names.items():
        first, second = before.sets[name].training.values, after.sets[other].training.values
        assert first[:].tobytes() == second[:].tobytes()


def test_real_recordings_of_ros1_and_ros2_hold_the_same_windows(shared_data):
    found = [
        look(shared_data / 'bags' / name, sensors=())
        for name in ('imu_tools_sparkfun_razor.bag', 'imu_tools_sparkfun_razor_mcap')
    ]
    first, second = (each.report.recordings[0].sensors for each in found)
    assert first == second
    assert first[0].messages > 100


def test_clocks_an_hour_apart_are_told_and_can_be_corrected(tmp_path):
    path = write_paired_bag(tmp_path / 'bag', '1', labels=LABELS, camera_delay_ns=-3600 * SECOND)
    found = look(path)
    (recording,) = found.report.recordings
    complaints = [clock.complaint for clock in recording.clocks if clock.complaint]
    assert "camera: its stamps are 3600.000 s behind those of 'imu'" in complaints[0]
    assert any(
        'camera: 3 of 3 labelled segments lie where it has no' in r for r in remarks(recording)
    )
    (file,), _ = correct_clocks(found)
    assert file == path / 'clocks.yaml'
    corrected = look(path).report.recordings[0]
    assert not any(clock.complaint for clock in corrected.clocks)
    assert corrected.sensors[1].unseen == 0
    before = file.read_bytes()
    assert correct_clocks(found) == ((), {path: file})
    assert file.read_bytes() == before


def test_other_corrections_lead_to_other_windows(bags, folder, tmp_path):
    options = DataOptions(tmp_path / 'cache', 1)
    (before,) = look(folder / 'bag_1', options=options, sensors=('imu',)).report.recordings
    write_clocks(folder / 'bag_1', {'imu': ClockCorrection(offset_s=8.0)})
    (after,) = look(folder / 'bag_1', options=options, sensors=('imu',)).report.recordings
    assert clock_file(folder / 'bag_1').exists()
    assert before.sensors[0].left_out != after.sensors[0].left_out


def test_what_most_recordings_hold_decides_how_a_sensor_is_learnt(tmp_path):
    for subject in '1234':
        gyro = subject != '1'
        write_paired_bag(tmp_path / subject, subject, camera=False, has_gyro=gyro)
    scanned = scan([tmp_path], lambda _subject: ('imu',), DataOptions(), NullReporter())

    def channels(*subjects: str) -> str:
        some = [facts for facts in scanned.usable if facts.subject in subjects]
        recipe = sensor_recipe(some, 'imu', RecipeChoices())
        assert recipe is not None
        assert isinstance(recipe.stream, ImuStream)
        return recipe.stream.channels

    assert channels('1', '2', '3') == 'acc_gyro'
    # Of as many the first, by name.
    assert channels('1', '2') == channels('1') == 'acc'
    shutil.rmtree(tmp_path / '2')
    assert channels('1', '2', '3', '4') == 'acc_gyro'


def test_what_is_too_short_is_counted(tmp_path):
    path = write_paired_bag(tmp_path / 'bag', '1', labels=LABELS, camera=False)
    (path / 'labels.csv').write_text('start,end,label\n0,1,sit\n2,5,walk\n6,9,wave\n')
    (recording,) = look(path, sensors=()).report.recordings
    assert (recording.segments, recording.too_short) == (3, 1)
    (remark,) = remarks(recording)
    assert remark.startswith('1 of 3 labelled segments are shorter than half a window')
    assert 'a shorter --window would' in remark


def test_a_segment_in_a_gap_is_not_called_unseen(tmp_path):
    path = tmp_path / 'bag'
    with BagWriter(path, sensors=[IMU], subject='1') as writer:
        for k in range(1500):
            stamp = EPOCH + k * SECOND // 50 + (k >= 500) * 10 * SECOND
            writer.write(IMU.topic, IMU_TYPE, stamp, imu_bytes(stamp))
    (path / 'labels.csv').write_text('start,end,label\n0,10,walk\n12,18,sit\n20,40,walk\n')
    (recording,) = look(path, sensors=()).report.recordings
    assert recording.sensors[0].unseen == 0
    assert [each for each in remarks(recording) if '1 gaps, ' in each]
    assert not [each for each in remarks(recording) if 'where it has no data' in each]


def test_labels_of_a_sensor_without_a_window_are_told(tmp_path):
    path = write_imu_bag(tmp_path / 'bag', clips(['walk'], seconds=1), labelled=False)
    (path / 'labels.csv').write_text('start,end,label\n0,2.4,walk\n')
    (recording,) = look(path, sensors=()).report.recordings
    (sensor,) = recording.sensors
    assert (sensor.windows, sensor.unseen) == (0, 0)
    assert 'imu: none of its 1 labelled segments is used' in ' '.join(remarks(recording))


def test_training_tells_of_the_same_recordings_the_same(folder):
    (folder / 'bag_0').mkdir()
    (folder / 'bag_0' / 'bag_0.mcap').write_bytes(b'\x89MCAP0\r\n' + bytes(50))
    shutil.copytree(folder / 'bag_1', folder / 'bag_4')
    # One whose clock is an hour behind, and one without labels.
    hour = -3600 * SECOND
    write_paired_bag(folder / 'bag_5', '5', labels=LABELS, camera_delay_ns=hour)
    write_paired_bag(folder / 'bag_6', '6', labels=LABELS, labelled=False)
    looked = look(folder).report.recordings
    trained = prepare_data(asked(folder), Heard()).report.recordings
    assert [each.name for each in trained] == [f'bag_{n}' for n in (0, 1, 2, 3, 4, 5, 6)]
    for ours, theirs in zip(looked, trained, strict=True):
        if ours.name in ('bag_2', 'bag_6'):
            # Training cuts neither those that test nor those that it cannot use.
            assert (theirs.sensors, theirs.clocks) == ((), ())
            theirs = replace(theirs, sensors=ours.sensors, clocks=ours.clocks)
        if ours.name == 'bag_2':
            assert (ours.use, theirs.use) == ('learning', 'test')
            theirs = replace(theirs, use='learning')
        assert theirs == ours
    clocks = trained[5].clocks
    assert any('3600.000 s behind' in clock.complaint for clock in clocks)


def respell(bag: Path, *labels: str) -> None:
    """Give a bag's clips other labels, as a table beside it has them."""
    with BagReader(bag) as reader:
        segments, start_ns = read_segments(reader), reader.start_ns
    rows = [
        f'{(s.start_ns - start_ns) / SECOND},{(s.end_ns - start_ns) / SECOND},{label}'
        for s, label in zip(segments, labels, strict=True)
    ]
    (bag / 'labels.csv').write_text('\n'.join(['start,end,label', *rows]), encoding='utf-8')


def test_spellings_of_one_activity_are_told_and_merged_where_that_is_asked_for(folder):
    respell(folder / 'bag_1', 'SIT', 'walk', 'wave', 'sit', 'walk', 'wave')
    respell(folder / 'bag_2', 'sit', 'Walk', 'wave', 'sit', 'walk', 'wave')
    heard = Heard()
    assert prepare_data(asked(folder), heard).labels == ('SIT', 'sit', 'walk', 'wave')
    (note,) = [each for each in heard.notes if 'one activity' in each]
    assert "'SIT', 'sit'; 'walk', 'Walk': correct them" in note
    assert '--merge-labels' in note
    heard = Heard()
    module = prepare_data(asked(folder, merge_labels=True), heard)
    assert module.labels == LABELS
    assert {s.label for facts in module.test for s in facts.segments} == set(LABELS)
    assert "label 'SIT' is taken for 'sit'" in heard.notes
    found = look(folder, options=DataOptions(merge_labels=True))
    assert len(found.report.recordings) == 3


def test_a_camera_that_nobody_can_read_is_left_out_with_the_reason_and_the_rest_is_looked_at(
    tmp_path,
):
    write_video(tmp_path / 'bags' / 'bag_1', 'h264')
    write_video(tmp_path / 'bags' / 'bag_2', 'h264')
    report = look(tmp_path / 'bags').report
    for recording in report.recordings:
        imu, camera = recording.sensors
        assert imu.windows > 0
        assert "'camera' cannot be used" in camera.problem
        assert 'video stream' in camera.problem
        assert any('video stream' in words for words in remarks(recording))
    with pytest.raises(StreamError, match='h264'):
        look(tmp_path / 'bags', sensors=['camera'])
    # Another recording shows how it is to be read.
    write_video(tmp_path / 'bags' / 'bag_3', 'jpeg')
    report = look(tmp_path / 'bags').report
    used = {each.name: {s.sensor: s.windows for s in each.sensors} for each in report.recordings}
    assert used['bag_3']['camera'] > 0
    assert used['bag_1']['camera'] == 0


def write_video(path: Path, encoding: str) -> None:
    with BagWriter(path, subject=path.name, sensors=[IMU, CAMERA]) as writer:
        write_segments(writer, clips(['sit']))
        for number in range(60):
            stamp = EPOCH + number * SECOND // 10
            noise = np.random.default_rng([number, int(path.name[-1])])
            writer.write(IMU.topic, 'sensor_msgs/msg/Imu', stamp, imu_bytes(stamp))
            picture = noise.integers(0, 255, (48, 64), np.uint8)
            jpeg = cv2.imencode('.jpg', picture)[1].tobytes()
            packet = jpeg if encoding == 'jpeg' else b'\0\0\0\1\x67' + jpeg
            data = compressed_bytes(stamp, packet, encoding)
            writer.write(CAMERA.topic, COMPRESSED_TYPE, stamp, data)


def two_wrists(path: Path, stamped_late_s: float, told_late_s: float) -> Path:
    """A minute of bursts that two IMUs sense, the stamps or the messages of one of them late."""
    rng = np.random.default_rng(7)
    steps = np.arange(60 * 50)
    strength = np.interp(steps / 50, np.arange(0, 61, 0.3), rng.gamma(0.5, 2, 204))
    right = replace(IMU, name='right', topic='/right')
    with BagWriter(path, sensors=[IMU, right], subject='1') as writer:
        write_segments(writer, clips(['sit', 'walk'], seconds=25))
        for step, strong in zip(steps.tolist(), strength.tolist(), strict=True):
            now = EPOCH + step * SECOND // 50
            for sensor, stamped_s, told_s in ((IMU, 0, 0), (right, stamped_late_s, told_late_s)):
                acc = (strong * rng.normal(size=3) + 0.05 * rng.normal(size=3)).tolist()
                data = imu_bytes(now + int(stamped_s * SECOND), acc)
                writer.write(sensor.topic, 'sensor_msgs/msg/Imu', now + int(told_s * SECOND), data)
    return path


@pytest.mark.parametrize(
    ('stamped_late_s', 'told_late_s', 'by_receipt_s', 'by_motion_s'),
    [(0.5, 0.0, -0.5, -0.5), (0.0, 0.5, 0.5, None)],
    ids=['clock', 'transport'],
)
def test_motion_tells_a_clock_that_is_wrong_from_messages_that_are_late(
    tmp_path: Path,
    stamped_late_s: float,
    told_late_s: float,
    by_receipt_s: float,
    by_motion_s: float | None,
) -> None:
    bag = two_wrists(tmp_path / 'bag', stamped_late_s, told_late_s)
    for by, expected in (('receipt', by_receipt_s), ('motion', by_motion_s)):
        found = look(bag, sensors=('imu', 'right'), by=by)
        (recording,) = found.report.recordings
        (left, right) = recording.clocks
        assert right.apart_s == pytest.approx(by_receipt_s, abs=0.01)
        if by == 'motion':
            assert (left.against, right.against) == ('', 'imu')
            assert right.lag_s == pytest.approx(by_motion_s or 0, abs=0.03)
        corrections = found.corrections.get(bag, {})
        if expected is None:
            assert not corrections
        else:
            assert corrections['right'].offset_s == pytest.approx(expected, abs=0.03)
