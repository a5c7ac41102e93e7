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

"""Recordings become labelled windows by the code that runs on a robot."""

from collections.abc import Callable

import numpy as np
import pytest

from test.bags.recordings import string_message
from test.messages import EPOCH, image_bytes, imu_bytes, SECOND
from test.paired_bags import CAMERA, IMU, LABELS, write_paired_bag
from test.recordings import IMU_TYPE
from test.sound_bags import info_bytes, write_sound_bag
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.data.recording import cut_into_memory, load_recording, read_facts, sample_messages
from xmodal_ros.errors import BagError, TrainingError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.camera.stream import CameraStream
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.windows.windowing import WindowingSpec

IMU_WINDOWS = (ImuStream(), WindowingSpec(rate_hz=50))
CAMERA_WINDOWS = (
    CameraStream(pixels='gray', height=12, width=16),
    WindowingSpec(rate_hz=8, margin_ns=SECOND // 8),
)

AUDIO_WINDOWS = (AudioStream(), WindowingSpec(rate_hz=16_000))


def wanting(*names: str) -> Callable[[str], tuple[str, ...]]:
    return lambda _subject: names


both = wanting('imu', 'camera')
imu_only = wanting('imu')


def test_each_robot_in_a_bag_has_labels_of_its_own(tmp_path):
    bag = tmp_path / 'bag'
    with BagWriter(bag) as writer:
        for number in '12':
            label = string_message(f'wave{number}')
            writer.write_message(f'/robot{number}/activity_label', label, EPOCH)
            for stamp in (EPOCH, EPOCH + SECOND):
                writer.write(f'/robot{number}/imu', IMU_TYPE, stamp, imu_bytes(stamp))
    for number in '12':
        facts = read_facts(bag, wanting(f'robot{number}_imu'))
        assert [segment.label for segment in facts.segments] == [f'wave{number}']
        assert facts.notes == ()
    with pytest.raises(BagError, match='labels of several robots'):
        read_facts(bag, wanting('robot1_imu', 'robot2_imu'))
    # That it is not there is what counts, and not whose labels those are.
    lacking = read_facts(bag, wanting('camera'), need_all=False)
    assert lacking.segments == ()
    assert "'camera'" in lacking.missing['camera']


def test_facts_say_who_did_what_and_with_which_sensors(recordings):
    facts = read_facts(recordings / 'bag_2', both)
    assert (facts.name, facts.subject) == ('bag_2', '2')
    assert [segment.label for segment in facts.segments] == [*4 * LABELS]
    assert facts.sensors == {'imu': IMU, 'camera': CAMERA}
    assert facts.msgtypes['camera'] == 'sensor_msgs/msg/Image'


def test_the_sensors_wanted_may_depend_on_the_subject(recordings):
    facts = read_facts(recordings / 'bag_2', lambda subject: ['imu'] if subject == '2' else [])
    assert list(facts.sensors) == ['imu']


def test_a_sensor_that_is_not_there_is_named_with_those_that_are(recordings):
    with pytest.raises(BagError, match=r"no sensor.*'imu_wrist'.*closest is 'imu'.*camera"):
        read_facts(recordings / 'bag_1', wanting('imu_wrist'))


def test_the_first_message_is_that_of_the_sensor(recordings):
    facts = read_facts(recordings / 'bag_1', both)
    with BagReader(recordings / 'bag_1') as reader:
        expected = next(iter(reader.messages([CAMERA.topic]))).data
    assert sample_messages(facts, 'camera')[0] == expected


def test_windows_are_those_that_the_robot_would_cut(recordings):
    facts = read_facts(recordings / 'bag_1', imu_only)
    recording = load_recording(facts, {'imu': IMU_WINDOWS})
    with BagReader(facts.path) as reader:
        intake = SensorIntake(*IMU_WINDOWS, 'sensor_msgs/msg/Imu')
        live = {w.end_ns: w for w in intake.windows(m.data for m in reader.messages(['/imu']))}
    windows = recording.windows['imu']
    assert len(windows.ends_ns) > 50
    for end_ns, values in zip(windows.ends_ns.tolist(), windows.values, strict=True):
        assert np.array_equal(values, live[end_ns].values)
    left_out = set(live) - set(windows.ends_ns.tolist())
    assert windows.left_out['unlabelled'] == len(left_out)


def test_each_window_belongs_to_the_segment_that_fills_most_of_it(recordings):
    facts = read_facts(recordings / 'bag_1', imu_only)
    windows = load_recording(facts, {'imu': IMU_WINDOWS}).windows['imu']
    for end_ns, index in zip(windows.ends_ns, windows.segment_of, strict=True):
        segment = facts.segments[index]
        shared = min(segment.end_ns, end_ns) - max(segment.start_ns, end_ns - 2 * SECOND)
        assert shared >= SECOND


def test_windows_of_no_segment_are_kept_for_those_who_ask_unless_they_are_weak(recordings):
    facts = read_facts(recordings / 'bag_1', imu_only)
    usual = cut_into_memory(facts, {'imu': IMU_WINDOWS}).windows['imu']
    found = cut_into_memory(facts, {'imu': IMU_WINDOWS}, unlabelled=True).windows['imu']
    labelled = found.segment_of >= 0
    assert np.array_equal(found.ends_ns[labelled], usual.ends_ns)
    assert np.array_equal(found.segment_of[labelled], usual.segment_of)
    assert np.array_equal(found.values[labelled], usual.values[:])
    weak = found.left_out.get('weak', 0) - usual.left_out.get('weak', 0)
    assert (~labelled).sum() + weak == usual.left_out['unlabelled']
    assert 'unlabelled' not in found.left_out


def test_both_sensors_are_cut_in_one_pass(recordings):
    facts = read_facts(recordings / 'bag_1', both)
    recording = load_recording(facts, {'imu': IMU_WINDOWS, 'camera': CAMERA_WINDOWS})
    assert recording.windows['imu'].values.shape[1:] == (100, 6)
    camera = recording.windows['camera'].values
    assert camera.shape[1:] == (16, 12, 16, 1)
    assert camera.dtype == np.uint8


def test_bad_messages_are_counted_and_the_rest_is_used(tmp_path):
    nan = imu_bytes(EPOCH + SECOND, (float('nan'), 0, 0))
    path = write_paired_bag(tmp_path / 'bag', '1', camera=False, bad_imu=[nan, nan, b'junk'])
    windows = load_recording(read_facts(path, imu_only), {'imu': IMU_WINDOWS}).windows['imu']
    assert windows.left_out['not_finite'] == 2
    assert windows.left_out['encapsulation'] == 1
    assert len(windows.ends_ns) > 50


def test_windows_with_too_little_evidence_are_left_out(tmp_path):
    segment = Segment(EPOCH, EPOCH + 10 * SECOND, 'walk')
    with BagWriter(tmp_path / 'bag', sensors=[IMU], subject='1') as writer:
        write_segments(writer, [segment])
        for stamp in range(EPOCH, segment.end_ns, SECOND // 50):
            if not 4 * SECOND <= stamp - EPOCH < 6 * SECOND:
                writer.write(IMU.topic, 'sensor_msgs/msg/Imu', stamp, imu_bytes(stamp))
    facts = read_facts(tmp_path / 'bag', imu_only)
    windows = load_recording(facts, {'imu': IMU_WINDOWS}).windows['imu']
    # Covered below 80 % are those that reach more than 0.4 s into the gap.
    assert windows.left_out['weak'] == 7
    found = cut_into_memory(facts, {'imu': IMU_WINDOWS}, unlabelled=True).windows['imu']
    assert {*windows.ends_ns.tolist()} <= {*found.ends_ns.tolist()}
    for end_ns in (found.ends_ns - EPOCH).tolist():
        assert min(end_ns, 6 * SECOND) - max(end_ns - 2 * SECOND, 4 * SECOND) <= 0.4 * SECOND


def test_an_imu_without_gyro_is_refused_with_the_remedy(tmp_path):
    path = write_paired_bag(tmp_path / 'bag', '1', camera=False, has_gyro=False)
    facts = read_facts(path, imu_only)
    with pytest.raises(TrainingError, match=r"none of .* 'imu' \(/imu\).*--channels acc"):
        load_recording(facts, {'imu': IMU_WINDOWS})
    three = (ImuStream(channels='acc'), IMU_WINDOWS[1])
    assert load_recording(facts, {'imu': three}).windows['imu'].values.shape[1:] == (100, 3)


def test_depth_is_stored_in_half_the_memory_and_stays_within_millimetres(tmp_path):
    segment = Segment(EPOCH, EPOCH + 4 * SECOND, 'walk')
    depth = np.random.default_rng(0).integers(500, 4000, (12, 16)).astype(np.uint16)
    with BagWriter(tmp_path / 'bag', sensors=[CAMERA], subject='1') as writer:
        write_segments(writer, [segment])
        for stamp in range(EPOCH, segment.end_ns, SECOND // 8):
            data = image_bytes(stamp, depth, '16UC1')
            writer.write(CAMERA.topic, 'sensor_msgs/msg/Image', stamp, data)
    facts = read_facts(tmp_path / 'bag', wanting('camera'))
    stream = CameraStream(pixels='depth', height=12, width=16)
    windows = load_recording(facts, {'camera': (stream, CAMERA_WINDOWS[1])}).windows['camera']
    assert windows.values.dtype == np.float16
    np.testing.assert_allclose(windows.values[0, 0, :, :, 0], depth / 1000, atol=2e-3)


@pytest.mark.parametrize('stamped', [True, False])
def test_sound_is_what_the_robot_would_hear_in_half_the_memory(tmp_path, stamped):
    infos = (('/robot/format', 5 * SECOND, info_bytes()),)
    path = write_sound_bag(tmp_path / 'bag', labels=LABELS, stamped=stamped, infos=infos)
    facts = read_facts(path, wanting('microphone'))
    assert facts.audio_formats == {'microphone': AudioFormat(16_000, 1, 'S16LE')}
    windows = load_recording(facts, {'microphone': AUDIO_WINDOWS}).windows['microphone']
    with BagReader(path) as reader:
        msgtype = reader.topics['/audio'].msgtype
        intake = SensorIntake(
            *AUDIO_WINDOWS, msgtype, audio_format=facts.audio_formats['microphone']
        )
        live = {
            window.end_ns: window.values
            for message in reader.messages(['/audio'])
            for window in intake.push(message.data, message.received_ns)
        }
    assert windows.values.dtype == np.float16
    assert windows.values.shape[1:] == (32_000,)
    assert len(windows.ends_ns) > 10
    for end_ns, values in zip(windows.ends_ns.tolist(), windows.values, strict=True):
        assert np.array_equal(values, live[end_ns].astype(np.float16))


def test_sound_whose_format_nobody_says_is_refused_before_anything_is_cut(tmp_path):
    path = write_sound_bag(tmp_path / 'bag', labels=LABELS, infos=())
    with pytest.raises(BagError, match='as /audio_info'):
        read_facts(path, wanting('microphone'))


def test_a_recording_without_a_labelled_window_gives_an_empty_set(tmp_path):
    segment = Segment(EPOCH, EPOCH + SECOND // 2, 'walk')
    path = tmp_path / 'bag'
    with BagWriter(path, sensors=[IMU], subject='1') as writer:
        write_segments(writer, [segment])
        for stamp in range(EPOCH, EPOCH + 6 * SECOND, SECOND // 50):
            writer.write(IMU.topic, 'sensor_msgs/msg/Imu', stamp, imu_bytes(stamp))
    windows = load_recording(read_facts(path, imu_only), {'imu': IMU_WINDOWS}).windows['imu']
    assert windows.values.shape == (0, 100, 6)
