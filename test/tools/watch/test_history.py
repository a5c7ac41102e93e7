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

"""What a page of a running robot is told: what is new since it asked last, and no more."""

import json

from test.messages import imu_bytes, SECOND
from xmodal_ros.runtime.label import Label
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.tools.watch.history import History, KEPT_S
from xmodal_ros.tools.watch.sensors import stamped_anew

TOPIC = '/imu_classifier/activity'


def label(name: str, score: float = 0.75) -> Label:
    rest = tuple((other, (1 - score) / 4) for other in 'abcd')
    return Label(SECOND, 'imu_link', ((name, score), *rest))


def test_who_asks_again_is_told_what_is_new_only() -> None:
    history = History(SECOND)
    history.note_label(TOPIC, label('walk'), 2 * SECOND)
    history.note('films', '/camera', 2 * SECOND, {'sheets': []})
    first = history.news(0, 3 * SECOND)
    assert first['now'] == 2.0
    assert first['news'] == {
        'labels': {TOPIC: [[1.0, [0.5, [['walk', 0.75], ['a', 0.0625], ['b', 0.0625]]]]]},
        'films': {'/camera': [[1.0, {'sheets': []}]]},
    }
    assert first['rows'][0]['label'] == 'walk'
    assert history.news(first['number'], 3 * SECOND)['news'] == {}
    history.note_source(TOPIC, 'imu', 3 * SECOND)
    history.note_label(TOPIC, label('sit'), 3 * SECOND)
    second = history.news(first['number'], 4 * SECOND)
    assert second['news']['sources'] == {TOPIC: [[2.0, 'imu']]}
    assert [(at, hop) for at, (hop, _) in second['news']['labels'][TOPIC]] == [(2.0, 1.0)]


def test_what_is_old_is_forgotten_and_what_is_long_is_cut() -> None:
    history = History(0)
    history.note_label(TOPIC, label('x' * 1000), 0)
    cut = history.news(0, SECOND)['news']['labels'][TOPIC][0][1][1][0][0]
    assert len(cut) < 100
    history.note_label(TOPIC, label('walk'), (KEPT_S + 1) * SECOND)
    told = history.news(0, (KEPT_S + 1) * SECOND)
    assert len(told['news']['labels'][TOPIC]) == 1
    assert 'x' * 100 not in json.dumps(told['news'])


def test_a_message_counts_from_when_it_came_whatever_the_order_of_its_bytes() -> None:
    for data in (imu_bytes(5 * SECOND), imu_bytes(5 * SECOND, little_endian=False)):
        assert read_stamp_ns(stamped_anew(data, 7 * SECOND + 3)) == 7 * SECOND + 3
        assert stamped_anew(data, SECOND)[12:] == data[12:]
    assert stamped_anew(b'short', SECOND) == b'short'
