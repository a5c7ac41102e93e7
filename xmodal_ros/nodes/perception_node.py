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

"""The process ``perception``: the classifiers of all sensors and the selector in one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from rcl_interfaces.msg import SetParametersResult
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.models.configuration_bundle import is_bundle
from xmodal_ros.nodes.activity_selector_node import ActivitySelector
from xmodal_ros.ros import parameter_tables, parameters
from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.diagnostics import ListeningNode
from xmodal_ros.ros.resources import Resources
from xmodal_ros.ros.sensor_table import read_sensors, SensorEntry

_NAME: Final = 'perception'
_PREFIX: Final = 'sensors'


class Perception:
    """One node a sensor that has a model, and the selector; see docs/perception.md.

    They share one inference thread, and models in memory. Each remains a node of its own, with
    the name, parameters and services that it has when started alone. Raises
    :class:`ConfigurationError` where the table of sensors cannot be used.
    """

    def __init__(self) -> None:
        self._table = _TableNode()
        self._resources = Resources()
        self._nodes: list[ListeningNode] = []
        self._classifiers: list[ClassifierNode] = []
        self._selector: ActivitySelector | None = None
        try:
            self._make_nodes()
        except BaseException:
            # Nodes nobody gets would stay on the graph under their names.
            self.destroy_node()
            self._resources.close()
            raise

    @property
    def members(self) -> Sequence[Node]:
        """The nodes to spin."""
        return (self._table, *self._nodes)

    def start(self) -> None:
        """Configure and activate all of them; one that cannot says so and keeps none waiting."""
        for node in self._nodes:
            node.start()
        for node in self._nodes:
            node.begin_period()

    def stop(self) -> None:
        """Publish what is due; the selector goes last, for it listens to the others."""
        for node in self._nodes:
            node.stop()
        self._resources.close()

    def destroy_node(self) -> None:
        """Leave the graph."""
        for node in self.members:
            node.destroy_node()

    def get_logger(self) -> RcutilsLogger:
        """Give the logger of what concerns all of them."""
        return self._table.get_logger()

    def _make_nodes(self) -> None:
        entries = [entry for entry in self._table.sensors if entry.model]
        if not entries:
            raise ConfigurationError(
                'no sensor has a model: give a bundle, for example with the launch argument '
                'imu_model:=/models/imu, or -p sensors.imu.model:=/models/imu, or in params_file '
                'sensors: {imu: {topic: /imu/data, model: /models/imu}}'
            )
        for entry in entries:
            node = self._classifier(entry)
            self._classifiers.append(node)
            self._nodes.append(node)
        if parameters.flag(self._table, 'selector'):
            self._selector = self._make_selector(entries)
            self._nodes.append(self._selector)
        self._refuse_equal_names()
        parameters.warn_of_unknown(self._table, self._table.others, self._nodes)

    def _classifier(self, entry: SensorEntry) -> ClassifierNode:
        node = ClassifierNode(
            entry.modality,
            name=f'{entry.name}_classifier',
            resources=self._resources,
            parameter_overrides=self._table.overrides(entry.classifier),
        )
        node.model_changed = partial(self._tell_selector, entry.name)
        return node

    def _make_selector(self, entries: Sequence[SensorEntry]) -> ActivitySelector:
        values: dict[str, Any] = {'source_names': [entry.name for entry in entries]}
        for entry, node in zip(entries, self._classifiers, strict=True):
            # By its name as it is: it may have been renamed.
            topic = f'{node.get_fully_qualified_name()}/activity'
            given = {'topic': topic, **entry.selector}
            # One that cannot be read is its classifier's to report, and no reason not to choose
            # among the others; once it is corrected the selector is told.
            if is_bundle(Path(entry.model).expanduser()):
                given['model'] = entry.model
            values |= {f'sources.{entry.name}.{key}': value for key, value in given.items()}
        return ActivitySelector(parameter_overrides=self._table.overrides(values))

    def _refuse_equal_names(self) -> None:
        names = Counter(node.get_fully_qualified_name() for node in self.members)
        name, count = names.most_common(1)[0]
        if count > 1:
            raise ConfigurationError(
                f'{count} nodes of this process are called {name}: rename one of them, for '
                'example with -r imu_classifier:__node:=imu_front_classifier; __node:= alone is '
                "the name of the one that holds the table of sensors, 'perception' by itself"
            )

    def _tell_selector(self, sensor: str, model: Path) -> None:
        """Let the selector weigh a source by the model that it has now."""
        if self._selector is not None:
            name = f'sources.{sensor}.model'
            result = self._selector.set_parameters([RosParameter(name, value=str(model))])[0]
            if not result.successful:
                self.get_logger().warning(f'{sensor} weighs as much as before: {result.reason}')


class _TableNode(Node):
    """Holds the table of sensors, for people and tools to look at."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_NAME, automatically_declare_parameters_from_overrides=True, **options)
        try:
            self._declare()
            #: Parameters given that are not of the table; other nodes here may have them.
            self.others = self._undescribed()
            given = self.get_parameters_by_prefix(_PREFIX)
            self.sensors = read_sensors({name: each.value for name, each in given.items()})
        except BaseException:
            # Nobody gets it who could destroy it.
            self.destroy_node()
            raise
        self.add_on_set_parameters_callback(self._refuse)

    def overrides(self, values: Mapping[str, Any]) -> list[RosParameter]:
        """Give a node's parameters: these, and what holds for all of them."""
        shared = {
            'autostart': parameters.flag(self, 'autostart'),
            'diagnostics_period': parameters.number(self, 'diagnostics_period'),
        }
        return [RosParameter(name, value=value) for name, value in {**shared, **values}.items()]

    def _declare(self) -> None:
        for each in parameter_tables.PERCEPTION:
            if self.has_parameter(each.name):
                # What was given is taken up again, with its description and range.
                self.undeclare_parameter(each.name)
        parameters.declare(self, parameter_tables.PERCEPTION)

    def _undescribed(self) -> list[str]:
        known = {each.name for each in parameter_tables.PERCEPTION}
        return [
            name
            for name in parameters.given_at_start(self)
            if name not in known and not name.startswith(f'{_PREFIX}.')
        ]

    def _refuse(self, changes: list[RosParameter]) -> SetParametersResult:
        for change in changes:
            if change.name.startswith(f'{_PREFIX}.') and not (
                self.has_parameter(change.name)
                and parameters.has_value(self, change.name, change.value)
            ):
                sensor, _, field = change.name.removeprefix(f'{_PREFIX}.').partition('.')
                node = f'{self.get_namespace().rstrip("/")}/{sensor}_classifier'
                return SetParametersResult(
                    successful=False,
                    reason=f'the table is read at start; set {field!r} of {node} instead',
                )
        return SetParametersResult(successful=True)
