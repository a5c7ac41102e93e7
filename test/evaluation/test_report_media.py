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

"""What a report shows of the sensors is theirs, and fits into the room there is."""

import cv2
import numpy as np
import pytest

from test.evaluation.report_scenes import CAMERA, decide, imu_info, write_sensed_bag
from test.messages import EPOCH, image_bytes, imu_bytes, SECOND
from test.recordings import IMU, IMU_TYPE
from test.sound_bags import audio_bytes, MICROPHONE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.evaluation import report
from xmodal_ros.media.reading import read_media
from xmodal_ros.media.span import Span
from xmodal_ros.modalities.audio.decoder import STAMPED_TYPE
from xmodal_ros.modalities.camera.stream import IMAGE_TYPE

PLENTY = 10_000_000


def media_of(path, budget=PLENTY, start_s=0.0, end_s=None):
    with BagReader(path) as reader:
        end_ns = reader.end_ns if end_s is None else EPOCH + int(end_s * SECOND)
        return read_media(reader, Span(EPOCH + int(start_s * SECOND), end_ns), budget)


def decoded(data, flag):
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    assert picture is not None
    return picture


def sheet(film, number=0):
    return decoded(film.sheets[number], cv2.IMREAD_COLOR)


def tile(film, i):
    place = i % film.per_sheet
    top, left = place // film.columns * film.height, place % film.columns * film.width
    return sheet(film, i // film.per_sheet)[top : top + film.height, left : left + film.width]


@pytest.fixture(scope='module')
def noisy(tmp_path_factory):
    path = tmp_path_factory.mktemp('noisy') / 'bag'
    return write_sensed_bag(path, ('sit', 'walk'), noise=True, clip_s=4)


def test_every_sensor_is_shown_at_its_time(tmp_path):
    path = write_sensed_bag(tmp_path / 'bag')
    media = media_of(path, start_s=2, end_s=20)
    (film,) = media.films
    assert film.times_s.tolist() == pytest.approx(np.arange(0, 18.1, 0.25).tolist())
    # The camera grows brighter by ten a second, from the third second on here.
    assert tile(film, 40).mean() == pytest.approx(120, abs=4)
    acceleration, rate = media.traces
    swing = acceleration.high[0]
    middle = (np.arange(len(swing)) + 0.5) * acceleration.step_s + 2
    expected = 3 * np.sin(6 * middle)
    assert np.abs(swing - expected)[:-1].max() < 1.0
    assert np.corrcoef(swing[:-1], expected[:-1])[0, 1] > 0.97
    assert not rate.high.any()
    (sound,) = media.sounds
    (picture,) = sound.pictures
    shades = decoded(picture, cv2.IMREAD_GRAYSCALE)
    assert shades.shape == (sound.bands, sound.columns)
    # High notes are on top; a hum of 440 Hz is a seventh of the way up to 4 kHz in mel.
    assert 0.6 < shades[:, 10:-10].mean(axis=1).argmax() / sound.bands < 0.85


def test_less_room_gives_fewer_and_coarser_pictures_but_no_more_bytes(noisy):
    counts = []
    for budget in (200_000, 40_000, 8_000):
        media = media_of(noisy, budget)
        film, sound = media.films[0], media.sounds[0]
        assert sum(map(len, (*film.sheets, *sound.pictures))) <= budget
        assert sum(trace.low.size for trace in media.traces) * 4 <= budget
        assert np.diff(film.times_s).max() < 2 * np.diff(film.times_s).min() + 0.3
        counts.append(len(film.times_s))
    assert counts[0] > counts[1] > counts[2] > 0


def test_a_page_stays_within_its_bytes(noisy, tmp_path, monkeypatch):
    evaluation = decide(imu_info(tmp_path / 'bundle'), noisy, 'imu', [1])
    roomy = len(report.render_report(evaluation, 'title').encode())
    monkeypatch.setattr(report, 'MOST_BYTES', 400_000)
    monkeypatch.setattr(report, '_DECISION_BYTES', 100)
    page = report.render_report(evaluation, 'title').encode()
    assert len(page) < 400_000 < roomy
    # Nor do decisions without end fit; what is left out is said.
    assert b'is drawn; scores and tables count all' in page


def test_depth_is_shown_as_brightness_and_no_gyro_as_none(tmp_path):
    with BagWriter(tmp_path / 'bag', sensors=[CAMERA, IMU], subject='1') as writer:
        for step in range(40):
            stamp_ns = EPOCH + step * SECOND // 10
            depth = np.full((30, 40), 3000, '<u2')
            depth[:, 20:] = 2000
            depth[:5] = 0
            image = image_bytes(stamp_ns, depth, '16UC1')
            writer.write(CAMERA.topic, IMAGE_TYPE, stamp_ns, image)
            # Lost for a second: a gap, not a line across it.
            if not 10 <= step < 20:
                data = imu_bytes(stamp_ns, has_gyro=False)
                writer.write(IMU.topic, IMU_TYPE, stamp_ns, data)
    media = media_of(tmp_path / 'bag')
    picture = tile(media.films[0], 2)
    assert media.films[0].width == 40
    far, near, unknown = picture[20, 5].mean(), picture[20, 35].mean(), picture[1, 5].mean()
    assert unknown < far - 20 < near - 60
    (trace,) = media.traces
    assert trace.quantity == 'acceleration'
    present = np.isfinite(trace.low[2])
    times = np.arange(len(present)) * trace.step_s
    assert not present[(times > 1.4) & (times < 1.8)].any()
    assert present[(times < 0.8) | (times > 2.2)].all()


def test_what_cannot_be_shown_is_named_and_broken_messages_are_left_out(tmp_path):
    with BagWriter(tmp_path / 'bag', sensors=[MICROPHONE, CAMERA], subject='1') as writer:
        chunk = audio_bytes(EPOCH, np.zeros(160))
        writer.write(MICROPHONE.topic, STAMPED_TYPE, EPOCH, chunk)
        for data in (b'', b'\0\1\0\0junk', image_bytes(EPOCH, np.zeros((8, 0, 3), 'u1'), 'rgb8')):
            writer.write(CAMERA.topic, IMAGE_TYPE, EPOCH, data)
    with BagReader(tmp_path / 'bag') as reader:
        media = read_media(reader, Span(EPOCH, EPOCH + SECOND), PLENTY)
    assert not any((media.films, media.traces, media.sounds))
    assert 'microphone' in media.missing[0]
    assert 'AudioInfo' in media.missing[0]
