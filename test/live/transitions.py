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

"""The transitions of a lifecycle node, and a walk that goes each one and asks for all others."""

from collections.abc import Sequence

from lifecycle_msgs.msg import Transition

from test.live.graph import Watcher

# From each state by each transition of the state machine that users may ask for: where it leads.
WAYS = {
    ('unconfigured', Transition.TRANSITION_CONFIGURE): 'inactive',
    ('inactive', Transition.TRANSITION_CLEANUP): 'unconfigured',
    ('inactive', Transition.TRANSITION_ACTIVATE): 'active',
    ('active', Transition.TRANSITION_DEACTIVATE): 'inactive',
    ('unconfigured', Transition.TRANSITION_UNCONFIGURED_SHUTDOWN): 'finalized',
    ('inactive', Transition.TRANSITION_INACTIVE_SHUTDOWN): 'finalized',
    ('active', Transition.TRANSITION_ACTIVE_SHUTDOWN): 'finalized',
}
# What users may ask for, one that only the node itself makes, and one that does not exist.
REQUESTS = sorted({number for _, number in WAYS} | {Transition.TRANSITION_CREATE, 77})
PATH_TO: dict[str, Sequence[int]] = {
    'unconfigured': (),
    'inactive': (Transition.TRANSITION_CONFIGURE,),
    'active': (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE),
}


def walk(watcher: Watcher, name: str) -> None:
    """Go each way, out and back twice, and end active; what is wrong changes nothing."""
    state = 'unconfigured'
    refuse_wrong_ones(watcher, name, state)
    back = (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)
    for number in (*PATH_TO['active'], *back, *PATH_TO['active']):
        assert watcher.change(name, number), f'{name}: {number} while {state}'
        state = WAYS[state, number]
        refuse_wrong_ones(watcher, name, state)
    assert not watcher.change(name, 'no such transition')
    assert watcher.state(name) == 'active'


def refuse_wrong_ones(watcher: Watcher, name: str, state: str) -> None:
    """Ask for everything that is not possible in this state; the node stays in it."""
    for wrong in REQUESTS:
        if (state, wrong) not in WAYS:
            assert not watcher.change(name, wrong), f'{name}: {wrong} while {state}'
    assert watcher.state(name) == state


def shut_down(watcher: Watcher, name: str, state: str) -> None:
    """Bring a node that is unconfigured to ``state``, and from there to its end."""
    for number in PATH_TO[state]:
        assert watcher.change(name, number), f'{name}: {number}'
    assert watcher.state(name) == state
    # By its label, as `ros2 lifecycle set` has it; it is the same from every state.
    assert watcher.change(name, 'shutdown'), f'{name}: shutdown while {state}'
    refuse_wrong_ones(watcher, name, 'finalized')
