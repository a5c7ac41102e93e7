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

"""The node ``trainer``: trains from recordings while the robot has nothing better to do."""

from dataclasses import replace
import threading
from typing import Any

from std_msgs.msg import String
from std_srvs.srv import Trigger

from xmodal_ros.errors import XmodalError
from xmodal_ros.ros import parameters, qos
from xmodal_ros.ros.diagnostics import ReportingNode
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.ros.robot_motion import RobotMotion
from xmodal_ros.ros.trainer_parameters import in_parameters, read_configuration, TRAINER
from xmodal_ros.runtime.health import idle_report, Report, STATE
from xmodal_ros.training.process import TrainingProcess
from xmodal_ros.training.run_status import RunStatus


class TrainerNode(ReportingNode):
    """Starts, follows and stops training runs, each a process of its own; see docs/trainer.md.

    The parameters are those of the next run.
    """

    def __init__(self, done: threading.Event, **options: Any) -> None:
        self._done = done
        self._process: TrainingProcess | None = None
        self._published = RunStatus()
        self._motion: RobotMotion | None = None
        self._motion_topic = ''
        self._status: Any = None
        super().__init__('trainer', 'trainer', TRAINER, **options)
        self._status_changed = self.create_guard_condition(self._publish_changes)
        self.create_service(Trigger, '~/start', self._start)
        self.create_service(Trigger, '~/cancel', self._cancel)

    def configure(self) -> None:
        """Advertise the status."""
        self._status = self.create_publisher(String, '~/status', qos.LATCHED)

    def activate(self) -> None:
        """Begin at once where that is wanted."""
        self._listen_for_motion()
        self._publish()
        if parameters.flag(self, 'start_at_once'):
            self._begin_at_once()

    def deactivate(self) -> None:
        """Stop training, without waiting until it has; no half-written bundle is left."""
        if self._process is not None:
            self._process.cancel()
        if self._motion is not None:
            self._motion.close()
        self._motion, self._motion_topic = None, ''

    def cleanup(self) -> None:
        """Stop advertising."""
        if self._status is not None:
            self.destroy_publisher(self._status)
        self._status = None

    def stop(self) -> None:
        """Stop training and wait until its process has ended.

        Raises :class:`XmodalError` where that was to be a job, and it is not done.
        """
        if self._process is not None:
            self._process.close()
            self._publish_changes()
        super().stop()
        due = self._process is not None or parameters.flag(self, 'start_at_once')
        if due and parameters.flag(self, 'exit_at_end') and self.run_status.state != 'finished':
            ended = 'no run began' if self._process is None else f'the run {self._how_it_ended()}'
            raise XmodalError(ended)

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Listen for motion on the topic that is set now."""
        if 'motion_topic' in names and self.state == 'active':
            self._listen_for_motion()

    def begin(self) -> str:
        """Begin a run, and give the bundle that it will write.

        Raises :class:`XmodalError` where it may not or cannot begin.
        """
        if self.state not in ('active', 'activating'):
            why = f' ({self.problem})' if self.problem else ''
            raise XmodalError(
                f'the node is {self.state}{why}: configure and activate it first, for example '
                f'with ros2 lifecycle set {self.get_fully_qualified_name()} activate'
            )
        if self._process is not None and self._process.run_status.running:
            raise XmodalError(
                f'{self._process.run_status.bundle} is being trained: wait, or call ~/cancel'
            )
        asked = read_configuration(lambda name: self.get_parameter(name).value)
        # A name that could not be taken up when it was set must not count as none.
        self._listen_for_motion()
        if self._motion is not None and (objection := self._motion.objection):
            raise XmodalError(objection)
        niceness = parameters.whole(self, 'niceness')
        self._process = TrainingProcess(asked, niceness, self._status_changed.trigger)
        self.get_logger().info(f'training {asked.out}: progress is on ~/status')
        self._publish()
        return str(asked.out)

    @property
    def run_status(self) -> RunStatus:
        """Where the newest run stands."""
        if self._process is None:
            return RunStatus()
        run_status = self._process.run_status
        return replace(
            run_status,
            message=in_parameters(run_status.message),
            notes=tuple(map(in_parameters, run_status.notes)),
        )

    def report(self) -> Report:
        """Say where training stands."""
        if self._motion is not None:
            self._motion.follow()
        if self.state != 'active':
            return idle_report(self.state, self.problem)
        run_status = self.run_status
        values = {
            STATE: self.state,
            'training': run_status.state,
            'bundle': run_status.bundle,
            'stage': run_status.stage,
            'progress': f'{run_status.percent:.1f} %' if run_status.running else '',
            'epoch': f'{run_status.epoch} of {run_status.epochs}' if run_status.epoch else '',
            'loss': _number(run_status.loss),
            'validation loss': _number(run_status.validation_loss),
            'seconds left in this stage': _number(run_status.eta_s),
            **{f'score, {name}': _number(value) for name, value in run_status.scores.items()},
        }
        return Report(
            'error' if run_status.state == 'failed' else 'ok',
            run_status.words,
            tuple((name, value) for name, value in values.items() if value),
            known=True,
        )

    def _begin_at_once(self) -> None:
        try:
            self.begin()
        except Exception:
            # Nobody would ever correct the parameters of a job.
            if parameters.flag(self, 'exit_at_end'):
                self._done.set()
            raise

    def _how_it_ended(self) -> str:
        return 'failed' if self.run_status.state == 'failed' else 'was cancelled'

    def _listen_for_motion(self) -> None:
        topic = parameters.text(self, 'motion_topic')
        if topic == self._motion_topic:
            return
        fresh = RobotMotion(self, topic) if topic else None
        if self._motion is not None:
            self._motion.close()
        self._motion, self._motion_topic = fresh, topic

    def _start(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            response.message = f'training {self.begin()}: progress is on ~/status'
            response.success = True
        except XmodalError as error:
            response.message = in_parameters(str(error))
        return response

    def _cancel(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self.run_status.running
        if self._process is not None and response.success:
            self._process.cancel()
            response.message = f'training of {self.run_status.bundle} is being stopped'
            self._publish()
        else:
            response.message = 'nothing is being trained'
        return response

    @guarded
    def _publish_changes(self) -> None:
        """Publish where the run stands now, and log what is new. In the executor's thread."""
        before, run_status = self._published, self.run_status
        self._publish()
        for note in run_status.notes[len(before.notes) :]:
            self.get_logger().info(note)
        if run_status.stage and run_status.stage != before.stage:
            self.get_logger().info(run_status.stage)
        if before.running and not run_status.running:
            if run_status.state == 'failed':
                self.get_logger().error(run_status.words)
            else:
                self.get_logger().info(run_status.words)
            self.publish_report()
            if parameters.flag(self, 'exit_at_end'):
                self._done.set()

    def _publish(self) -> None:
        self._published = self.run_status
        if self._status is not None:
            self._status.publish(String(data=self._published.as_json()))


def _number(value: float | None) -> str:
    return '' if value is None else f'{value:.4g}'
