"""What the classifiers of all modalities share: from a topic's bytes to published decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
import sys
import time
from typing import Any, Final, TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration
from vision_msgs.msg import Classification, LabelInfo

from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.nodes import messages, parameters, qos
from xmodal_ros.nodes.lifecycle import guarded, ManagedNode
from xmodal_ros.nodes.parameters import Parameter
from xmodal_ros.nodes.source import Source
from xmodal_ros.runtime.health import Connection, HealthMonitor
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.periodic import PeriodicThread
from xmodal_ros.runtime.pipeline import Pipeline
from xmodal_ros.sensors import Modality

if TYPE_CHECKING:
    # torch comes with it; a node must start without, to say that it is missing.
    from xmodal_ros.runtime.engine import Engine, Prediction

_DRAIN_PERIOD_S: Final = 0.01
_FOLLOW_PERIOD_S: Final = 0.5
_FINISH_S: Final = 2.0
_ACKNOWLEDGE: Final = Duration(seconds=0, nanoseconds=500_000_000)
# Simulators and players step back by whole runs; a clock's jitter is far below this.
_JUMP_BACK: Final = Duration(nanoseconds=-100_000_000)


class ClassifierNode(ManagedNode):
    """Classifies one sensor's activity with one bundle.

    Messages are taken in a thread of their own, windows classified and published in the
    inference thread; the executor's thread changes states, follows the graph and reports.
    """

    def __init__(
        self,
        name: str,
        modality: Modality,
        msgtypes: Sequence[str],
        table: Sequence[Parameter],
        **options: Any,
    ) -> None:
        self._modality = modality
        self._msgtypes = msgtypes
        self._inference = InferenceThread()
        self._engine: Engine | None = None
        self._source: Source | None = None
        self._pipeline: Pipeline | None = None
        self._drain: PeriodicThread | None = None
        self._activity: Any = None
        self._labels: Any = None
        self._said = ''
        self._health = HealthMonitor(time.monotonic_ns)
        super().__init__(name, table, **options)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.RELIABLE)
        period_s = parameters.number(self, 'diagnostics_period')
        self.create_timer(period_s, self._report, clock=steady)
        self.create_timer(_FOLLOW_PERIOD_S, self._follow, clock=steady)
        self._jump_handle = self.get_clock().create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=_JUMP_BACK, on_clock_change=False),
            post_callback=self._time_jumped,
        )

    def configure(self) -> None:
        """Load the bundle, prove it and warm it up."""
        self._engine = engine = self._load()
        engine.warm_up()
        info = engine.bundle.info
        self._activity = self.create_lifecycle_publisher(
            Classification, '~/activity', qos.RELIABLE
        )
        self._labels = self.create_publisher(LabelInfo, '~/labels', qos.LATCHED)
        self._publish_labels()
        self.get_logger().info(
            f'{engine.bundle.path} on {engine.bundle.device}: {len(info.labels)} activities, '
            f'windows of {info.window.length_ns / 1e9:g} s every {info.window.hop_ns / 1e9:g} s'
        )

    def activate(self) -> None:
        """Subscribe and begin to classify."""
        assert self._engine is not None  # noqa: S101 - inactive means configured
        self._source = Source(self, parameters.text(self, 'topic'), self._msgtypes)
        self._pipeline = Pipeline(
            self._engine,
            self._source.msgtype,
            self._inference,
            parameters.whole(self, 'queue_size'),
            self._publish,
            self.failed,
        )
        self._drain = PeriodicThread('intake', _DRAIN_PERIOD_S, self._take_messages)
        self.get_logger().info(f'listening on {self._source.topic}')

    def deactivate(self) -> None:
        """Unsubscribe; what has been received is classified and published first."""
        if self._drain is not None:
            self._drain.stop()
            self._take_messages()
        if self._source is not None:
            self._source.close()
        if self._pipeline is not None:
            self._pipeline.finish(_FINISH_S)
            self._pipeline.close()
        self._drain = self._source = self._pipeline = None

    def cleanup(self) -> None:
        """Let the bundle go."""
        if self._activity is not None:
            # A publisher that goes takes along what its subscribers have not read yet.
            self._activity.wait_for_all_acked(_ACKNOWLEDGE)
            self.destroy_lifecycle_publisher(self._activity)
        if self._labels is not None:
            self.destroy_publisher(self._labels)
        self._activity = self._labels = self._engine = None

    def stop(self) -> None:
        """Publish what is due, then end the inference thread too."""
        super().stop()
        self._inference.close()

    def parameters_changed(self, names: frozenset[str]) -> None:
        """Take up a new threshold."""
        if 'unknown_threshold' in names and self._engine is not None:
            wanted = self._threshold()
            of_bundle = self._engine.bundle.info.unknown_threshold
            self._engine.unknown_threshold = of_bundle if wanted is None else wanted
            self._publish_labels()

    def _load(self) -> Engine:
        model = parameters.text(self, 'model')
        if not model:
            raise ConfigurationError(
                "the parameter 'model' is not set: give the folder of a bundle, for example "
                '--ros-args -p model:=/models/imu'
            )
        try:
            from xmodal_ros.models.bundle import load_bundle, read_bundle_info
            from xmodal_ros.runtime.engine import choose_device, Engine, make_deterministic
        except ImportError as error:
            missing = error.name or str(error)
            raise ConfigurationError(
                f'the Python package {missing!r} is missing: install it for {sys.executable}, '
                f'for example with "{sys.executable} -m pip install {missing}"'
            ) from error
        path = Path(model).expanduser()
        modality = read_bundle_info(path).modality
        if modality != self._modality:
            raise BundleError(
                f'bundle {path} is for {modality}, this node classifies {self._modality}: '
                'choose another bundle or another node'
            )
        make_deterministic()
        device = choose_device(parameters.text(self, 'device'))
        return Engine(load_bundle(path, device), self._threshold())

    def _threshold(self) -> float | None:
        value = parameters.number(self, 'unknown_threshold')
        return None if value < 0 else value

    def _publish_labels(self) -> None:
        if self._engine is None or self._labels is None:
            return
        stamp = self.get_clock().now().to_msg()
        labels = self._engine.bundle.info.labels
        self._labels.publish(messages.label_info(stamp, labels, self._engine.unknown_threshold))

    def _publish(self, prediction: Prediction) -> None:
        """Publish a decision. In the inference thread."""
        self._activity.publish(
            messages.classification(prediction.stamp_ns, prediction.frame_id, prediction.scores)
        )
        if prediction.label != self._said:
            self._said = prediction.label
            self.get_logger().info(f'{prediction.label} ({prediction.scores[0][1]:.2f})')

    @guarded
    def _take_messages(self) -> None:
        """Take what has come. In the intake thread."""
        source, pipeline = self._source, self._pipeline
        if source is not None and pipeline is not None:
            pipeline.push(source.take)

    @guarded
    def _time_jumped(self, _jump: TimeJump) -> None:
        """Start the stream anew: what has come belongs to the time before the jump."""
        self._take_messages()
        if self._pipeline is not None:
            self._pipeline.reset()
            self.get_logger().info('ROS time jumped back: windows start anew')

    @guarded
    def _follow(self) -> None:
        """Adapt to the publishers there are, and report at once when that changes what fits."""
        if self._look_at_graph():
            self._publish_report()

    def _look_at_graph(self) -> bool:
        source, pipeline = self._source, self._pipeline
        if source is None or pipeline is None:
            return False
        before = source.problem
        if source.follow():
            pipeline.use_type(source.msgtype)
        if source.problem and source.problem != before:
            self.get_logger().warning(source.problem)
        return source.problem != before

    @guarded
    def _report(self) -> None:
        self._look_at_graph()
        self._publish_report()

    def _publish_report(self) -> None:
        model = dict(self._describe_model())
        if self._pipeline is not None and self._source is not None:
            connection = self._connection(self._source)
            report = self._health.active(self._pipeline.counters(), connection, model)
        else:
            report = self._health.idle(self.state, self.problem, model)
        self._diagnostics.publish(
            messages.diagnostics(
                self.get_clock().now().to_msg(),
                self.get_fully_qualified_name(),
                f'{self._modality} classifier',
                report,
            )
        )

    def _describe_model(self) -> Iterator[tuple[str, str]]:
        yield 'model', parameters.text(self, 'model')
        if self._engine is not None:
            yield 'method', self._engine.bundle.info.method
            yield 'device', str(self._engine.bundle.device)
            yield 'threshold for unknown', f'{self._engine.unknown_threshold:.3f}'

    def _connection(self, source: Source) -> Connection:
        return Connection(
            topic=source.topic,
            msgtype=source.msgtype,
            reliability=source.reliability,
            inputs=source.publishers,
            outputs=self._activity.get_subscription_count(),
            problem=source.problem,
        )
