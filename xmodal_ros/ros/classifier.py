"""What the classifiers of all modalities share: from a topic's bytes to published decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
import time
from typing import Any, Final, TYPE_CHECKING

from rcl_interfaces.msg import SetParametersResult
from rclpy.duration import Duration
from rclpy.parameter import Parameter as RosParameter
from vision_msgs.msg import Classification, LabelInfo

from xmodal_ros.errors import XmodalError
from xmodal_ros.ros import messages, parameters, qos
from xmodal_ros.ros.classifier_settings import (
    check_model,
    MODEL_PARAMETERS,
    ModelSettings,
    read_model,
    read_sensor_input,
    read_threshold,
    SENSOR_INPUT_PARAMETERS,
    SensorInputSettings,
    THRESHOLD,
)
from xmodal_ros.ros.diagnostics import ListeningNode
from xmodal_ros.ros.lifecycle import guarded
from xmodal_ros.ros.parameters import Parameter
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

_ACKNOWLEDGE: Final = Duration(seconds=0, nanoseconds=500_000_000)


class ClassifierNode(ListeningNode):
    """Classifies one sensor's activity with one bundle; see docs/imu_classifier.md.

    Messages are taken in a thread of their own, windows classified and published in the
    inference thread; the executor's thread changes states and parameters, follows the graph and
    reports. Model, topic and everything else that decides on labels may be changed at any time:
    what is new is prepared aside while the old goes on deciding. ``model_changed`` is told of
    each model that decides.
    """

    def __init__(
        self,
        name: str,
        modality: str,
        msgtypes: Sequence[str],
        table: Sequence[Parameter],
        resources: Resources | None = None,
        **options: Any,
    ) -> None:
        self._modality = modality
        self._msgtypes = msgtypes
        self._shares = resources is not None
        self._resources = resources or Resources()
        self._sensor_inputs: SensorInputs | None = None
        # The model that is wanted, loaded; the one that decides may still be another.
        self._engine: Engine | None = None
        self._introduced: Engine | None = None
        self._loaded = ModelSettings('', '', '')
        # What the parameters of the inlet were when it was last changed.
        self._heard: dict[str, Any] = {}
        self._activity: Any = None
        self._labels: Any = None
        self._said = ''
        self._restoring = False
        self._notice = self._inlet_notice = ''
        self.model_changed: Callable[[Path], None] = _tell_nobody
        self._health = HealthMonitor(time.monotonic_ns)
        super().__init__(name, f'{modality} classifier', table, **options)
        self._prepared = self.create_guard_condition(self._settle)
        self._orders: LatestTask[Engine] = LatestTask(self._prepared.trigger)
        self.add_on_set_parameters_callback(self._judge)

    def configure(self) -> None:
        """Load the bundle, prove it and warm it up."""
        wanted = read_model(self._value)
        check_model(wanted, self._modality)
        # To fail now and not on the way to active.
        self._read_inlet(self._value)
        self.get_logger().info(f'loading {wanted.model}')
        self._engine = self._load(wanted, read_threshold(self._value))
        self._loaded, self._notice = wanted, ''
        self._activity = self.create_lifecycle_publisher(
            Classification, '~/activity', qos.RELIABLE
        )
        self._labels = self.create_publisher(LabelInfo, '~/labels', qos.LATCHED)
        self._introduce()

    def activate(self) -> None:
        """Subscribe and begin to classify."""
        assert self._engine is not None  # noqa: S101 - inactive means configured
        self._sensor_inputs = SensorInputs(
            self._make_inlet,
            self._read_inlet(self._value),
            self._engine,
            self._resources.inference,
            parameters.whole(self, 'queue_size'),
            self._publish,
            self.failed,
            self._prepared.trigger,
        )
        self._heard, self._inlet_notice = self._inlet_values(), ''
        self._said = ''
        self.get_logger().info(f'listening on {self._sensor_inputs.current.source.topic}')

    def deactivate(self) -> None:
        """Unsubscribe; what has been received is classified and published first."""
        if self._sensor_inputs is not None:
            self._sensor_inputs.close()
        self._sensor_inputs = None

    def cleanup(self) -> None:
        """Let the bundle go."""
        self._orders.forget()
        if self._activity is not None:
            # A publisher that goes takes along what its subscribers have not read yet.
            self._activity.wait_for_all_acked(_ACKNOWLEDGE)
            self.destroy_lifecycle_publisher(self._activity)
        if self._labels is not None:
            self.destroy_publisher(self._labels)
        self._activity = self._labels = self._engine = self._introduced = None

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
            self._order_model()
        elif names & SENSOR_INPUT_PARAMETERS:
            self._change_inlet()

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
        self._take_up()
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
        )
        return self._health.active(sensor_inputs.pipeline.counters(), connection, model)

    def _value(self, name: str) -> Any:
        return self.get_parameter(name).value

    def _read_inlet(self, get: Callable[[str], Any]) -> SensorInputSettings:
        settings = read_sensor_input(self._modality, get)
        resolved(self, settings.topic)
        if settings.info_topic:
            resolved(self, settings.info_topic)
        return settings

    def _judge(self, changes: list[RosParameter]) -> SetParametersResult:
        """Refuse what a configured classifier could not work with, and say why."""
        if self._engine is None or self._restoring:
            return SetParametersResult(successful=True)
        values = {each.name: each.value for each in changes}

        def get(name: str) -> Any:
            return values[name] if name in values else self._value(name)

        try:
            if values.keys() & MODEL_PARAMETERS:
                check_model(read_model(get), self._modality)
            if values.keys() & SENSOR_INPUT_PARAMETERS:
                self._read_inlet(get)
            if THRESHOLD in values:
                read_threshold(get)
        except XmodalError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _order_model(self) -> None:
        """Load the model that the parameters name, beside everything else."""
        wanted, threshold = read_model(self._value), read_threshold(self._value)
        self._orders.order(lambda: self._load(wanted, threshold))

    def _load(self, wanted: ModelSettings, threshold: float | None) -> Engine:
        precision: Any = wanted.precision
        return self._resources.models.engine(wanted.path, wanted.device, precision, threshold)

    @guarded
    def _settle(self) -> None:
        """Take up what other threads have prepared, and report. In the executor's thread."""
        self._take_up()
        self.publish_report()

    def _take_up(self) -> None:
        if self._sensor_inputs is not None:
            self._sensor_inputs.retire()
        outcome = self._orders.collect()
        if outcome is not None and outcome.value is not None:
            self._take_model(outcome.value)
        elif outcome is not None and outcome.error is not None:
            self._refuse_model(outcome.error)
        self._introduce()

    def _take_model(self, engine: Engine) -> None:
        self._engine, self._loaded, self._notice = engine, read_model(self._value), ''
        self._use_threshold()
        self._change_inlet()

    def _change_inlet(self) -> None:
        """Listen as the parameters say, with the model that is wanted; or go on as before."""
        if self._sensor_inputs is None or self._engine is None:
            return
        try:
            self._sensor_inputs.change(self._read_inlet(self._value), self._engine)
        except XmodalError as error:
            self._inlet_notice = f'topic {self._value("topic")} was not taken: {error}'
            self.get_logger().error(self._inlet_notice)
            self._restore(self._heard)
            self._sensor_inputs.change(self._read_inlet(self._value), self._engine)
        else:
            before, self._heard, self._inlet_notice = self._heard, self._inlet_values(), ''
            for name, value in self._heard.items():
                if value != before[name]:
                    self.get_logger().info(f'{name} is now {_plain(value)}')

    def _inlet_values(self) -> dict[str, Any]:
        return {
            each.name: self._value(each.name)
            for each in self.table
            if each.name in SENSOR_INPUT_PARAMETERS
        }

    def _refuse_model(self, error: Exception) -> None:
        """Go on with the model there is, and let the parameters say so."""
        if not isinstance(error, XmodalError):
            self.failed('on loading a model', error)
        self._notice = f'model {self._value("model")} was not taken: {error}'
        self.get_logger().error(self._notice)
        kept = {'model': self._loaded.model, 'device': self._loaded.device}
        kept['precision'] = self._loaded.precision
        self._restore(kept)
        # What was set together with the model waits for it no longer.
        self._change_inlet()

    def _restore(self, values: dict[str, Any]) -> None:
        """Set parameters back to what still holds."""
        self._restoring = True
        try:
            self.set_parameters([RosParameter(name, value=values[name]) for name in values])
        finally:
            self._restoring = False

    def _make_inlet(self, settings: SensorInputSettings, engine: Engine) -> SensorInput:
        return SensorInput(self, self._modality, self._msgtypes, settings, engine, self.failed)

    def _use_threshold(self) -> None:
        threshold = read_threshold(self._value)
        of_inlets = self._sensor_inputs.engines if self._sensor_inputs is not None else []
        for engine in filter(None, [self._engine, *of_inlets]):
            of_bundle = engine.bundle.info.unknown_threshold
            engine.unknown_threshold = of_bundle if threshold is None else threshold

    def _deciding(self) -> Engine | None:
        return self._engine if self._sensor_inputs is None else self._sensor_inputs.engines[0]

    def _introduce(self) -> None:
        """Say which model decides, where it is another than before."""
        engine = self._deciding()
        if engine is None or engine is self._introduced:
            return
        self._introduced = engine
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
        if prediction.label != self._said:
            self._said = prediction.label
            self.get_logger().info(f'{prediction.label} ({prediction.scores[0][1]:.2f})')

    def _describe_change(self) -> str:
        if self._orders.pending:
            return f'loading {self._value("model")}'
        change = self._sensor_inputs.describe_change() if self._sensor_inputs is not None else ''
        return change or self._notice or self._inlet_notice

    def _describe_model(self) -> dict[str, str]:
        engine = self._deciding()
        if engine is None:
            return {'model': str(self._value('model'))}
        return {
            'model': str(engine.bundle.path),
            'method': engine.bundle.info.method,
            'device': str(engine.bundle.device),
            'precision': engine.bundle.precision,
            **engine.memory(),
            'threshold for unknown': f'{engine.unknown_threshold:.3f}',
        }


def _plain(value: Any) -> str:
    """Write a parameter's value: arrays come as arrays of Python's."""
    if isinstance(value, str | bool | int | float):
        return str(value) or 'none'
    return ', '.join(f'{each:g}' for each in value) or 'none'


def _tell_nobody(_model: Path) -> None:
    """Stand for who wants to know of models."""
