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

"""A microphone's bundle over a recording: the same decisions whatever the way they are reached."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from test.bundles import make_audio_bundle
from test.messages import EPOCH, SECOND
from test.sound_bags import CHUNK, info_bytes, write_foxglove_bag, write_sound_bag
from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.models.bundle import Bundle, load_bundle
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.offline import classify_bag, sensor_for

SHORT = ('sit', 'walk', 'wave')
SIXTEEN = AudioFormat(16_000, 1, 'S16LE')


@pytest.fixture(scope='module')
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(make_audio_bundle(tmp_path_factory.mktemp('bundle') / 'audio'))


def offline(bundle: Bundle, bag: Path) -> tuple[Prediction, ...]:
    engine = Engine(bundle)
    with BagReader(bag) as reader:
        found = classify_bag(engine, reader, sensor_for(engine, reader))
    assert not found.drops
    return found.predictions


def live(bundle: Bundle, messages: Iterable[Message]) -> dict[int, Prediction]:
    """Decide as a node does that is told the format before it hears the first of ``messages``."""
    engine, intake = Engine(bundle), None
    decided = {}
    for message in messages:
        intake = intake or SensorIntake(bundle.info.stream, bundle.info.window, message.msgtype)
        intake.use_format(SIXTEEN)
        for window in intake.push(message.data, message.received_ns):
            decided[window.end_ns] = engine.classify(window)
    return decided


def test_wherever_a_node_joins_it_decides_as_over_the_whole_recording(bundle, tmp_path):
    bag = write_sound_bag(tmp_path / 'bag', labels=SHORT, jitter_ns=3_000_000)
    whole = {each.stamp_ns: each for each in offline(bundle, bag)}
    assert len(whole) > 18
    with BagReader(bag) as reader:
        messages = list(reader.messages(['/audio']))
    for skipped in (1, 37, 200):
        joined = live(bundle, messages[skipped:])
        assert len(joined) > 10
        assert joined == {end: whole[end] for end in joined}
    assert len({each.probabilities for each in whole.values()}) > 18


@pytest.mark.parametrize('stamped', [True, False])
def test_the_format_counts_wherever_in_the_recording_it_is_said(bundle, tmp_path, stamped):
    early = write_sound_bag(tmp_path / 'early', labels=SHORT, stamped=stamped)
    infos = (('/robot/format', 9 * SECOND, info_bytes()),)
    late = write_sound_bag(tmp_path / 'late', labels=SHORT, stamped=stamped, infos=infos)
    decisions = offline(bundle, early)
    assert decisions == offline(bundle, late)
    assert decisions[0].stamp_ns < EPOCH + 3 * SECOND


def test_audio_without_a_stamp_goes_by_its_receipt(bundle, tmp_path):
    with_stamps = offline(bundle, write_sound_bag(tmp_path / 'stamped', labels=SHORT))
    without = offline(bundle, write_sound_bag(tmp_path / 'plain', labels=SHORT, stamped=False))
    assert [(p.stamp_ns, p.probabilities) for p in with_stamps] == [
        (p.stamp_ns, p.probabilities) for p in without
    ]


def test_another_rate_is_converted_and_hardly_matters(bundle, tmp_path):
    at_16k = offline(bundle, write_sound_bag(tmp_path / 'slow', labels=SHORT))
    infos = (('/audio_info', 0, info_bytes(48_000)),)
    fast = write_sound_bag(tmp_path / 'fast', labels=SHORT, rate=48_000, infos=infos)
    at_48k = offline(bundle, fast)
    # The last one ends with the recording, and lacks what the filter would look ahead.
    at_16k = at_16k[: len(at_48k)]
    assert [p.stamp_ns for p in at_16k] == [p.stamp_ns for p in at_48k]
    assert len(at_48k) > 15
    # Other noise, the same tones.
    apart = np.array([p.probabilities for p in at_16k]) - [p.probabilities for p in at_48k]
    assert np.abs(apart).mean() < 0.05


def test_audio_that_says_its_format_itself_needs_no_other_topic(bundle, tmp_path):
    engine = Engine(bundle)
    with BagReader(write_foxglove_bag(tmp_path / 'bag')) as reader:
        found = classify_bag(engine, reader, sensor_for(engine, reader, 'sound'))
    assert [each.stamp_ns for each in found.predictions] == [
        EPOCH + 5 * SECOND // 2 + n * SECOND // 2 for n in range(3)
    ]
    assert {each.coverage for each in found.predictions} == {1.0}


def test_a_recording_that_lacks_the_format_says_what_to_record(bundle, tmp_path):
    bag = write_sound_bag(tmp_path / 'bag', labels=SHORT, infos=())
    with pytest.raises(BagError, match='as /audio_info'):
        offline(bundle, bag)


def test_a_gap_that_takes_half_a_window_is_unknown(bundle, tmp_path):
    with BagReader(write_sound_bag(tmp_path / 'bag', labels=(*SHORT, 'sit'))) as reader:
        messages = list(reader.messages(['/audio']))
    second = 16_000 // CHUNK
    decided = live(bundle, messages[: 10 * second] + messages[12 * second :])
    weak = decided[EPOCH + 12 * SECOND]
    assert (weak.label, weak.coverage) == ('unknown', 0.0)
    assert decided[EPOCH + 14 * SECOND].coverage == 1
