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

"""The trainer's services, without a run."""

import threading

import pytest
import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from xmodal_ros.errors import XmodalError
from xmodal_ros.nodes.trainer_node import TrainerNode


def test_start_answers_in_every_state_with_the_reason() -> None:
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = TrainerNode(threading.Event(), context=context)
    try:
        answered = {each.srv_name.rpartition('/')[2]: each.callback for each in node.services}

        def ask(name: str) -> Trigger.Response:
            answer: Trigger.Response = answered[name](Trigger.Request(), Trigger.Response())
            return answer

        for state, go_on in (
            ('unconfigured', node.trigger_configure),
            ('inactive', node.trigger_activate),
            ('active', node.trigger_deactivate),
            ('inactive', node.trigger_shutdown),
            ('finalized', None),
        ):
            assert node.state == state
            answer = ask('start')
            assert not answer.success
            expected = 'bags is missing' if state == 'active' else f'the node is {state}'
            assert expected in answer.message
            assert ask('cancel').message == 'nothing is being trained'
            if go_on is not None:
                go_on()
    finally:
        node.destroy_node()
        context.try_shutdown()


def test_a_job_that_cannot_begin_ends_and_says_that_it_has_not() -> None:
    context, done = Context(), threading.Event()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    given = [Parameter(name, value=True) for name in ('start_at_once', 'exit_at_end')]
    node = TrainerNode(done, context=context, parameter_overrides=given)
    try:
        node.start()
        assert done.is_set()
        assert 'bags is missing' in node.problem
        with pytest.raises(XmodalError, match='no run began'):
            node.stop()
    finally:
        node.destroy_node()
        context.try_shutdown()
