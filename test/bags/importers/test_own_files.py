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

from dataclasses import replace
from pathlib import Path
import shutil
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import wavfile

from test.videos import number_of, write_video
from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.importers.own_files import (
    CAMERA,
    import_own_files,
    IMU,
    MICROPHONE,
    OwnFiles,
    OwnImu,
)
from xmodal_ros.bags.inspection import inspect_bag
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError, ConfigurationError, UsageError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.camera.file import VideoFile
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.modalities.imu.table import ImuColumns
from xmodal_ros.modalities.table import SINCE_1970_NS
from xmodal_ros.streams.cdr import read_stamp_ns

START_NS = 1_738_324_800_000_000_000
SECOND = 1_000_000_000
FRAMES = 20
COLUMNS = ImuColumns('t', ('x', 'y', 'z'), ())


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('own')
    rows = [f'{5 + n / 100:.2f},0,0,9.8' for n in range(200)]
    (folder / 'imu.csv').write_text('\n'.join(['t,x,y,z', *rows]))
    write_video(folder / 'film.avi', FRAMES, 10)
    wavfile.write(folder / 'sound.wav', 8000, np.zeros((8000, 2), np.int16))
    (folder / 'labels.csv').write_text('start,end,label\n0,1,wave\n1.5,2.5,clap\n')
    return folder


def files(folder: Path) -> OwnFiles:
    return OwnFiles(
        imus=(OwnImu(folder / 'imu.csv', COLUMNS, 0.25),),
        video=folder / 'film.avi',
        audio=folder / 'sound.wav',
        labels=folder / 'labels.csv',
        start_ns=START_NS,
        video_offset_s=0.5,
        audio_offset_s=-0.125,
    )


def stamps(bag: Path, topic: str) -> list[int]:
    with BagReader(bag) as reader:
        return [read_stamp_ns(message.data) - START_NS for message in reader.messages([topic])]


@pytest.mark.parametrize(('offset_s', 'what'), [(0.5, 'subtract'), (-0.5, 'add')])
def test_labels_of_a_file_in_the_bag_count_from_elsewhere_as_is_told(
    folder: Path, tmp_path: Path, offset_s: float, what: str
) -> None:
    labels = tmp_path / 'labels.csv'
    labels.write_text('start,end,label\n0.75,1.25,wave\n')
    mine = replace(files(folder), imus=(), audio=None, labels=labels, video_offset_s=offset_s)
    made = import_own_files(mine, tmp_path / 'bag', 'ada')
    (note,) = made.notes
    assert note.endswith(f'{what} 0.500 there')
    rows = f'start,end,label\n{0.75 - offset_s},{1.25 - offset_s},wave\n'
    (made.path / 'labels.csv').write_text(rows)
    with BagReader(made.path) as reader:
        assert read_segments(reader) == made.segments


def test_labels_that_count_from_the_first_message_are_not_remarked_upon(
    folder: Path, tmp_path: Path
) -> None:
    imus = (OwnImu(folder / 'imu.csv', COLUMNS),)
    mine = replace(files(folder), video=None, audio=None, imus=imus)
    assert import_own_files(mine, tmp_path / 'bag', 'ada').notes == ()


def test_all_files_become_one_recording_with_offsets(folder: Path, tmp_path: Path) -> None:
    made = import_own_files(files(folder), tmp_path / 'bag', 'ada')
    assert made.messages == {'imu': 200, 'camera': FRAMES, 'microphone': 10}
    assert made.duration_s == pytest.approx(2.5 + 0.125)
    imu, camera, audio = (stamps(made.path, s.topic) for s in (IMU, CAMERA, MICROPHONE))
    # The table's times count from some start: its first sample is at the offset.
    assert (imu[0], imu[-1]) == (SECOND // 4, SECOND // 4 + 1_990_000_000)
    assert camera == [SECOND // 2 + n * SECOND // 10 for n in range(FRAMES)]
    assert (audio[0], audio[1] - audio[0]) == (-SECOND // 8, SECOND // 10)
    with BagReader(made.path) as reader:
        assert (reader.subject, reader.sensors) == ('ada', (IMU, CAMERA, MICROPHONE))
        assert read_audio_format(reader, MICROPHONE.topic) == AudioFormat(
            rate_hz=8000, channels=2, sample_format='S16LE'
        )
        labels = [(s.start_ns - START_NS, s.end_ns - START_NS, s.label) for s in made.segments]
        assert labels == [
            (0, SECOND, 'wave'),
            (3 * SECOND // 2, 5 * SECOND // 2, 'clap'),
        ]
        assert read_segments(reader) == made.segments
        received = [message.received_ns for message in reader.messages()]
        assert received == sorted(received)
        # Without a gyro a model that wants one is told so.
        assert len(ImuDecoder('acc')(next(iter(reader.messages([IMU.topic]))).data).values) == 3


def test_what_begins_before_its_start_is_not_called_a_clock_that_was_not_set(
    folder: Path, tmp_path: Path
) -> None:
    undated = replace(files(folder), start_ns=None)
    made = import_own_files(undated, tmp_path / 'bag', 'ada')
    with BagReader(made.path) as reader:
        inspection = inspect_bag(reader)
    assert inspection.start_ns < SINCE_1970_NS
    assert not [each for each in inspection.warnings if 'clock' in each]


def test_pictures_are_in_order_and_made_smaller_where_asked(folder: Path) -> None:
    for height, shape in ((None, (120, 160)), (60, (60, 80))):
        numbers = []
        for record in VideoFile(folder / 'film.avi', height).records(
            CAMERA.topic, CAMERA.frame, START_NS
        ):
            jpeg = record.data[record.data.index(b'\xff\xd8') :]
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert picture is not None
            assert picture.shape[:2] == shape
            numbers.append(number_of(picture))
        assert numbers == list(range(FRAMES))


def test_a_dated_table_says_when_the_recording_starts(folder: Path, tmp_path: Path) -> None:
    rows = [f'{1_738_324_800 + n / 100:.2f},0,0,9.8' for n in range(100)]
    (tmp_path / 'imu.csv').write_text('\n'.join(['t,x,y,z', *rows]))
    own = OwnFiles((OwnImu(tmp_path / 'imu.csv', COLUMNS),), audio=folder / 'sound.wav')
    bag = import_own_files(own, tmp_path / 'bag', 'ada').path
    assert (stamps(bag, IMU.topic)[0], stamps(bag, MICROPHONE.topic)[0]) == (0, 0)


def test_a_file_that_has_options_of_its_own_is_given_by_them(folder: Path, tmp_path: Path) -> None:
    others = {'audio': folder / 'sound.wav'}
    with pytest.raises(ConfigurationError, match='--file audio=…: give it by --audio'):
        import_own_files(OwnFiles(others=others), tmp_path / 'bag', 'ada')


def test_each_file_is_optional_but_not_all(folder: Path, tmp_path: Path) -> None:
    made = import_own_files(OwnFiles(audio=folder / 'sound.wav'), tmp_path / 'bag', 'ada')
    assert (made.messages, made.segments) == ({'microphone': 10}, ())
    with pytest.raises(ConfigurationError, match="'--imu', '--video', '--audio' or '--file MODA"):
        import_own_files(OwnFiles(labels=folder / 'labels.csv'), tmp_path / 'none', 'ada')


def labelled(folder: Path, labels: str, column: str = 'what', offset_s: float = 0.0) -> OwnFiles:
    """A table at 100 Hz with a letter a sample as its label, where a blank is none."""
    rows = [f'{n / 100:.2f},0,0,9.8,{label}' for n, label in enumerate(labels)]
    (folder / 'imu.csv').write_text('\n'.join(['t,x,y,z,what', *rows]))
    columns = replace(COLUMNS, label=column)
    return OwnFiles((OwnImu(folder / 'imu.csv', columns, offset_s),), start_ns=START_NS)


def test_a_column_of_labels_becomes_segments(tmp_path: Path) -> None:
    own = labelled(tmp_path, 'a' * 100 + ' ' * 50 + 'b' * 50, offset_s=0.25)
    made = import_own_files(own, tmp_path / 'bag', 'ada')
    with BagReader(made.path) as reader:
        assert read_segments(reader) == made.segments
    quarter = SECOND // 4
    labels = [(s.start_ns - START_NS, s.end_ns - START_NS, s.label) for s in made.segments]
    # As late as the samples themselves.
    assert labels == [(quarter, 5 * quarter, 'a'), (7 * quarter, 9 * quarter, 'b')]
    assert made.notes == ()


def test_a_column_that_hardly_holds_labels_is_told_of(tmp_path: Path) -> None:
    made = import_own_files(labelled(tmp_path, 'abc' * 50), tmp_path / 'bag', 'ada')
    (note,) = made.notes
    assert 'half of the 150 runs of one label last less than 0.01 s' in note


def test_labels_come_from_one_place_and_from_a_column_that_there_is(
    folder: Path, tmp_path: Path
) -> None:
    own = labelled(tmp_path, 'a' * 100)
    both = replace(own, labels=folder / 'labels.csv')
    with pytest.raises(ConfigurationError, match="in '--labels' or in '--label-column'"):
        import_own_files(both, tmp_path / 'bag', 'ada')
    numbers = labelled(tmp_path, 'a' * 250, 't')
    with pytest.raises(BagError, match=r"'t' holds 250 different labels, among them '0.00'"):
        import_own_files(numbers, tmp_path / 'bag', 'ada')
    missing = labelled(tmp_path, 'a' * 250, 'which')
    with pytest.raises(BagError, match=r"no column 'which', only t, x, y, z, what: .*--label-col"):
        import_own_files(missing, tmp_path / 'bag', 'ada')
    with pytest.raises(ConfigurationError, match='about the labels of --label-column'):
        import_own_files(replace(files(folder), no_activity=('0',)), tmp_path / 'bag', 'ada')


def test_labels_that_stand_for_no_activity_are_left_out(tmp_path: Path) -> None:
    own = labelled(tmp_path, 'a' * 100 + '0' * 50 + 'a' * 50)
    made = import_own_files(replace(own, no_activity=('0',)), tmp_path / 'bag', 'ada')
    assert [segment.label for segment in made.segments] == ['a', 'a']
    unsure = tmp_path / 'imu.csv'
    unsure.write_text(unsure.read_text().replace(',0\n', ',unknown\n'))
    with pytest.raises(BagError, match=r"what is 'unknown' somewhere.*--no-activity unknown'"):
        import_own_files(own, tmp_path / 'another', 'ada')
    own = replace(own, no_activity=('unknown',))
    assert len(import_own_files(own, tmp_path / 'another', 'ada').segments) == 2


def test_a_bag_that_is_there_is_replaced_only_when_forced(folder: Path, tmp_path: Path) -> None:
    own = OwnFiles(audio=folder / 'sound.wav')
    import_own_files(own, tmp_path / 'bag', 'ada')
    with pytest.raises(BagError, match='give --force'):
        import_own_files(own, tmp_path / 'bag', 'eve')
    import_own_files(own, tmp_path / 'bag', 'eve', force=True)
    with BagReader(tmp_path / 'bag') as reader:
        assert reader.subject == 'eve'


def test_a_bag_that_is_one_file_or_a_link_is_replaced_too(folder: Path, tmp_path: Path) -> None:
    own = OwnFiles(audio=folder / 'sound.wav')
    bag = import_own_files(own, tmp_path / 'bag', 'ada').path
    shutil.copy(bag / 'bag.mcap', tmp_path / 'one.mcap')
    (tmp_path / 'link').symlink_to(bag)
    for name in ('one.mcap', 'link'):
        import_own_files(own, tmp_path / name, 'eve', force=True)
        with BagReader(tmp_path / name) as reader:
            assert reader.subject == 'eve'
    with BagReader(bag) as reader:
        assert reader.subject == 'ada'
    assert sorted(item.name for item in tmp_path.iterdir()) == ['bag', 'link', 'one.mcap']


@pytest.mark.parametrize(
    ('times', 'words'),
    [
        ({'imus': (OwnImu(Path('imu.csv'), offset_s=float('nan')),)}, '--imu-offset nan'),
        ({'video_offset_s': float('-inf')}, '--video-offset -inf'),
        ({'audio_offset_s': 1e10}, '--audio-offset'),
        ({'start_ns': 1 << 63}, '--start must lie'),
    ],
)
def test_times_that_cannot_be_are_refused(
    folder: Path, tmp_path: Path, times: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        import_own_files(replace(files(folder), **times), tmp_path / 'bag', 'ada')


@pytest.mark.parametrize('kept', [0.0, 0.5])
def test_a_video_that_breaks_off_or_is_none_is_refused_and_leaves_nothing(
    folder: Path, tmp_path: Path, kept: float
) -> None:
    content = (folder / 'film.avi').read_bytes()
    (tmp_path / 'film.avi').write_bytes(content[: int(kept * len(content))])
    with pytest.raises(BagError, match=r'film\.avi.*(ffmpeg|is empty)'):
        import_own_files(OwnFiles(video=tmp_path / 'film.avi'), tmp_path / 'bag', 'ada')
    assert [item.name for item in tmp_path.iterdir()] == ['film.avi']


def test_labels_beyond_the_recording_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / 'labels.csv').write_text('start,end,label\n0,50,wave\n')
    own = OwnFiles(audio=folder / 'sound.wav', labels=tmp_path / 'labels.csv')
    with pytest.raises(BagError, match=r'labels\.csv:2: 50 lies outside the recording'):
        import_own_files(own, tmp_path / 'bag', 'ada')


def test_ctrl_c_leaves_what_was_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = OwnFiles(video=folder / 'film.avi')
    import_own_files(own, tmp_path / 'bag', 'ada')
    before = sorted((file.name, file.read_bytes()) for file in (tmp_path / 'bag').iterdir())

    records = VideoFile.records

    def interrupted(*arguments: object) -> object:
        yield next(iter(records(*arguments)))  # type: ignore[arg-type]
        # What was there is there all the while, for a process that is killed puts nothing back.
        assert (tmp_path / 'bag' / 'bag.mcap').is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr(VideoFile, 'records', interrupted)
    for name in ('bag', 'other'):
        with pytest.raises(KeyboardInterrupt):
            import_own_files(own, tmp_path / name, 'ada', force=True)
    assert [item.name for item in tmp_path.iterdir()] == ['bag']
    after = sorted((file.name, file.read_bytes()) for file in (tmp_path / 'bag').iterdir())
    assert after == before


def test_a_table_of_angular_rates_adds_to_one_of_accelerations(tmp_path: Path) -> None:
    for name in ('acc', 'gyro'):
        rows = '\n'.join(f'{n / 50},0,0,9.8' for n in range(100 if name == 'acc' else 90))
        (tmp_path / f'{name}.csv').write_text(f'time,x,y,z\n{rows}\n')
    axes = ('x', 'y', 'z')
    columns = ImuColumns('time', axes, axes, rate_file=tmp_path / 'gyro.csv')
    imu = OwnImu(tmp_path / 'acc.csv', columns)
    made = import_own_files(OwnFiles((imu,)), tmp_path / 'bag', 'ada')
    assert made.messages == {'imu': 90}
    assert 'gyro.csv has no angular rate' in ''.join(made.notes)
    without = replace(imu, columns=replace(columns, rate=()))
    with pytest.raises(UsageError, match='choose one'):
        import_own_files(OwnFiles((without,)), tmp_path / 'other', 'ada')


def test_tables_of_several_imus_become_sensors_of_one_recording(
    folder: Path, tmp_path: Path
) -> None:
    columns = replace(COLUMNS, label='what')
    labelled(tmp_path, 'a' * 100 + 'b' * 50)
    wrist = OwnImu(tmp_path / 'imu.csv', columns, name='wrist')
    ankle = OwnImu(folder / 'imu.csv', COLUMNS, 0.25, 'ankle')
    own = OwnFiles((wrist, ankle), start_ns=START_NS)
    made = import_own_files(own, tmp_path / 'bag', 'ada')
    assert made.messages == {'imu_wrist': 150, 'imu_ankle': 200}
    assert (stamps(made.path, '/imu_wrist')[0], stamps(made.path, '/imu_ankle')[0]) == (
        0,
        SECOND // 4,
    )
    assert [segment.label for segment in made.segments] == ['a', 'b']
    with BagReader(made.path) as reader:
        assert [each.frame for each in reader.sensors] == ['wrist_link', 'ankle_link']


def test_a_label_of_no_activity_that_is_nowhere_is_told_of(tmp_path: Path) -> None:
    own = replace(labelled(tmp_path, 'a' * 100 + '0' * 50), no_activity=('0', 'null'))
    made = import_own_files(own, tmp_path / 'bag', 'ada')
    assert made.notes == ("--no-activity 'null' changes nothing: no row is labelled so",)
