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

import json
from typing import Any

import numpy as np
import pytest

from xmodal_ros.bags.labels import LABEL_TOPIC, read_segments
from xmodal_ros.bags.message_types import TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.modalities.audio.decoder import AudioDecoder, AudioFormat, read_audio_info
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.simulator.activities import ACTIVITIES
from xmodal_ros.simulator.recording import _camera_records, camera_sensor, RecordingPlan
from xmodal_ros.simulator.script import draw_performance
from xmodal_ros.streams.cdr import read_stamp_ns

MINUTE_NS = 60_000_000_000


@pytest.mark.parametrize(
    ('sensor', 'modality', 'rate_hz'),
    [
        ('imu_wrist', 'imu', 100.0),
        ('imu_thigh', 'imu', 100.0),
        ('camera', 'camera', 15.0),
        ('microphone', 'audio', 31.25),
    ],
)
def test_sensors_are_declared_and_come_at_their_rates(simulated, sensor, modality, rate_hz):
    with BagReader(simulated / 'subject_01') as reader:
        declared = reader.sensor(sensor)
        assert declared.modality == modality
        stamps = np.array([read_stamp_ns(m.data) for m in reader.messages([declared.topic])])
        received = [m.received_ns for m in reader.messages([declared.topic])]
    assert len(stamps) == 60 * rate_hz
    assert (np.diff(stamps) > 0).all()
    assert np.diff(stamps).mean() == pytest.approx(1e9 / rate_hz, rel=1e-3)
    assert (np.array(received) > stamps).all()


def test_messages_decode_to_what_a_stream_expects(simulated):
    with BagReader(simulated / 'subject_01') as reader:
        topics = {sensor.name: sensor for sensor in reader.sensors}
        first = {
            name: next(iter(reader.messages([sensor.topic]))) for name, sensor in topics.items()
        }
        info = next(iter(reader.messages(['/audio_info'])))
        assert reader.topics['/audio_info'].latched
    imu = ImuDecoder()(first['imu_wrist'].data)
    assert imu.frame_id == topics['imu_wrist'].frame
    assert np.linalg.norm(imu.values[:3]) == pytest.approx(9.8, abs=3.0)
    image = CameraDecoder(first['camera'].msgtype, 'rgb', 120, 160)(first['camera'].data)
    assert 10 < image.values.mean() < 245
    audio_format = read_audio_info(info.data)
    assert audio_format == AudioFormat(16_000, 1, 'S16LE')
    decoder = AudioDecoder(first['microphone'].msgtype, audio_format)
    sound = decoder(first['microphone'].data)
    assert sound.values.shape == (512,)
    assert 0.0 < np.abs(sound.values).max() < 1.0


def test_labels_are_the_segments_of_the_script_and_every_activity_is_there(simulated):
    plan = RecordingPlan(0, 0, 1.0)
    with BagReader(simulated / 'subject_01') as reader:
        segments = read_segments(reader)
        assert reader.topics[LABEL_TOPIC].count == 2 * len(segments)
        assert reader.start_ns == plan.start_ns
        assert segments[-1].end_ns < plan.start_ns + MINUTE_NS
    assert segments == draw_performance(0, 0, 1.0).segments(plan.start_ns)
    assert {segment.label for segment in segments} == set(ACTIVITIES)


def test_bag_says_who_was_recorded_and_how_it_was_made(simulated):
    with BagReader(simulated / 'subject_02') as reader:
        assert reader.subject == 'subject_02'
        made = json.loads(reader.metadata['simulation'])
        person = json.loads(reader.metadata['person'])
    assert (made['seed'], made['index'], made['minutes']) == (0, 1, 1.0)
    assert person['handedness'] == person['imus_worn_on']


def test_recordings_of_different_people_do_not_overlap_in_time(simulated):
    with BagReader(simulated / 'subject_01') as one, BagReader(simulated / 'subject_02') as two:
        assert one.end_ns < two.start_ns


def test_raw_images_are_what_jpeg_shows_approximately(simulated):
    raw = _camera_records(draw_performance(0, 0, 1.0), RecordingPlan(0, 0, 1.0, 'raw'))
    _, topic, msgtype, data = next(raw)
    assert topic == camera_sensor('raw').topic == '/camera/image_raw'
    assert msgtype == 'sensor_msgs/msg/Image'
    with BagReader(simulated / 'subject_01') as reader:
        jpeg = next(iter(reader.messages(['/camera/image_raw/compressed'])))
    # Any: rosbags makes the classes of its messages at run time.
    image: Any = TYPESTORE.deserialize_cdr(data, msgtype)
    pixels = image.data.reshape(image.height, image.width, 3)
    shown = CameraDecoder(jpeg.msgtype, 'rgb', 120, 160)(jpeg.data).values
    assert (image.encoding, image.step) == ('rgb8', 480)
    assert np.abs(pixels.astype(float) - shown).mean() < 4.0
