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

"""The base of every managed node: what goes wrong is logged, kept for diagnostics, survived."""

from collections.abc import Callable, Sequence
import functools
import traceback
from typing import Any, ParamSpec

from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from xmodal_ros.errors import XmodalError
from xmodal_ros.parameter import Parameter
from xmodal_ros.ros import parameters
from xmodal_ros.ros.heartbeat import begin_heartbeat, Heartbeat

P = ParamSpec('P')


def guarded(callback: Callable[P, None]) -> Callable[P, None]:
    """Keep a node's callback from ending the process: executors raise what callbacks raise.

    For methods of :class:`ManagedNode`; the exception is logged with its origin.
    """

    @functools.wraps(callback)
    def call(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the boundary beyond which nothing may go
            node: Any = args[0]
            node.failed(f'in {callback.__name__}', error)

    return call


class ManagedNode(LifecycleNode):
    """A lifecycle node whose subclasses say what to do, not what to answer.

    Subclasses override :meth:`configure`, :meth:`activate`, :meth:`deactivate` and
    :meth:`cleanup`, and raise :class:`XmodalError` to refuse: the transition then fails, the
    state stays, and :attr:`problem` keeps the words. Any other exception is an error of ours: it
    is logged with its traceback and leads back to ``unconfigured``. What ``deactivate`` and
    ``cleanup`` undo may be half done.
    """

    def __init__(self, name: str, table: Sequence[Parameter], **options: Any) -> None:
        super().__init__(name, **options)
        self.table = table
        self.problem = ''
        self._stopped = False
        self._heartbeat: Heartbeat | None = None
        try:
            parameters.declare(self, table)
        except BaseException:
            # Nobody gets it who could destroy it.
            self._stopped = True
            self.destroy_node()
            raise
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._apply_parameters)
        self._corrected = self.create_guard_condition(self._start_again)
        self._answer_change_state = self._service_change_state.callback
        self._service_change_state.callback = self._change_state

    @property
    def members(self) -> Sequence[Node]:
        """The nodes to spin: this one."""
        return (self,)

    def configure(self) -> None:
        """Load what the node needs. Called in ``unconfigured``."""

    def activate(self) -> None:
        """Begin to work; managed publishers are enabled already. Called in ``inactive``."""

    def deactivate(self) -> None:
        """Stop working; managed publishers are still enabled. Called in ``active``."""

    def cleanup(self) -> None:
        """Release what :meth:`configure` acquired; called in any state but ``active``."""

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take up parameters that were set; called in any state."""

    def failed(self, where: str, error: Exception) -> None:
        """Log an exception nobody expected; subclasses may count it."""
        trace = ''.join(traceback.format_exception(error))
        self.get_logger().error(f'unexpected error {where}: {error!r}\n{trace}')

    @property
    def state(self) -> str:
        """The lifecycle state: ``unconfigured``, ``inactive``, ``active``, ``finalized`` …"""
        return str(self._state_machine.current_state[1])

    @guarded
    def start(self) -> None:
        """Configure and activate, where the parameter of that name says so."""
        if not parameters.flag(self, 'autostart'):
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    @guarded
    def _start_again(self) -> None:
        """Try once more to start, now that a parameter has been corrected.

        In the executor's thread but not within the request, which may not wait for a model.
        """
        if not self.problem or not parameters.flag(self, 'autostart'):
            return
        if self.state == 'unconfigured':
            self.start()
        elif self.state == 'inactive':
            self.trigger_activate()

    def stop(self) -> None:
        """Stop working in an orderly way, whatever the state; for the end of the process."""
        self._stopped = True
        if self.state == 'active':
            self.on_deactivate(LifecycleState('active', 0))
        if self.state != 'finalized':
            self._attempt('cleanup', self.cleanup)

    def destroy_node(self) -> None:
        """Leave the graph now, stopped first where nobody has.

        rclpy would let the state machine hold the node on the graph until garbage is collected,
        and what is asked of a node by its name may be answered of the one that is gone. What
        :meth:`stop` raises is raised when the node has left.
        """
        try:
            if not self._stopped:
                self.stop()
        finally:
            super().destroy_node()
            self._state_machine.destroy_when_not_in_use()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go to ``inactive``; stay on FAILURE, go through error processing on ERROR."""
        result = self._attempt('configure', self.configure)
        if result != TransitionCallbackReturn.SUCCESS:
            self._attempt('cleanup', self.cleanup, keep_problem=True)
            return result
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go to ``active``; stay ``inactive`` on FAILURE, error processing on ERROR."""
        super().on_activate(state)
        result = self._attempt('activate', self.activate)
        if result != TransitionCallbackReturn.SUCCESS:
            self._attempt('deactivate', self.deactivate, keep_problem=True)
            super().on_deactivate(state)
        else:
            self._begin_heartbeat()
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go to ``inactive``; error processing on ERROR."""
        self._end_heartbeat()
        result = self._attempt('deactivate', self.deactivate)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go to ``unconfigured``; error processing on ERROR."""
        result = self._attempt('cleanup', self.cleanup)
        super().on_cleanup(state)
        return result

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Go to ``finalized`` from any state; the process goes on and answers."""
        if state.label == 'active':
            self.on_deactivate(state)
        result = self._attempt('cleanup', self.cleanup)
        super().on_shutdown(state)
        return result

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything and go back to ``unconfigured``."""
        self._end_heartbeat()
        self._attempt('deactivate', self.deactivate, keep_problem=True)
        super().on_deactivate(state)
        self._attempt('cleanup', self.cleanup, keep_problem=True)
        return TransitionCallbackReturn.SUCCESS

    def _attempt(
        self, what: str, work: Callable[[], None], *, keep_problem: bool = False
    ) -> TransitionCallbackReturn:
        """Do a transition's work; rclpy would swallow its exceptions without a word."""
        if not keep_problem:
            self.problem = ''
        try:
            work()
        except XmodalError as error:
            self.problem = self.problem or f'cannot {what}: {error}'
            self.get_logger().error(f'cannot {what}: {error}')
            return TransitionCallbackReturn.FAILURE
        except Exception as error:  # noqa: BLE001 - whatever it is, the process answers on
            self.problem = self.problem or f'{what} failed: {error!r}'
            self.failed(f'on {what}', error)
            return TransitionCallbackReturn.ERROR
        self.get_logger().debug(f'{what}: done')
        return TransitionCallbackReturn.SUCCESS

    @guarded
    def _begin_heartbeat(self) -> None:
        """Let a manager know that the node lives; one that starts itself has none."""
        self._end_heartbeat()
        if not parameters.flag(self, 'autostart'):
            self._heartbeat = begin_heartbeat(self)

    @guarded
    def _end_heartbeat(self) -> None:
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.end()

    def _change_state(
        self, request: ChangeState.Request, response: ChangeState.Response
    ) -> ChangeState.Response:
        """Answer the service, and say what is possible where a request is not.

        Jazzy's rclpy raises for an invalid one, which would end the process; Kilted's refuses it.
        """
        wanted = request.transition.label or request.transition.id
        possible = [
            (label, number) for number, label, *_ in self._state_machine.available_transitions
        ]
        why = ''
        try:
            if any(wanted in each for each in possible):
                return self._answer_change_state(request, response)
        except Exception as error:  # noqa: BLE001 - rclpy's binding raises several kinds
            why = f' ({error})'
        listed = ', '.join(f'{label} ({number})' for label, number in possible)
        self.get_logger().warning(
            f'transition {wanted} is not possible while {self.state}{why}; possible: '
            f'{listed or "none"}'
        )
        response.success = False
        return response

    def _check_parameters(self, changes: list[RosParameter]) -> SetParametersResult:
        result = parameters.refuse_deletion(self.table, changes)
        if not result.successful:
            return result
        return parameters.refuse_while_configured(self, self.table, changes, self.state)

    @guarded
    def _apply_parameters(self, changes: list[RosParameter]) -> None:
        try:
            self.parameters_changed(frozenset(change.name for change in changes))
        except XmodalError as error:
            # Checked before, but the world has changed since: a bundle has gone, for example.
            names = ', '.join(change.name for change in changes)
            self.get_logger().error(f'{names}: not taken up: {error}')
        if self.problem:
            self._corrected.trigger()
