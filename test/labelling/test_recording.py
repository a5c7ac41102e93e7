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

"""What the page shows of a recording is what was recorded, ten seconds at a time."""

from pathlib import Path
import shutil
from typing import Any

import cv2
import numpy as np
import pytest

from test.labelling.scenes import FIRST_FRAME, FRAME, RATE, write_scene
from test.messages import compressed_bytes, EPOCH, image_bytes, imu_bytes, SECOND
from test.waiting import PATIENCE_S
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.labelling import recording as of_recordings
from xmodal_ros.labelling.blocks import BLOCK_NS, glance
from xmodal_ros.labelling.recording import Recording
from xmodal_ros.media.film import make_picture_maker
from xmodal_ros.media.sound import lay_out, played_rate, spectrogram
from xmodal_ros.media.tracks import find_tracks


@pytest.fixture(scope='module')
def recording(tmp_path_factory: pytest.TempPathFactory):
    with Recording(write_scene(tmp_path_factory.mktemp('scene') / 'bag')) as opened:
        yield opened


def track_of(recording: Recording, modality: str) -> int:
    return next(n for n, t in enumerate(recording.tracks) if t.sensor.modality == modality)


def decoded(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def test_blocks_hold_every_picture_once(recording):
    camera = track_of(recording, 'camera')
    blocks = [recording.block(index) for index in range(recording.block_count)]
    stamps = np.concatenate([block[camera].stamps_ns for block in blocks])
    assert stamps.tolist() == list(range(FIRST_FRAME, EPOCH + 30 * SECOND, FRAME))
    # The last one was recorded after the last block had begun, and all belong to three.
    assert [len(block[camera].stamps_ns) for block in blocks] == [100, 100, 100, 0]


@pytest.mark.parametrize(('block', 'number'), [(1, 40), (0, 0), (2, 99), (0, 99)])
def test_a_picture_is_the_one_of_its_number_in_whatever_order_they_are_asked_for(
    recording, block, number
):
    jpeg = recording.picture(track_of(recording, 'camera'), block, number)
    picture = decoded(jpeg)
    assert picture.shape == (48, 64, 3)
    assert picture.mean() == pytest.approx((block * 100 + number) % 250, abs=3)


def test_motion_is_in_si_units_and_its_overview_holds_the_extremes(recording):
    imu = track_of(recording, 'imu')
    block = recording.block(1)
    motion = block[imu]
    assert len(motion.seconds) == 500
    assert motion.seconds[[0, -1]].tolist() == pytest.approx([0, 9.98])
    assert motion.values[:, 2].mean() == pytest.approx(9.81, abs=0.05)
    seen: Any = glance(block)[imu]
    acceleration, rate = seen.traces
    assert acceleration.low.shape == rate.high.shape == (3, 40)
    assert np.nanmin(acceleration.low[1]) == motion.values[:, 1].min()
    assert np.nanmax(acceleration.high[1]) == motion.values[:, 1].max()


def test_sound_goes_on_over_the_border_of_blocks(recording):
    microphone = track_of(recording, 'audio')
    rows = [recording.block(index)[microphone].samples for index in (0, 1)]
    assert [len(row) for row in rows] == [10 * RATE, 10 * RATE]
    heard = np.concatenate(rows)[10 * RATE - 50 : 10 * RATE + 50]
    times = np.arange(10 * RATE - 50, 10 * RATE + 50) / RATE
    assert heard == pytest.approx(np.round(8000 * np.sin(2 * np.pi * 500 * times)), abs=1)


def test_the_spectrogram_is_loud_where_the_pitch_is(recording):
    spectrum = recording.block(0)[track_of(recording, 'audio')].levels
    assert spectrum.shape[0] == 400
    loudest = spectrum[100].argmax()
    higher = spectrogram(np.sin(2 * np.pi * 1500 * np.arange(RATE) / RATE), RATE)[10].argmax()
    assert 0 < loudest < higher


def test_the_overview_is_made_without_being_asked(recording):
    recording._survey.join(PATIENCE_S)
    assert len(recording.glances(0)) == recording.block_count == 4
    assert len(recording.glances(3)) == 1
    assert recording.glances(9) == ()


def test_what_is_not_there_is_refused(recording):
    camera, imu = track_of(recording, 'camera'), track_of(recording, 'imu')
    for track, block, number in ((camera, 0, 100), (imu, 0, 0), (9, 0, 0)):
        with pytest.raises(ConfigurationError, match='has no picture'):
            recording.picture(track, block, number)
    with pytest.raises(ConfigurationError, match='has no block 4'):
        recording.block(4)


def test_what_cannot_be_decoded_is_left_out_and_said(tmp_path: Path):
    good = cv2.imencode('.png', np.full((20, 30), 100, np.uint8))[1].tobytes()
    with BagWriter(tmp_path / 'bag') as writer:
        for index in range(20):
            stamp = EPOCH + index * FRAME
            jpeg = compressed_bytes(stamp, good if index % 2 else b'broken')
            writer.write('/a/compressed', 'sensor_msgs/msg/CompressedImage', stamp, jpeg)
            writer.write('/b', 'sensor_msgs/msg/Image', stamp, b'broken')
            no_gyro = imu_bytes(stamp, has_gyro=False) if index else b'\0\1'
            writer.write('/c', 'sensor_msgs/msg/Imu', stamp, no_gyro)
            # Stamped by a clock that stands far off.
            late = imu_bytes(stamp + 900 * SECOND)
            writer.write('/d', 'sensor_msgs/msg/Imu', stamp, late)
    with Recording(tmp_path / 'bag') as recording:
        a, b, c, d = recording.tracks
        assert a.warning == c.warning == ''
        assert 'cannot be shown' in b.warning
        assert 'clocks' in d.problem
        block: Any = recording.block(0)
        # It was stamped, so it has its place; its picture says what is wrong.
        assert len(block[0].stamps_ns) == 20
        assert recording.picture(0, 0, 0) != recording.picture(0, 0, 1)
        assert block[2].values.shape == (19, 3)
        assert len(block[2].seconds) == 19


def test_stamps_of_another_clock_are_shown_by_the_stamp_with_a_warning(tmp_path: Path):
    with BagWriter(tmp_path / 'bag') as writer:
        for index in range(200):
            stamp = EPOCH + index * FRAME
            writer.write('/imu', 'sensor_msgs/msg/Imu', stamp, imu_bytes(stamp - 5 * SECOND))
    with Recording(tmp_path / 'bag') as recording:
        assert '5.000 s behind' in recording.tracks[0].warning
        blocks: list[Any] = [recording.block(0), recording.block(1)]
        assert [len(block[0].seconds) for block in blocks] == [100, 50]


def test_a_closed_recording_says_so(tmp_path: Path):
    recording = Recording(write_scene(tmp_path / 'bag', camera=False, sound=False))
    recording.close()
    with pytest.raises(BagError, match='closed'):
        recording.block(0)


def test_depth_is_coloured_by_distance_and_large_pictures_are_made_smaller():
    depth = np.tile(np.linspace(500, 4000, 1280).astype(np.uint16), (960, 1))
    data = image_bytes(EPOCH, depth, '16UC1')
    maker = make_picture_maker('sensor_msgs/msg/Image', data)
    assert maker.size == (640, 480)
    picture = decoded(maker(data))
    blue, _, red = np.moveaxis(picture.astype(int), 2, 0)
    assert (red > blue)[:, 60].all()
    assert (blue > red)[:, 580].all()


def test_chunks_follow_each_other_in_spite_of_jitter_and_gaps_are_silent():
    ones = np.ones(100, np.float32)
    chunks = [(0, ones), (105_000_000, ones), (500_000_000, ones), (-50_000_000, 2 * ones[:50])]
    row = lay_out(chunks, 0, SECOND, 1000)
    assert row.tolist() == [1.0] * 200 + [0.0] * 300 + [1.0] * 100 + [0.0] * 400


@pytest.mark.parametrize(
    ('rate', 'played'),
    [(16000, 16000), (4000, 8000), (1000, 8000), (96000, 48000), (44100, 44100)],
)
def test_sound_of_any_rate_becomes_one_that_browsers_play(rate, played):
    chosen = played_rate(rate)
    assert chosen.hz == played
    assert len(chosen.apply(np.zeros(rate * BLOCK_NS // SECOND))) == 10 * played


@pytest.mark.parametrize('sooner', [False, True])
def test_blocks_are_whole_though_delays_change_within_a_recording(
    tmp_path: Path, sooner: bool
) -> None:
    # A camera on a network that is busy from a moment on, or no longer.
    stamps = [EPOCH + index * SECOND // 10 for index in range(300)]
    messages = [
        (stamp_ns + 2 * SECOND * ((stamp_ns > EPOCH + 12 * SECOND) != sooner), stamp_ns)
        for stamp_ns in stamps
    ]
    with BagWriter(tmp_path / 'bag') as writer:
        for received_ns, stamp_ns in sorted(messages):
            writer.write('/imu', 'sensor_msgs/msg/Imu', received_ns, imu_bytes(stamp_ns))
    with Recording(tmp_path / 'bag') as recording:
        strips: list[Any] = [recording.block(n)[0] for n in range(recording.block_count)]
        shown = [stamp_ns for stamp_ns in stamps if stamp_ns >= recording.start_ns]
    assert sum(len(strip.seconds) for strip in strips) == len(shown)


def test_what_was_let_go_is_read_again_when_it_is_asked_for(monkeypatch, tmp_path: Path):
    kept = 3000
    monkeypatch.setattr(of_recordings, '_BLOCKS_KEPT', 1)
    monkeypatch.setattr(of_recordings, '_PICTURE_BYTES_KEPT', kept)
    with Recording(write_scene(tmp_path / 'bag', sound=False)) as recording:
        camera = track_of(recording, 'camera')
        for block, number in ((0, 0), (0, 5), (2, 99), (0, 0), (1, 7), (0, 5)):
            picture = decoded(recording.picture(camera, block, number))
            assert picture.mean() == pytest.approx((block * 100 + number) % 250, abs=3)
            assert len(recording._blocks) == 1
            assert recording._message_bytes == sum(map(len, recording._messages.values())) <= kept


def test_a_message_without_a_stamp_between_pictures_is_passed_over(tmp_path: Path):
    jpegs = [
        cv2.imencode('.jpg', np.full((20, 30), 10 * index, np.uint8))[1].tobytes()
        for index in range(20)
    ]
    kind = 'sensor_msgs/msg/CompressedImage'
    with BagWriter(tmp_path / 'bag') as writer:
        for index, jpeg in enumerate(jpegs):
            stamp = EPOCH + index * FRAME
            writer.write('/a/compressed', kind, stamp, compressed_bytes(stamp, jpeg))
            writer.write('/a/compressed', kind, stamp + 1, b'\0\1')
    with Recording(tmp_path / 'bag') as recording:
        shown = [decoded(recording.picture(0, 0, number)).mean() for number in range(20)]
    assert shown == pytest.approx([10 * index for index in range(20)], abs=3)


def test_what_the_overview_cannot_read_is_said(monkeypatch, tmp_path: Path):
    scene = write_scene(tmp_path / 'bag', camera=False, sound=False)

    def find_and_remove(reader: BagReader) -> Any:
        found = list(find_tracks(reader))
        shutil.rmtree(scene)
        return found

    monkeypatch.setattr(of_recordings, 'find_tracks', find_and_remove)
    with Recording(scene) as recording:
        recording._survey.join(PATIENCE_S)
        assert recording.glances(0) == ()
        assert recording.damage == f'bag {str(scene)!r} does not exist: check the path'
