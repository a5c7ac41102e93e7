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

"""When everything is connected, and when everything has been said, follows from diagnostics."""

from xmodal_ros.runtime import health
from xmodal_ros.runtime.peers import Listening, Peers
from xmodal_ros.runtime.watching import LabelHeard

SECOND = 1_000_000_000
NODE, TOPIC = '/imu_classifier', '/imu_classifier/activity'


def values(*, pending: int = 0, windows: int = 5, outputs: int = 2) -> dict[str, str]:
    return {
        health.STATE: 'active',
        health.OUTPUTS: str(outputs),
        health.RECEIVED: '100',
        health.WINDOWS: str(windows),
        health.PENDING: str(pending),
    }


def waiting(peers: Peers, subscribers: int = 2, at_ns: int = 0) -> str:
    return peers.waiting_for({TOPIC: Listening((NODE,), subscribers)}, at_ns)


def test_it_waits_until_the_node_is_there_active_and_hears_all_subscribers() -> None:
    peers = Peers()
    assert peers.waiting_for({TOPIC: Listening((), 1)}, 0) == f'nobody publishes on {TOPIC}'
    assert 'has not said how it is' in waiting(peers)
    inactive = values() | {health.STATE: 'inactive'}
    peers.note_report(NODE, LabelHeard('ok', 'inactive: no model', '', inactive), 0, 0)
    assert waiting(peers) == f'{NODE} is inactive: no model'
    peers.note_report(NODE, LabelHeard('ok', 'walk', '', values(outputs=1)), 0, 0)
    assert 'has not found all subscribers' in waiting(peers)
    peers.note_report(NODE, LabelHeard('ok', 'walk', '', values()), 0, 0)
    assert waiting(peers) == ''


def test_a_node_that_cannot_start_is_known_by_the_name_of_its_topic() -> None:
    peers = Peers()
    state = {health.STATE: 'unconfigured'}
    peers.note_report(NODE, LabelHeard('error', 'unconfigured: no bundle', '', state), 0, 0)
    silent = {TOPIC: Listening((), 1)}
    assert peers.failed(silent) == f'{NODE} is unconfigured: no bundle'
    assert peers.waiting_for(silent, 0) == peers.failed(silent)
    # One that is waiting for a lifecycle manager has not failed.
    peers.note_report(NODE, LabelHeard('ok', 'unconfigured', '', state), 0, 0)
    assert peers.failed(silent) == ''


def test_a_node_without_diagnostics_is_waited_for_a_while_only() -> None:
    peers = Peers()
    peers.note_nodes([NODE], 0)
    assert waiting(peers, at_ns=14 * SECOND)
    assert not waiting(peers, at_ns=16 * SECOND)
    assert not peers.quiet([NODE], 14 * SECOND)
    assert peers.quiet([NODE], 16 * SECOND)


def test_the_end_is_when_two_reports_say_the_same_and_nothing_waits() -> None:
    peers = Peers()
    for _ in range(5):
        peers.note_report(NODE, LabelHeard('ok', '', '', values()), 5, 0)
    peers.begin_to_end()
    peers.note_report(NODE, LabelHeard('ok', '', '', values()), 5, 0)
    assert not peers.quiet([NODE], 0)
    peers.note_report(NODE, LabelHeard('ok', '', '', values()), 6, 0)
    assert not peers.quiet([NODE], 0)
    peers.note_report(NODE, LabelHeard('ok', '', '', values(pending=1)), 6, 0)
    peers.note_report(NODE, LabelHeard('ok', '', '', values(pending=1)), 6, 0)
    assert not peers.quiet([NODE], 0)
    peers.note_report(NODE, LabelHeard('ok', '', '', values()), 6, 0)
    peers.note_report(NODE, LabelHeard('ok', '', '', values()), 6, 0)
    assert peers.quiet([NODE], 0)


def test_what_was_lost_is_given_by_reason() -> None:
    peers = Peers()
    lost = {health.DROPPED + 'truncated': '3', health.QUEUE_DROPS: '0', health.FAILURES: '1'}
    peers.note_report(NODE, LabelHeard('ok', '', '', values() | lost), 0, 0)
    assert peers.losses(NODE) == {health.DROPPED + 'truncated': 3, health.FAILURES: 1}
    assert peers.losses('/nobody') == {}
