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

"""What the classifiers of all modalities share: from a topic's bytes to published decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
import time
from typing import Any, Final, TYPE_CHECKING

from rcl_interfaces.msg import SetParametersResult
from rclpy.duration import Duration
from rclpy.parameter import Parameter as RosParameter
from vision_msgs.msg import Classification, LabelInfo

from xmodal_ros.errors import XmodalError
from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.input_settings import SensorInputSettings
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.parameter import Parameter
from xmodal_ros.ros import messages, parameters, qos
from xmodal_ros.ros.classifier_settings import (
    check_model,
    MODEL_PARAMETERS,
    ModelSettings,
    read_model,
    read_sensor_input,
    read_threshold,
    sensor_input_parameters,
    THRESHOLD,
)
from xmodal_ros.ros.diagnostics import ListeningNode
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.ros.parameter_tables import classifier_table
from xmodal_ros.ros.resources import Resources
from xmodal_ros.ros.sensor_input import SensorInput
from xmodal_ros.ros.sensor_inputs import SensorInputs
from xmodal_ros.ros.topic_reader import resolved
from xmodal_ros.runtime.health import Connection, HealthMonitor, Report
from xmodal_ros.runtime.latest_task import LatestTask
from xmodal_ros.streams.placement import describe

if TYPE_CHECKING:
    # torch comes with it; a node must start without, to say that it is missing.
    from xmodal_ros.runtime.engine import Engine, Prediction
    from xmodal_ros.runtime.pipeline import Feed

_ACKNOWLEDGE: Final = Duration(seconds=0, nanoseconds=500_000_000)


class ClassifierNode(ListeningNode):
    """Classifies one sensor's activity with one bundle; see docs/imu_classifier.md.

    It is called ``<modality>_classifier`` unless it is given a name. ``resources`` are shared
    with other classifiers of the process; ``further`` parameters come before those of the
    modality. Raises :class:`ConfigurationError` for a modality that there is not.

    Messages are taken in a thread of their own, windows classified and published in the
    inference thread; the executor's thread changes states and parameters, follows the graph and
    reports. Model, topic and everything else that decides on labels may be changed at any time:
    what is new is prepared aside while the old goes on deciding. ``model_changed`` is told of
    each model that decides.
    """

    def __init__(
        self,
        modality: str,
        name: str | None = None,
        resources: Resources | None = None,
        further: Sequence[Parameter] = (),
        **options: Any,
    ) -> None:
        self._modality = find_modality(modality)
        self._sensor_parameters = sensor_input_parameters(self._modality)
        self._shares = resources is not None
        self._resources = resources or Resources()
        self._sensor_inputs: SensorInputs | None = None
        # The model that is wanted, loaded; the one that decides may still be another.
        self._engine: Engine | None = None
        self._announced: Engine | None = None
        self._loaded = ModelSettings('', '', '')
        # What the parameters of the sensor input were when it was last changed.
        self._values_in_use: dict[str, Any] = {}
        self._activity: Any = None
        self._labels: Any = None
        self._last_label = ''
        self._restoring = False
        self._notice = self._input_notice = ''
        self.model_changed: Callable[[Path], None] = _ignore_model
        self._health = HealthMonitor(time.monotonic_ns)
        table = (*further, *classifier_table(self._modality))
        name = name or f'{modality}_classifier'
        super().__init__(name, f'{modality} classifier', table, **options)
        self._prepared = self.create_guard_condition(self._take_prepared)
        self._loading: LatestTask[Engine] = LatestTask(self._prepared.trigger)
        self.add_on_set_parameters_callback(self._check_changes)

    def configure(self) -> None:
        """Load the bundle, prove it and warm it up."""
        wanted = read_model(self._value)
        check_model(wanted, self._modality.name)
        # To fail now and not on the way to active.
        self._read_sensor_input(self._value)
        self.get_logger().info(f'loading {wanted.model}')
        self._engine = self._load(wanted, read_threshold(self._value))
        self._loaded, self._notice = wanted, ''
        self._activity = self.create_lifecycle_publisher(
            Classification, '~/activity', qos.RELIABLE
        )
        self._labels = self.create_publisher(LabelInfo, '~/labels', qos.LATCHED)
        self._announce_model()

    def activate(self) -> None:
        """Subscribe and begin to classify."""
        assert self._engine is not None  # noqa: S101 - inactive means configured
        self._sensor_inputs = SensorInputs(
            self._make_sensor_input,
            self._read_sensor_input(self._value),
            self._engine,
            self._resources.inference,
            parameters.whole(self, 'queue_size'),
            self._publish,
            self.failed,
            self._prepared.trigger,
            batching=parameters.flag(self, 'batching'),
        )
        self._values_in_use, self._input_notice = self._input_values(), ''
        self._last_label = ''
        self.get_logger().info(f'listening on {self._sensor_inputs.current.source.topic}')

    def deactivate(self) -> None:
        """Unsubscribe; what has been received is classified and published first."""
        if self._sensor_inputs is not None:
            self._sensor_inputs.close()
        self._sensor_inputs = None

    def cleanup(self) -> None:
        """Let the bundle go."""
        self._loading.forget()
        if self._activity is not None:
            # A publisher that goes takes along what its subscribers have not read yet.
            if self.context.ok():
                self._activity.wait_for_all_acked(_ACKNOWLEDGE)
            self.destroy_lifecycle_publisher(self._activity)
        if self._labels is not None:
            self.destroy_publisher(self._labels)
        self._activity = self._labels = self._engine = self._announced = None

    def stop(self) -> None:
        """Publish what is due, then end the inference thread too, unless others use it."""
        super().stop()
        if not self._shares:
            self._resources.close()

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take up what was set, without missing a label."""
        if self._engine is None or self._restoring:
            return
        if THRESHOLD in names:
            self._use_threshold()
            self._publish_labels()
        if names & MODEL_PARAMETERS:
            self._request_model()
        elif names & self._sensor_parameters:
            self._change_sensor_input()

    def time_jumped(self) -> None:
        """Start the stream anew: what has come belongs to the time before the jump."""
        if self._sensor_inputs is not None:
            self._sensor_inputs.reset()
            self.get_logger().info('ROS time jumped back: windows start anew')

    def look_at_graph(self) -> bool:
        """Follow the publishers; True when that changes what is wrong."""
        if self._sensor_inputs is None:
            return False
        before = self._sensor_inputs.current.problem
        self._sensor_inputs.follow()
        # Whoever prepared something has said so; should that have been lost, it ends here.
        self._apply_prepared()
        problem = self._sensor_inputs.current.problem
        if problem != before:
            self.warn(problem)
        return problem != before

    def report(self) -> Report:
        """Say how it is doing, and what is being changed."""
        sensor_inputs, model = self._sensor_inputs, self._describe_model()
        notice = self._describe_change()
        if sensor_inputs is None:
            return self._health.idle(self.state, self.problem or notice, model)
        # What has come meanwhile counts, or rates would differ from report to report.
        sensor_inputs.current.take()
        source = sensor_inputs.current.source
        connection = Connection(
            topic=source.topic,
            msgtype=source.msgtype,
            reliability=source.reliability,
            inputs=source.publishers,
            outputs=self._activity.get_subscription_count(),
            problem=sensor_inputs.current.problem,
            notice=notice,
            placement=describe(sensor_inputs.current.feed.placement),
            doubts=(
                # What is wrong with the data says more than how many send them.
                *self._doubts(sensor_inputs.current.feed, source.topic),
                *_several(source.publishers, source.topic),
            ),
        )
        return self._health.active(sensor_inputs.pipeline.counters(), connection, model)

    def _doubts(self, feed: Feed, topic: str) -> tuple[Problem, ...]:
        """Look into the newest messages; whatever they hold, the report is to be made."""
        try:
            return feed.problems(topic)
        except Exception as error:  # noqa: BLE001 - no input may keep diagnostics back
            self.failed('on looking into the data', error)
            return ()

    def _value(self, name: str) -> Any:
        return self.get_parameter(name).value

    def _read_sensor_input(self, get: Callable[[str], Any]) -> SensorInputSettings:
        settings = read_sensor_input(self._modality, get)
        resolved(self, settings.topic)
        if settings.info_topic:
            resolved(self, settings.info_topic)
        return settings

    def _check_changes(self, changes: list[RosParameter]) -> SetParametersResult:
        """Refuse what a configured classifier could not work with, and say why."""
        if self._engine is None or self._restoring:
            return SetParametersResult(successful=True)
        values = {each.name: each.value for each in changes}

        def get(name: str) -> Any:
            return values[name] if name in values else self._value(name)

        try:
            if values.keys() & MODEL_PARAMETERS:
                check_model(read_model(get), self._modality.name)
            if values.keys() & self._sensor_parameters:
                self._read_sensor_input(get)
            if THRESHOLD in values:
                read_threshold(get)
        except XmodalError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _request_model(self) -> None:
        """Load the model that the parameters name, beside everything else."""
        wanted, threshold = read_model(self._value), read_threshold(self._value)
        self._loading.order(lambda: self._load(wanted, threshold))

    def _load(self, wanted: ModelSettings, threshold: float | None) -> Engine:
        precision: Any = wanted.precision
        return self._resources.models.engine(
            wanted.path, wanted.device, precision, threshold, wanted.runtime
        )

    @guarded
    def _take_prepared(self) -> None:
        """Take up what other threads have prepared, and report. In the executor's thread."""
        self._apply_prepared()
        self.publish_report()

    def _apply_prepared(self) -> None:
        if self._sensor_inputs is not None:
            self._sensor_inputs.retire()
        outcome = self._loading.collect()
        if outcome is not None and outcome.value is not None:
            self._take_model(outcome.value)
        elif outcome is not None and outcome.error is not None:
            self._refuse_model(outcome.error)
        self._announce_model()

    def _take_model(self, engine: Engine) -> None:
        self._engine, self._loaded, self._notice = engine, read_model(self._value), ''
        self._use_threshold()
        self._change_sensor_input()

    def _change_sensor_input(self) -> None:
        """Listen as the parameters say, with the model that is wanted; or go on as before."""
        if self._sensor_inputs is None or self._engine is None:
            return
        try:
            self._sensor_inputs.change(self._read_sensor_input(self._value), self._engine)
        except XmodalError as error:
            self._input_notice = f'topic {self._value("topic")} was not taken: {error}'
            self.get_logger().error(self._input_notice)
            self._restore(self._values_in_use)
            self._sensor_inputs.change(self._read_sensor_input(self._value), self._engine)
        else:
            before = self._values_in_use
            self._values_in_use, self._input_notice = self._input_values(), ''
            for name, value in self._values_in_use.items():
                if value != before[name]:
                    self.get_logger().info(f'{name} is now {_plain(value)}')

    def _input_values(self) -> dict[str, Any]:
        return {
            each.name: self._value(each.name)
            for each in self.table
            if each.name in self._sensor_parameters
        }

    def _refuse_model(self, error: Exception) -> None:
        """Go on with the model there is, and let the parameters say so."""
        if not isinstance(error, XmodalError):
            self.failed('on loading a model', error)
        self._notice = f'model {self._value("model")} was not taken: {error}'
        self.get_logger().error(self._notice)
        kept = {'model': self._loaded.model, 'device': self._loaded.device}
        kept |= {'precision': self._loaded.precision, 'runtime': self._loaded.runtime}
        self._restore(kept)
        # What was set together with the model waits for it no longer.
        self._change_sensor_input()

    def _restore(self, values: dict[str, Any]) -> None:
        """Set parameters back to what still holds."""
        self._restoring = True
        try:
            self.set_parameters([RosParameter(name, value=values[name]) for name in values])
        finally:
            self._restoring = False

    def _make_sensor_input(self, settings: SensorInputSettings, engine: Engine) -> SensorInput:
        return SensorInput(self, self._modality, settings, engine, self.failed)

    def _use_threshold(self) -> None:
        threshold = read_threshold(self._value)
        in_use = self._sensor_inputs.engines if self._sensor_inputs is not None else []
        for engine in filter(None, [self._engine, *in_use]):
            of_bundle = engine.bundle.info.unknown_threshold
            engine.unknown_threshold = of_bundle if threshold is None else threshold

    def _deciding(self) -> Engine | None:
        return self._engine if self._sensor_inputs is None else self._sensor_inputs.engines[0]

    def _announce_model(self) -> None:
        """Say which model decides, where it is another than before."""
        engine = self._deciding()
        if engine is None or engine is self._announced:
            return
        self._announced = engine
        self._publish_labels()
        self.model_changed(engine.bundle.path)
        info, window = engine.bundle.info, engine.bundle.info.window
        self.get_logger().info(
            f'{engine.bundle.path} on {engine.bundle.device}: {len(info.labels)} activities, '
            f'windows of {window.length_ns / 1e9:g} s every {window.hop_ns / 1e9:g} s'
        )

    def _publish_labels(self) -> None:
        engine = self._deciding()
        if engine is None or self._labels is None:
            return
        stamp = self.get_clock().now().to_msg()
        labels = engine.bundle.info.labels
        self._labels.publish(messages.label_info(stamp, labels, engine.unknown_threshold))

    def _publish(self, prediction: Prediction) -> None:
        """Publish a decision. In the inference thread."""
        sensor_inputs = self._sensor_inputs
        frame = sensor_inputs.current.settings.frame if sensor_inputs is not None else ''
        self._activity.publish(
            messages.classification(
                prediction.stamp_ns, frame or prediction.frame_id, prediction.scores
            )
        )
        if prediction.label != self._last_label:
            self._last_label = prediction.label
            self.get_logger().info(f'{prediction.label} ({prediction.scores[0][1]:.2f})')

    def _describe_change(self) -> str:
        if self._loading.pending:
            return f'loading {self._value("model")}'
        change = self._sensor_inputs.describe_change() if self._sensor_inputs is not None else ''
        return change or self._notice or self._input_notice

    def _describe_model(self) -> dict[str, str]:
        engine = self._deciding()
        if engine is None:
            return {'model': str(self._value('model'))}
        return {
            'model': str(engine.bundle.path),
            'method': engine.bundle.info.method,
            'device': str(engine.bundle.device),
            'runtime': engine.bundle.runtime,
            'precision': engine.bundle.precision,
            **engine.memory(),
            'threshold for unknown': f'{engine.unknown_threshold:.3f}',
        }


def _several(publishers: int, topic: str) -> Iterator[Problem]:
    if publishers > 1:
        yield CHECKS['several-publishers'].found(
            f'{publishers} publishers share {topic}, whose messages are taken for those of one '
            'sensor'
        )


def _plain(value: Any) -> str:
    """Write a parameter's value: arrays come as arrays of Python's."""
    if isinstance(value, str | bool | int | float):
        return str(value) or 'none'
    return ', '.join(f'{each:g}' for each in value) or 'none'


def _ignore_model(_model: Path) -> None:
    """Stand for who wants to know of models."""
