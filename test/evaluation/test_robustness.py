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

"""Faults reach the live code, and a run without harm is the run itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
import shutil

import pytest
from ruamel.yaml import YAML

from test.bags.recordings import storage_of
from test.bundles import LABELS, make_audio_bundle, make_camera_bundle, make_imu_bundle
from test.messages import compressed_bytes, EPOCH, imu_bytes, SECOND
from test.recordings import clips, IMU, IMU_TYPE, write_imu_bag, write_restarted_bag
from test.sound_bags import write_sound_bag
from xmodal_ros.activities import UNKNOWN
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.errors import BagError
from xmodal_ros.evaluation.robustness import _in_place_of, classify_harmed, robustness_curve
from xmodal_ros.evaluation.scoring import decided, evaluate, evaluate_bag
from xmodal_ros.modalities.faults import Delay, Dropout, FaultKind
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.offline import classify_bag
from xmodal_ros.streams.placement import make_placement
from xmodal_ros.streams.sample import Sample

SEGMENTS = clips(LABELS, seconds=3)


def write_camera_bag(path):
    """JPEG pictures, of which the model shall see a part."""
    import cv2
    import numpy as np

    camera = Sensor(
        'camera', 'camera', '/camera', 'camera_link', make_placement(region=(0.25, 0, 0.5, 1))
    )
    rng = np.random.default_rng(0)
    with BagWriter(path, sensors=[camera], subject='1') as writer:
        write_segments(writer, SEGMENTS)
        for stamp_ns in range(EPOCH, SEGMENTS[-1].end_ns + SECOND, SECOND // 5):
            _, jpeg = cv2.imencode('.jpg', rng.integers(0, 255, (48, 64, 3), np.uint8))
            data = compressed_bytes(stamp_ns, jpeg.tobytes())
            writer.write('/camera', 'sensor_msgs/msg/CompressedImage', stamp_ns, data)
    return path


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('robustness')


@pytest.fixture(scope='module')
def imu(folder):
    """An engine, a bag with two broken messages, and its evaluation."""
    engine = Engine(load_bundle(make_imu_bundle(folder / 'imu')))
    bag = write_imu_bag(folder / 'imu_bag', SEGMENTS, bad=[b'junk', b''])
    with BagReader(bag) as reader:
        offline = classify_bag(engine, reader, reader.sensor('imu'))
        found = evaluate_bag(engine.bundle.info, reader, 'imu', offline)
    return engine, evaluate(engine.bundle.info, [found])


@pytest.mark.parametrize('modality', ['imu', 'camera', 'audio'])
def test_a_fault_that_harms_nothing_changes_no_bit(folder, imu, modality):
    if modality == 'imu':
        engine, evaluation = imu
        bag, name = evaluation.bags[0].path, 'imu'
    elif modality == 'camera':
        engine = Engine(load_bundle(make_camera_bundle(folder / 'camera')))
        bag, name = write_camera_bag(folder / 'camera_bag'), 'camera'
    else:
        engine = Engine(load_bundle(make_audio_bundle(folder / 'audio')))
        bag, name = write_sound_bag(folder / 'sound_bag', labels=LABELS), 'microphone'
    with BagReader(bag) as reader:
        sensor = reader.sensor(name)
        unharmed = classify_bag(engine, reader, sensor).predictions
        harmed = classify_harmed(engine, reader, sensor, Dropout(0))
    assert len(unharmed) > 4
    assert harmed.predictions == unharmed


def test_a_mounting_rotation_is_applied_once(imu):
    engine, evaluation = imu
    with BagReader(evaluation.bags[0].path) as reader:
        turned = replace(reader.sensor('imu'), placement=make_placement((0, 0, 90)))
        unharmed = classify_bag(engine, reader, turned).predictions
        harmed = classify_harmed(engine, reader, turned, Dropout(0))
    assert harmed.predictions == unharmed


def test_a_curve_begins_unharmed_and_what_is_lost_is_unknown(imu):
    engine, evaluation = imu
    kind = FaultKind('dropout', '', 'share lost', (0.2, 1.0), 0, Dropout)
    told = []
    curve = robustness_curve(engine, evaluation, kind, lambda doing, n: told.append((doing, n)))
    assert (curve.bundle, curve.fault) == ('imu', 'dropout')
    first, few, all_ = curve.points
    assert first.scalars == evaluation.measures.scalars
    assert few.scalars['unknown_rate'] != 1
    assert all_.severity == 1.0
    assert all_.scalars['unknown_rate'] == 1
    assert all_.scalars['macro_f1'] == all_.scalars['detection_rate'] == 0
    assert all_.scalars['selective_accuracy'] is None
    messages = evaluation.bags[0].offline.received
    assert {doing for doing, _ in told} == {'dropout 0.2', 'dropout 1'}
    assert 0 < sum(n for _, n in told) <= 2 * messages


def test_a_recording_that_fails_under_a_fault_is_left_out_of_all_its_points(imu, folder):
    engine, evaluation = imu
    kind = FaultKind('delay', 's', 'late by', (0.0, 1.0), 0, Delay)
    gone = replace(evaluation.bags[0], name='gone', path=folder / 'gone')
    both = evaluate(engine.bundle.info, [gone, *evaluation.bags])
    curve = robustness_curve(engine, both, kind)
    assert [each.bag for each in curve.left_out] == ['gone']
    assert str(folder / 'gone') in curve.left_out[0].reason
    assert curve.points == robustness_curve(engine, evaluation, kind).points
    with pytest.raises(BagError, match='gone'):
        robustness_curve(engine, both, kind, strict=True)
    with pytest.raises(BagError, match='gone'):
        robustness_curve(engine, evaluate(engine.bundle.info, [gone]), kind)


def test_windows_late_by_more_than_the_recording_are_missing_where_they_were(imu):
    engine, evaluation = imu
    kind = FaultKind('delay', 's', 'late by', (60.0,), 0, Delay)
    late = robustness_curve(engine, evaluation, kind).points[-1]
    assert late.scalars['unknown_rate'] == 1


@pytest.mark.parametrize('moved_s', [-12.0, 3600.0])
def test_where_time_begins_anew_decisions_are_compared_with_those_in_their_place(
    imu, tmp_path, moved_s
):
    engine, _ = imu
    with BagReader(write_restarted_bag(tmp_path / 'bag', moved_s)) as reader:
        offline = classify_bag(engine, reader, reader.sensor('imu'))
        found = evaluate_bag(engine.bundle.info, reader, 'imu', offline)
    kind = FaultKind('dropout', '', 'share lost', (0.0,), 0, Dropout)
    unharmed, as_well = robustness_curve(
        engine, evaluate(engine.bundle.info, [found]), kind
    ).points
    assert as_well.scalars == unharmed.scalars


@dataclass(frozen=True)
class _Silent:
    """Says nothing from one sample on, up to another."""

    first: int
    end: int

    def apply(self, samples: Iterable[Sample], seed: int) -> Iterator[Sample]:
        for count, sample in enumerate(samples):
            if not self.first <= count < self.end:
                yield sample


@pytest.mark.parametrize('lost', [slice(0, 19), slice(19, 38)])
def test_what_is_lost_before_or_after_time_begins_anew_is_lost_there(imu, tmp_path, lost):
    engine, _ = imu
    with BagReader(write_restarted_bag(tmp_path / 'bag', -12)) as reader:
        sensor = reader.sensor('imu')
        offline = classify_bag(engine, reader, sensor)
        bag = evaluate_bag(engine.bundle.info, reader, 'imu', offline)
        fault = _Silent(0, 600) if lost.start == 0 else _Silent(600, 1200)
        harmed = classify_harmed(engine, reader, sensor, fault)
    unharmed = decided(engine.bundle.info, bag)
    left = list(unharmed.labels)
    assert len(left) == 38
    left[lost] = [UNKNOWN] * 19
    assert left != list(unharmed.labels)
    assert len(harmed.predictions) == 19
    found = _in_place_of(unharmed, bag, harmed)
    assert list(found.labels) == left
    assert not found.probabilities[lost].any()


def test_files_of_a_bag_may_overlap_in_time_where_its_recorders_clock_was_set_back(imu, tmp_path):
    """Of a recorder that began another file: what was received later is not what comes later."""
    joined = tmp_path / 'joined'
    joined.mkdir()
    for number, start_ns in enumerate([EPOCH, EPOCH - 6 * SECOND]):
        part = tmp_path / str(number)
        with BagWriter(part, sensors=[IMU], subject='1') as writer:
            for stamp_ns in range(start_ns, start_ns + 12 * SECOND, SECOND // 50):
                data = imu_bytes(stamp_ns, (float(number), 0.0, 9.81), (0.0, 0.0, 0.0))
                writer.write(IMU.topic, IMU_TYPE, stamp_ns, data)
        shutil.copy(storage_of(part), joined / f'bag_{number}.mcap')
    metadata = YAML(typ='safe').load((tmp_path / '0' / 'metadata.yaml').read_text())
    metadata['rosbag2_bagfile_information']['relative_file_paths'] = ['bag_0.mcap', 'bag_1.mcap']
    with (joined / 'metadata.yaml').open('w') as file:
        YAML(typ='safe').dump(metadata, file)
    (joined / 'labels.csv').write_text('start,end,label\n0,6,walk\n6,11,wave\n')
    engine, _ = imu
    with BagReader(joined) as reader:
        sensor = reader.sensor('imu')
        offline = classify_bag(engine, reader, sensor)
        bag = evaluate_bag(engine.bundle.info, reader, 'imu', offline)
        harmed = classify_harmed(engine, reader, sensor, Dropout(0.0))
    assert len(harmed.restarts) == 1
    assert harmed.predictions == offline.predictions
    unharmed = decided(engine.bundle.info, bag)
    found = _in_place_of(unharmed, bag, harmed)
    assert list(found.labels) == list(unharmed.labels)
    assert (found.probabilities == unharmed.probabilities).all()
