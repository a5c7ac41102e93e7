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

"""Parameters of live nodes are set to anything: taken as given, or refused with a reason."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import itertools
import math
from pathlib import Path
import re
import subprocess
import sys
from typing import Any, Final

from hypothesis import given, HealthCheck, Phase, settings
from hypothesis import strategies as st
from lifecycle_msgs.msg import Transition
import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue, SetParametersResult
from rcl_interfaces.srv import GetParameters, SetParameters, SetParametersAtomically
from rclpy.parameter import Parameter as RosParameter
from rclpy.parameter import parameter_value_to_python

from test.live.graph import NodeProcess, running, Status, Watcher
from test.live.test_failover import make_models
from test.live.transitions import PATH_TO
from test.ros.parameter_values import held, numbers, texts, wholes
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.parameter import Parameter as Row
from xmodal_ros.ros import parameter_tables
from xmodal_ros.ros.classifier_settings import MODEL_PARAMETERS
from xmodal_ros.ros.selector_parameters import ACTIVITY_SELECTOR, source_table
from xmodal_ros.runtime import health

CLASSIFIERS = ('imu', 'camera', 'audio')
SELECTOR = '/activity_selector'
OF_SENSORS: Final = frozenset(
    {
        *('topic', 'frame_id'),
        *(row.name for name in CLASSIFIERS for row in find_modality(name).node_parameters),
    }
)
TABLES: Final[Mapping[str, Sequence[Row]]] = {
    **{
        f'/{name}_classifier': parameter_tables.classifier_table(find_modality(name))
        for name in CLASSIFIERS
    },
    SELECTOR: (*ACTIVITY_SELECTOR, *(row for name in CLASSIFIERS for row in source_table(name))),
    '/perception': parameter_tables.PERCEPTION,
}
# Names that are in no table, some of which ROS knows.
FURTHER: Final = st.one_of(
    st.sampled_from(
        [
            'use_sim_time',
            'qos_overrides./imu/data.subscription.depth',
            'sensors.imu.topic',
            'model.x',
        ]
    ),
    texts,
)
_FIELDS: Final = {
    ParameterType.PARAMETER_BOOL: ('bool_value', st.booleans()),
    ParameterType.PARAMETER_INTEGER: ('integer_value', wholes),
    ParameterType.PARAMETER_DOUBLE: ('double_value', numbers),
    ParameterType.PARAMETER_STRING: ('string_value', texts),
    ParameterType.PARAMETER_BYTE_ARRAY: (
        'byte_array_value',
        st.lists(st.integers(0, 255).map(lambda value: bytes([value])), max_size=4),
    ),
    ParameterType.PARAMETER_BOOL_ARRAY: ('bool_array_value', st.lists(st.booleans(), max_size=4)),
    ParameterType.PARAMETER_INTEGER_ARRAY: ('integer_array_value', st.lists(wholes, max_size=4)),
    ParameterType.PARAMETER_DOUBLE_ARRAY: ('double_array_value', st.lists(numbers, max_size=5)),
    ParameterType.PARAMETER_STRING_ARRAY: ('string_array_value', st.lists(texts, max_size=4)),
}


@st.composite
def messages(draw: st.DrawFn) -> ParameterValue:
    """A value of any type, of none, and of types that do not exist."""
    kind = draw(st.sampled_from([*_FIELDS, ParameterType.PARAMETER_NOT_SET, 77, 255]))
    if kind not in _FIELDS:
        return ParameterValue(type=kind)
    field, values = _FIELDS[kind]
    return ParameterValue(type=kind, **{field: draw(values)})


def fitting(row: Row) -> st.SearchStrategy[ParameterValue]:
    """A value that passes ROS's own checks, for ours to judge."""

    def as_message(value: Any) -> ParameterValue:
        plain = list(value) if isinstance(value, array) else value
        return RosParameter(row.name, value=plain).get_parameter_value()

    return held(row).map(as_message)


def changes(rows: Sequence[Row]) -> st.SearchStrategy[list[Parameter]]:
    """Up to three parameters at once, some of them twice."""

    def change(row: Row) -> st.SearchStrategy[Parameter]:
        values = st.one_of(fitting(row), messages())
        return values.map(lambda value: Parameter(name=row.name, value=value))

    known = st.sampled_from(list(rows)).flatmap(change)
    other = st.builds(lambda name, value: Parameter(name=name, value=value), FURTHER, messages())
    return st.lists(st.one_of(known, known, known, other), min_size=1, max_size=3)


@dataclass(frozen=True)
class Robot:
    """Three classifiers and the selector in one process, and the sensors they listen to."""

    watcher: Watcher
    process: NodeProcess
    given: Mapping[str, Mapping[str, ParameterValue]]

    def read(self, node: str, names: Sequence[str]) -> list[Any]:
        """Give the values of parameters that are declared, in ROS's words for them."""
        request = GetParameters.Request(names=names)
        values = self.watcher.call(GetParameters, f'{node}/get_parameters', request).values
        assert len(values) == len(names), f'{node} has lost one of {names}'
        return [comparable(value) for value in values]

    def set(
        self, node: str, wanted: Sequence[Parameter], *, atomically: bool
    ) -> list[SetParametersResult]:
        """Set parameters; gives what becomes of each."""
        kind = SetParametersAtomically if atomically else SetParameters
        service = f'{node}/set_parameters' + ('_atomically' if atomically else '')
        response = self.watcher.call(kind, service, kind.Request(parameters=list(wanted)))
        if atomically:
            return [response.result] * len(wanted)
        return list(response.results)

    def restore(self, node: str) -> None:
        """Set everything that may be set back to what it was at first."""
        for name, value in self.given[node].items():
            self.set(node, [Parameter(name=name, value=value)], atomically=False)
        now = ParameterValue(type=ParameterType.PARAMETER_BOOL)
        assert self.set(node, [Parameter(name='use_sim_time', value=now)], atomically=False)

    def bring(self, node: str, state: str) -> None:
        """Bring a node to a state; a node that is none of the lifecycle has but one."""
        if node == '/perception':
            return
        while (now := self.watcher.state(node)) != 'unconfigured':
            back = {
                'active': Transition.TRANSITION_DEACTIVATE,
                'inactive': Transition.TRANSITION_CLEANUP,
            }
            assert self.watcher.change(node, back[now])
        for transition in PATH_TO[state]:
            assert self.watcher.change(node, transition), self.process.log

    def settle(self, node: str) -> None:
        """Wait until a node loads no model any more, and has taken up what was set with it."""
        for _ in range(2):
            # The first of them may have been under way when the model was set.
            self.watcher.wait_for_status(node, lambda s: 'loading ' not in s[1] + _change(s))

    def check_labels_go_on(self, node: str) -> None:
        key = 'decisions, decided' if node == SELECTOR else health.WINDOWS
        status = self.watcher.wait_for_status(node, lambda s: key in s[2])
        before = int(status[2][key])
        self.watcher.wait_for_status(node, lambda s: int(s[2].get(key, 0)) > before + 2)


def _change(status: Status) -> str:
    return status[2].get('change', '')


def taken_back(said: str, accepted: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Give by its name what a parameter may be again that was accepted, tried and taken back.

    ``said`` is the log of that time, where it must be told; ``accepted`` are the values before.
    """
    found: dict[str, list[Any]] = {}
    if 'was not taken: ' in said:
        # A model that fails on loading, or a topic that cannot be subscribed to.
        for name in accepted.keys() & (MODEL_PARAMETERS | OF_SENSORS):
            found[name] = list(accepted[name])
    for source, topic in re.findall(r': (\w+) stays on (\S+): ', said):
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=topic)
        found.setdefault(f'sources.{source}.topic', []).append(comparable(value))
    return found


def comparable(value: ParameterValue) -> Any:
    """A value as it can be compared, NaN with NaN."""
    python = parameter_value_to_python(value)
    if isinstance(python, list):
        return [value.type, *(_text(each) for each in python)]
    return [value.type, _text(python)]


def _text(value: Any) -> Any:
    return 'nan' if isinstance(value, float) and math.isnan(value) else value


@pytest.fixture(scope='module')
def robot(watcher: Watcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    folder = tmp_path_factory.mktemp('robot')
    given: dict[str, object] = {'diagnostics_period': 0.1, 'use_sim_time': False}
    for name, model in make_models(folder).items():
        given |= {f'sensors.{name}.model': str(model), f'sensors.{name}.device': 'cpu'}
    root = Path(__file__).parents[2]
    driver = [sys.executable, '-m', 'test.live.sensor_driver', *CLASSIFIERS]
    with (
        running(folder, 'perception', given) as process,
        subprocess.Popen(driver, cwd=root) as sensors,
    ):
        at_first = {}
        for node, table in TABLES.items():
            names = [row.name for row in table if row.change != 'never']
            request = GetParameters.Request(names=names)
            values = watcher.call(GetParameters, f'{node}/get_parameters', request).values
            at_first[node] = dict(zip(names, values, strict=True))
        yield Robot(watcher, process, at_first)
        sensors.kill()
        log = process.log
        assert process.end() == 0, log
        assert 'Traceback' not in log, log
        assert 'unexpected' not in log, log


@pytest.mark.parametrize(
    ('node', 'state'),
    [
        *itertools.product([name for name in TABLES if name != '/perception'], PATH_TO),
        ('/perception', 'running'),
    ],
)
def test_what_is_set_is_taken_as_given_or_refused(robot: Robot, node: str, state: str) -> None:
    robot.bring(node, state)
    rows = TABLES[node]
    declared = [row.name for row in rows]
    models = MODEL_PARAMETERS & set(declared)

    @settings(
        max_examples=15,
        # The node remembers: neither an example nor what it is shrunk to means the same again.
        phases=[Phase.generate],
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(wanted=changes(rows), atomically=st.booleans())
    def check(wanted: list[Parameter], atomically: bool) -> None:
        before = dict(zip(declared, robot.read(node, declared), strict=True))
        said_before = len(robot.process.log)
        results = robot.set(node, wanted, atomically=atomically)
        after = dict(zip(declared, robot.read(node, declared), strict=True))
        assert len(results) == len(wanted)
        accepted = {name: [value] for name, value in before.items()}
        for change, result in zip(wanted, results, strict=True):
            if result.successful:
                accepted.setdefault(change.name, []).append(comparable(change.value))
            else:
                assert result.reason, change
        also_right = taken_back(robot.process.log[said_before:], accepted)
        for name in declared:
            right = [accepted[name][-1], *also_right.get(name, [])]
            assert after[name] in right, (name, wanted, results)
        if state != 'unconfigured' and any(len(accepted[name]) > 1 for name in models):
            robot.settle(node)

    check()

    robot.restore(node)
    if node != '/perception':
        if state != 'active':
            robot.bring(node, 'active')
        robot.check_labels_go_on(node)
    assert robot.process.running


@pytest.mark.parametrize(
    ('sensor', 'topic'), [('camera', '/imu/data'), ('audio', '/camera/image_raw')]
)
def test_a_topic_that_the_process_reads_as_another_type_is_taken_back_in_words(
    robot: Robot, sensor: str, topic: str
) -> None:
    """As is found out by trying; the tests above choose such a topic but once in a while."""
    node, selector_topic = f'/{sensor}_classifier', f'sources.{sensor}.topic'
    robot.bring(node, 'active')
    robot.bring(SELECTOR, 'active')
    before = robot.read(node, ['topic'])
    assert robot.watcher.set_parameter(node, 'topic', topic) == (True, '')
    assert robot.read(node, ['topic']) == before
    assert f'topic {topic} was not taken: ' in robot.process.log
    assert robot.watcher.set_parameter(SELECTOR, selector_topic, topic) == (True, '')
    stays = f'/{sensor}_classifier/activity'
    assert robot.watcher.get_parameter(SELECTOR, selector_topic) == stays
    assert f'{sensor} stays on {stays}: {topic} cannot be listened to' in robot.process.log
    robot.restore(node)
    robot.restore(SELECTOR)
    robot.check_labels_go_on(node)
