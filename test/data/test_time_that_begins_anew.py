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

"""Windows of stamps that begin anew have the labels of when they were recorded."""

from pathlib import Path

import numpy as np
import pytest

from test.bundles import make_imu_bundle
from test.messages import EPOCH, SECOND
from test.recordings import HALF_S, write_restarted_bag
from xmodal_ros.bags.labels import write_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.segment import Segment
from xmodal_ros.bags.writing import BagWriter
from xmodal_ros.data.recording import load_recording, read_facts
from xmodal_ros.data.report import RecordingReport, remarks, SensorReport
from xmodal_ros.evaluation.scoring import evaluate_bag
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.offline import classify_bag
from xmodal_ros.windows.windowing import WindowingSpec

WINDOWS = (ImuStream(), WindowingSpec(rate_hz=50))


@pytest.mark.parametrize('moved_s', [0.0, -HALF_S, -3600.0, 30.0, 3600.0])
def test_windows_are_labelled_by_what_was_done_when_they_were_recorded(
    tmp_path: Path, moved_s: float
) -> None:
    facts = read_facts(write_restarted_bag(tmp_path / 'bag', moved_s), lambda _: ['imu'])
    windows = load_recording(facts, {'imu': WINDOWS}).windows['imu']
    labels = [facts.segments[segment].label for segment in windows.segment_of]
    # Without those that lie on the change.
    clear = [
        (label, float(np.mean(values[:, 0])))
        for label, values in zip(labels, windows.values, strict=True)
        if np.ptp(values[:, 0]) == 0
    ]
    assert {(label, x) for label, x in clear} == {('walk', 0.0), ('wave', 1.0)}
    assert (np.diff(windows.ends_ns) > 0).all()
    # Its clock is as far off as ever.
    assert windows.cut is not None
    assert np.abs(windows.cut.index.delays_ns).max() < SECOND
    assert min(labels.count('walk'), labels.count('wave')) > 15
    assert windows.cut is not None
    assert (windows.cut.facts.moved > 15) == (moved_s != 0)
    assert windows.cut.facts.moved_s == pytest.approx(abs(moved_s), abs=0.5)


def test_what_was_moved_is_told_with_how_far() -> None:
    sensor = SensorReport('imu', 'imu', resets=1, moved=20, moved_s=3600.0)
    words = '; '.join(remarks(RecordingReport('bag', sensors=(sensor,))))
    assert 'imu: time jumped 1 times; 20 windows' in words
    assert 'up to 3600.0 s off, are placed and labelled by when they were received' in words


def test_decisions_are_scored_by_what_was_done_when_they_were_recorded(tmp_path: Path) -> None:
    bag, bundle = (
        write_restarted_bag(tmp_path / 'bag', -HALF_S),
        make_imu_bundle(tmp_path / 'bundle'),
    )
    engine = Engine(load_bundle(bundle))
    with BagReader(bag) as reader:
        offline = classify_bag(engine, reader, reader.sensor('imu'))
        found = evaluate_bag(engine.bundle.info, reader, 'imu', offline)
    truth = [found.truth_label(index) for index in range(len(found.truth))]
    restart = next(
        i
        for i, (a, b) in enumerate(zip(offline.predictions, offline.predictions[1:], strict=False))
        if b.stamp_ns < a.stamp_ns
    )
    assert set(truth[: restart + 1]) == {'walk'}
    assert set(truth[restart + 1 :]) == {'wave'}


def test_labels_on_a_topic_begin_anew_with_the_rest(tmp_path: Path) -> None:
    take = [
        Segment(EPOCH, EPOCH + 4 * SECOND, 'walk'),
        Segment(EPOCH + 4 * SECOND, EPOCH + 8 * SECOND, 'wave'),
    ]
    once = tmp_path / 'once'
    with BagWriter(once) as writer:
        write_segments(writer, take)
    with BagWriter(tmp_path / 'twice') as writer, BagReader(once) as reader:
        for lap in range(2):
            for message in reader.messages():
                received = message.received_ns + lap * 10 * SECOND + 1_000_000
                writer.write(message.topic, message.msgtype, received, message.data)
    facts = read_facts(tmp_path / 'twice', lambda _: [])
    starts = [((s.start_ns - EPOCH) / SECOND, s.label) for s in facts.segments]
    assert starts == [(0, 'walk'), (4, 'wave'), (10, 'walk'), (14, 'wave')]
