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

"""The end of a live evaluation: what is compared, written, and said to be wrong."""

from dataclasses import dataclass
import json
from pathlib import Path

import pytest

from test.bundles import make_imu_bundle
from test.recordings import clips, write_imu_bag
from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.evaluation.conclusion import conclude, Order, Publisher, write_live
from xmodal_ros.evaluation.live_scoring import Following
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.devices import make_deterministic
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.health import PENDING, RECEIVED
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.offline import classify_bag

TOPIC, CHOICE = '/imu_classifier/activity', '/activity'


@dataclass(frozen=True)
class Played:
    bag: Path
    labels: tuple[Label, ...]
    values: dict[str, str]

    def following(
        self, labels: tuple[Label, ...] | None = None, window_ns: int = 2_000_000_000
    ) -> Following:
        with BagReader(self.bag) as reader:
            following = Following(window_ns, read_segments(reader))
        for label in self.labels if labels is None else labels:
            following.note(TOPIC, label)
            following.note(CHOICE, label)
        return following


@pytest.fixture(scope='module')
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """A recording, and what a live classifier that loses nothing says of it."""
    folder = tmp_path_factory.mktemp('played')
    bundle = make_imu_bundle(folder / 'bundle')
    bag = write_imu_bag(folder / 'bag', clips(['sit', 'walk'], seconds=5))
    make_deterministic()
    with BagReader(bag) as reader:
        offline = classify_bag(Engine(load_bundle(bundle)), reader, reader.sensor('imu'))
    labels = tuple(Label(p.stamp_ns, p.frame_id, p.scores) for p in offline.predictions)
    values = {'model': str(bundle), 'device': 'cpu', 'precision': 'fp32', 'topic': '/imu'}
    values |= {'runtime': 'torch'}
    values |= {PENDING: '0', RECEIVED: str(offline.received), 'threshold for unknown': '0.000'}
    return Played(bag, labels, values)


def publishers(played: Played) -> dict[str, Publisher]:
    return {TOPIC: Publisher(played.values, {}), CHOICE: Publisher({}, {})}


def test_labels_that_are_those_of_the_offline_run_are_found_equal(
    played: Played, tmp_path: Path
) -> None:
    order = Order(played.bag, tmp_path / 'new' / 'report.json', tmp_path / 'page.html')
    found = conclude(played.following(), publishers(played), order)
    assert (found.failure, found.warnings) == ('', ())
    assert any('live and offline are equal' in line for line in found.lines)
    report = json.loads((tmp_path / 'new' / 'report.json').read_text())
    assert report['equals_offline'] is True
    assert report['stamps_compared'] == len(played.labels) > 10
    assert report['topics'][TOPIC]['offline']['missing'] == 0
    assert report['topics'][TOPIC]['scalars']['accuracy_window'] is not None
    rows = [row for row in report['labels'] if row['topic'] == TOPIC]
    assert [row['stamp_ns'] for row in rows] == [label.stamp_ns for label in played.labels]
    assert all(row['label'] == row['offline'] for row in rows)
    # A selector has no bundle to run.
    assert 'only classifiers' in report['topics'][CHOICE]['not_compared']
    assert (tmp_path / 'page.html').stat().st_size > 1000


def test_a_lost_label_is_named_by_its_stamp_and_fails(played: Played, tmp_path: Path) -> None:
    following = played.following((*played.labels[:3], *played.labels[4:]))
    lost = {TOPIC: Publisher(played.values, {'messages dropped, truncated': 7})}
    found = conclude(following, lost, Order(played.bag, tmp_path / 'report.json'))
    assert 'differ on /imu_classifier/activity' in found.failure
    assert '7 messages dropped, truncated' in found.failure
    report = json.loads((tmp_path / 'report.json').read_text())
    offline = report['topics'][TOPIC]['offline']
    assert offline['missing_stamps_ns'] == [played.labels[3].stamp_ns]
    assert (offline['equal'], report['equals_offline']) == (False, False)


def test_what_cannot_be_compared_or_written_is_said_in_words(
    played: Played, tmp_path: Path
) -> None:
    elsewhere = {TOPIC: Publisher(played.values | {'topic': '/other'}, {})}
    found = conclude(played.following(), elsewhere, Order(played.bag))
    assert 'no sensor on /other' in found.warnings[0]
    gone = {TOPIC: Publisher(played.values | {'model': str(tmp_path / 'gone')}, {})}
    found = conclude(played.following(), gone, Order(played.bag))
    assert 'no bundle' in found.warnings[0]
    found = conclude(played.following(), publishers(played), Order(None, None, tmp_path / 'x'))
    assert "set 'bag'" in found.failure
    found = conclude(played.following(), publishers(played), Order(None, tmp_path))
    assert 'cannot write' in found.failure


def test_the_offline_run_has_the_threshold_that_was_set_live(played: Played) -> None:
    always = {TOPIC: Publisher(played.values | {'threshold for unknown': '1.000'}, {})}
    found = conclude(played.following(), always, Order(played.bag))
    assert f'differ on {TOPIC}' in found.failure
    # As it would have been said with a threshold that nothing reaches.
    unsure = tuple(
        Label(each.stamp_ns, each.frame_id, (('unknown', 1 - each.scores[0][1]), *each.scores))
        for each in played.labels
    )
    found = conclude(played.following(unsure), always, Order(played.bag))
    assert any('live and offline are equal' in line for line in found.lines)


def test_diagnostics_that_do_not_say_how_was_classified_are_not_compared(played: Played) -> None:
    values = {name: played.values[name] for name in (PENDING, RECEIVED, 'model', 'topic')}
    found = conclude(played.following(), {TOPIC: Publisher(values, {})}, Order(played.bag))
    (warning,) = found.warnings
    assert 'do not say its device, runtime, precision' in warning


def test_windows_of_another_length_than_truth_was_taken_for_are_warned_of(played: Played) -> None:
    found = conclude(played.following(window_ns=3 * 10**9), publishers(played), Order(played.bag))
    (warning,) = found.warnings
    assert warning.startswith(f'{TOPIC} was scored wrongly: its windows are 2 s long')
    assert warning.endswith("set 'window' to 2")


def test_what_is_live_is_written_before_the_comparison_that_may_be_interrupted(
    played: Played, tmp_path: Path
) -> None:
    order = Order(played.bag, tmp_path / 'report.json')
    assert str(order.report) in write_live(played.following(), publishers(played), order)
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['topics'][TOPIC]['labels'] == len(played.labels)
    assert report['topics'][TOPIC]['scalars']['macro_f1_window'] is not None
    assert 'has not ended' in report['topics'][TOPIC]['not_compared']
    assert 'equals_offline' not in report
    # Nothing takes time where nothing is compared.
    assert write_live(played.following(), publishers(played), Order(report=order.report)) == ''


def test_truth_in_another_spelling_is_a_warning_with_what_to_do():
    following = Following(1_000_000_000)
    following.note_truth(0, 'Walk')
    following.note(CHOICE, Label(2_000_000_000, '', (('walk', 1.0),)))
    found = conclude(following, {CHOICE: Publisher({}, {})}, Order())
    assert [line for line in found.warnings if "'merge_labels'" in line and "'Walk'" in line]
