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

"""A recording played to a live classifier and two evaluators: one knows the bag, one does not."""

from contextlib import ExitStack
import json
from pathlib import Path

from std_msgs.msg import String
from std_srvs.srv import Trigger

from test.bundles import make_imu_bundle
from test.live.graph import is_active, LATCHED, running, Status, Watcher
from test.recordings import clips, write_imu_bag

CLASSIFIER, TOPIC = '/imu_classifier', '/imu_classifier/activity'
EVALUATOR, OBSERVER = '/evaluator', '/observer'


def test_the_player_begins_when_all_are_connected_and_the_report_equals_the_offline_run(
    watcher: Watcher, tmp_path: Path
) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit', 'walk'], seconds=5))
    shared = {
        'topics': [TOPIC],
        'window': 2.0,
        'diagnostics_period': 0.1,
        'use_sim_time': True,
    }
    files = {name: tmp_path / f'{name}.json' for name in ('known', 'seen')}
    known = {'bag': str(bag), 'player': 'bag_player', 'end_with': '/clock'}
    classifier = {
        'model': str(bundle),
        'topic': '/imu',
        'device': 'cpu',
        'queue_size': 1000,
        'diagnostics_period': 0.1,
    }
    player = {
        'bag': str(bag),
        'rate': 10.0,
        'start_paused': True,
        'wait_for_subscribers': ['/imu', '/activity_label'],
    }
    watcher.hear(String, f'{OBSERVER}/status', LATCHED)
    with (
        running(tmp_path / 'a', 'imu_classifier', classifier),
        running(
            tmp_path / 'b',
            'evaluator',
            {**shared, 'report': str(files['seen'])},
            arguments=['-r', '__node:=observer'],
        ) as observer,
    ):
        watcher.wait_for_status(CLASSIFIER, is_active)
        watcher.wait_for_status(OBSERVER, is_active)
        with ExitStack() as stack:
            playing = stack.enter_context(running(tmp_path / 'd', 'bag_player', player))
            # Nobody else would wait until the observer hears the truth.
            watcher.wait_for(
                lambda: watcher.node.count_subscribers('/activity_label') == 1,
                'the observer does not listen to the truth',
            )
            evaluator = stack.enter_context(
                running(
                    tmp_path / 'c',
                    'evaluator',
                    {**shared, **known, 'report': str(files['known'])},
                )
            )
            assert evaluator.wait() == 0, evaluator.log
            assert playing.wait() == 0, playing.log
            assert 'everything is connected' in evaluator.log
        report = json.loads(files['known'].read_text())
        assert report['equals_offline'] is True, evaluator.log
        assert report['stamps_compared'] == report['topics'][TOPIC]['labels'] > 15
        assert report['lost'] == report['refused'] == {}

        # The other one hears the truth from its topic, and comes to the same.
        count = report['stamps_compared']

        def heard_all(status: Status) -> bool:
            return status[2].get(f'{TOPIC}: labels') == str(count)

        values = watcher.wait_for_status(OBSERVER, heard_all)[2]
        answer = watcher.call(Trigger, f'{OBSERVER}/finish', Trigger.Request())
        assert answer.success, answer.message
        seen = json.loads(files['seen'].read_text())
        mine, theirs = (each['topics'][TOPIC]['scalars'] for each in (seen, report))
        assert mine['accuracy_window'] == theirs['accuracy_window']
        assert float(values[f'{TOPIC}: accuracy_window']) == round(mine['accuracy_window'], 4)
        assert 'equals_offline' not in seen

        def newest_status_tells_of_all() -> bool:
            newest = json.loads(watcher.heard[-1][1].data)
            return bool(newest['topics'][TOPIC]['labels'] == count)

        watcher.wait_for(newest_status_tells_of_all, 'the status tells of other labels')

        files['seen'].unlink()
        assert observer.end() == 0, observer.log
        assert files['seen'].is_file()
        assert 'Traceback' not in observer.log + evaluator.log
