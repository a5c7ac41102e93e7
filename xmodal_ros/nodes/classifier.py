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
from xmodal_ros.nodes import messages, parameters, qos
from xmodal_ros.nodes.classifier_settings import (
    check_model,
    InletSettings,
    ModelSettings,
    read_inlet,
    read_model,
    read_threshold,
)
from xmodal_ros.nodes.inlet import Inlet
from xmodal_ros.nodes.lifecycle import guarded
from xmodal_ros.nodes.parameters import Parameter
from xmodal_ros.nodes.reporting import ListeningNode
from xmodal_ros.nodes.resources import Resources
from xmodal_ros.nodes.source import resolved
from xmodal_ros.runtime.health import Connection, HealthMonitor, Report
from xmodal_ros.runtime.newest import NewestOrder
from xmodal_ros.runtime.pipeline import Pipeline
from xmodal_ros.sensors import Modality

if TYPE_CHECKING:
    # torch comes with it; a node must start without, to say that it is missing.
    from xmodal_ros.runtime.engine import Engine, Prediction

_FINISH_S: Final = 2.0
_ACKNOWLEDGE: Final = Duration(seconds=0, nanoseconds=500_000_000)


def _nobody(_model: Path) -> None:
    """Tell nobody."""


_MODEL: Final = ('model', 'device', 'precision')
_INLET: Final = (
    *('topic', 'frame_id', 'mounting_rotation', 'mounting_frame', 'region_of_interest'),
    *('info_topic', 'audio_rate', 'audio_channels', 'audio_format'),
)


class ClassifierNode(ListeningNode):
    """Classifies one sensor's activity with one bundle; docs/classifiers.md.

    Messages are taken in a thread of their own, windows classified and published in the
    inference thread; the executor's thread changes states and parameters, follows the graph and
    reports. Model, topic and everything else that decides on labels may be changed at any time:
    what is new is prepared aside while the old goes on deciding.
    """

    def __init__(
        self,
        name: str,
        modality: Modality,
        msgtypes: Sequence[str],
        table: Sequence[Parameter],
        resources: Resources | None = None,
        **options: Any,
    ) -> None:
        self._modality = modality
        self._msgtypes = msgtypes
        self._shares = resources is not None
        self._resources = resources or Resources()
        self._engine: Engine | None = None
        self._pipeline: Pipeline | None = None
        self._inlet: Inlet | None = None
        self._aside: Inlet | None = None
        self._activity: Any = None
        self._labels: Any = None
        self._said = ''
        # What the parameters said when the model that is loaded was asked for.
        self._loaded: ModelSettings | None = None
        self._restoring = False
        self._notice = ''
        self.model_changed: Callable[[Path], None] = _nobody
        self._health = HealthMonitor(time.monotonic_ns)
        super().__init__(name, f'{modality} classifier', table, **options)
        self._changed = self.create_guard_condition(self._settle)
        self._orders: NewestOrder[Engine] = NewestOrder(self._changed.trigger)
        self.add_on_set_parameters_callback(self._judge)

    def configure(self) -> None:
        """Load the bundle, prove it and warm it up."""
        wanted = read_model(self._value)
        check_model(wanted, self._modality)
        # To fail now and not on the way to active.
        self._read_inlet(self._value)
        self.get_logger().info(f'loading {wanted.model}')
        self._engine = engine = self._load(wanted, read_threshold(self._value))
        self._loaded, self._notice = wanted, ''
        self._activity = self.create_lifecycle_publisher(
            Classification, '~/activity', qos.RELIABLE
        )
        self._labels = self.create_publisher(LabelInfo, '~/labels', qos.LATCHED)
        self._introduce(engine)

    def activate(self) -> None:
        """Subscribe and begin to classify."""
        assert self._engine is not None  # noqa: S101 - inactive means configured
        self._inlet = inlet = self._make_inlet(self._read_inlet(self._value), self._engine)
        self._pipeline = Pipeline(
            inlet.feed,
            self._resources.inference,
            parameters.whole(self, 'queue_size'),
            self._publish,
            self.failed,
            self._changed.trigger,
        )
        inlet.start(self._pipeline)
        self.get_logger().info(f'listening on {inlet.source.topic}')

    def deactivate(self) -> None:
        """Unsubscribe; what has been received is classified and published first."""
        self._drop_aside()
        if self._inlet is not None:
            self._inlet.stop()
            self._inlet.take()
            self._inlet.close()
        if self._pipeline is not None:
            self._pipeline.finish(_FINISH_S)
            self._pipeline.close()
        self._inlet = self._pipeline = None

    def cleanup(self) -> None:
        """Let the bundle go."""
        self._orders.forget()
        if self._activity is not None:
            # A publisher that goes takes along what its subscribers have not read yet.
            self._activity.wait_for_all_acked(_ACKNOWLEDGE)
            self.destroy_lifecycle_publisher(self._activity)
        if self._labels is not None:
            self.destroy_publisher(self._labels)
        self._activity = self._labels = self._engine = self._loaded = None

    def stop(self) -> None:
        """Publish what is due, then end the inference thread too, unless others use it."""
        super().stop()
        if not self._shares:
            self._resources.close()

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take up what was set, without missing a label."""
        if self._engine is None or self._restoring:
            return
        if 'unknown_threshold' in names:
            self._use_threshold()
        if names & {*_MODEL}:
            self._order_model()
        elif names & {*_INLET} and self._pipeline is not None:
            self._arrange(self._engine)

    def time_jumped(self) -> None:
        """Start the stream anew: what has come belongs to the time before the jump."""
        pipeline = self._pipeline
        if pipeline is None:
            return
        for inlet in self._inlets():
            inlet.take()
        pipeline.reset()
        self.get_logger().info('ROS time jumped back: windows start anew')

    def look_at_graph(self) -> bool:
        """Follow the publishers; True when that changes what is wrong."""
        if self._inlet is None:
            return False
        before = self._inlet.problem
        for inlet in self._inlets():
            inlet.follow()
        problem = self._inlet.problem
        if problem and problem != before:
            self.get_logger().warning(problem)
        return problem != before

    def report(self) -> Report:
        """Say how it is doing, and what is being changed."""
        inlet, pipeline = self._inlet, self._pipeline
        model = self._describe_model()
        if inlet is None or pipeline is None:
            return self._health.idle(self.state, self.problem or self._notice, model)
        source = inlet.source
        connection = Connection(
            topic=source.topic,
            msgtype=source.msgtype,
            reliability=source.reliability,
            inputs=source.publishers,
            outputs=self._activity.get_subscription_count(),
            problem=inlet.problem,
            notice=self._notice or self._describe_aside(),
        )
        return self._health.active(pipeline.counters(), connection, model)

    def _inlets(self) -> list[Inlet]:
        return [inlet for inlet in (self._inlet, self._aside) if inlet is not None]

    def _value(self, name: str) -> Any:
        return self.get_parameter(name).value

    @property
    def _frame(self) -> str:
        inlet = self._inlet
        return '' if inlet is None else inlet.settings.frame

    def _read_inlet(self, get: Any) -> InletSettings:
        settings = read_inlet(self._modality, get)
        resolved(self, settings.topic)
        return settings

    def _judge(self, changes: list[RosParameter]) -> SetParametersResult:
        """Refuse what a configured classifier could not work with, and say why."""
        if self._engine is None or self._restoring:
            return SetParametersResult(successful=True)
        values = {each.name: each.value for each in changes}

        def get(name: str) -> Any:
            return values[name] if name in values else self._value(name)

        try:
            if values.keys() & {*_MODEL}:
                check_model(read_model(get), self._modality)
            if values.keys() & {*_INLET}:
                self._read_inlet(get)
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
        """Finish what another thread has prepared. In the executor's thread."""
        self._retire_inlet()
        outcome = self._orders.collect()
        if outcome is None:
            return
        if outcome.value is not None:
            self._loaded, self._notice = read_model(self._value), ''
            self._engine = outcome.value
            self._use_threshold()
            self._arrange(outcome.value)
        elif outcome.error is not None:
            self._refuse_model(outcome.error)
        self.publish_report()

    def _refuse_model(self, error: Exception) -> None:
        """Go on with the model there is, and let the parameters say so."""
        if not isinstance(error, XmodalError):
            self.failed('on loading a model', error)
        wanted, kept = read_model(self._value), self._loaded
        self._notice = f'model {wanted.model} was not taken: {error}'
        self.get_logger().error(self._notice)
        if kept is None:
            return
        self._restoring = True
        try:
            self.set_parameters([RosParameter(name, value=getattr(kept, name)) for name in _MODEL])
        finally:
            self._restoring = False

    def _arrange(self, engine: Engine) -> None:
        """Let the model and the inlet that are wanted take the place of those there are."""
        self._retire_inlet()
        inlet, pipeline = self._inlet, self._pipeline
        if inlet is None or pipeline is None:
            self._introduce(engine)
            return
        wanted = self._read_inlet(self._value)
        if inlet.feed.fits(engine):
            if inlet.feed.engine is not engine:
                inlet.feed.engine = engine
                self._introduce(engine)
            if inlet.settings == wanted:
                self._drop_aside()
                return
        aside = self._aside
        if aside is not None and aside.settings == wanted and aside.feed.fits(engine):
            aside.feed.engine = engine
            return
        self._drop_aside()
        self._aside = aside = self._make_inlet(wanted, engine)
        pipeline.prepare(aside.feed)
        aside.start(pipeline)

    def _retire_inlet(self) -> None:
        """Let go the inlet that another one has followed."""
        pipeline, old, new = self._pipeline, self._inlet, self._aside
        if pipeline is None or old is None or new is None or pipeline.feed is not new.feed:
            return
        self._inlet, self._aside = new, None
        old.close()
        if old.source.topic != new.source.topic:
            self.get_logger().info(f'listening on {new.source.topic}')
        if old.feed.engine is not new.feed.engine:
            self._introduce(new.feed.engine)

    def _drop_aside(self) -> None:
        aside, self._aside = self._aside, None
        if self._pipeline is not None:
            self._pipeline.abandon()
        if aside is not None:
            aside.close()

    def _make_inlet(self, settings: InletSettings, engine: Engine) -> Inlet:
        return Inlet(self, self._modality, self._msgtypes, settings, engine, self.failed)

    def _use_threshold(self) -> None:
        threshold = read_threshold(self._value)
        engines = [self._engine, *(inlet.feed.engine for inlet in self._inlets())]
        for engine in filter(None, engines):
            of_bundle = engine.bundle.info.unknown_threshold
            engine.unknown_threshold = of_bundle if threshold is None else threshold
        self._publish_labels()

    def _deciding(self) -> Engine | None:
        return self._engine if self._inlet is None else self._inlet.feed.engine

    def _introduce(self, engine: Engine) -> None:
        """Say which model decides from now on."""
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
        frame = self._frame or prediction.frame_id
        self._activity.publish(
            messages.classification(prediction.stamp_ns, frame, prediction.scores)
        )
        if prediction.label != self._said:
            self._said = prediction.label
            self.get_logger().info(f'{prediction.label} ({prediction.scores[0][1]:.2f})')

    def _describe_aside(self) -> str:
        if self._orders.pending:
            return f'loading {self._value("model")}'
        if self._aside is None:
            return ''
        reason = self._aside.problem or 'its first window is not full yet'
        return f'changing to {self._aside.source.topic}, not there yet: {reason}'

    def _describe_model(self) -> dict[str, str]:
        values = {'model': str(self._value('model'))}
        engine = self._deciding()
        if engine is not None:
            values |= {
                'model': str(engine.bundle.path),
                'method': engine.bundle.info.method,
                'device': str(engine.bundle.device),
                'precision': engine.bundle.precision,
                **engine.memory(),
                'threshold for unknown': f'{engine.unknown_threshold:.3f}',
            }
        return values
