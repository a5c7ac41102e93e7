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

"""What ROS's launch is told of a launch file; tests beside this one run the files."""

from typing import Any

import pytest

from test.launch.files import FOLDER, launch_file, NAMES
from xmodal_ros.launching.arguments import share
from xmodal_ros.launching.plan import PATIENCE_S

pytestmark = pytest.mark.usefixtures('launch_installed')


def describe(name: str) -> tuple[Any, Any]:
    """The description in a launch file, and the context that it was read in."""
    import launch
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    context = launch.LaunchContext()
    source = PythonLaunchDescriptionSource(str(FOLDER / f'{name}.launch.py'))
    return source.get_launch_description(context), context


def text(substitutions: Any) -> str:
    """What substitutions that are nothing but text say."""
    return ''.join(each.text for each in substitutions)


@pytest.mark.parametrize('name', NAMES)
def test_launch_shows_the_arguments_of_the_table(name: str) -> None:
    shown = {each.name: each for each in describe(name)[0].get_launch_arguments()}
    table = launch_file(name).arguments
    assert [*shown] == [argument.name for argument in table]
    for argument in table:
        declared = shown[argument.name]
        assert declared.description.startswith(argument.description)
        assert text(declared.default_value) == argument.default
        assert declared.choices == argument.choices


def test_a_process_is_given_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from launch_ros.actions import Node

    monkeypatch.delenv('FASTRTPS_DEFAULT_PROFILES_FILE', raising=False)
    monkeypatch.delenv('FASTDDS_DEFAULT_PROFILES_FILE', raising=False)
    description, context = describe('drivers')
    actions = [action for each in description.entities for action in each.visit(context) or ()]
    assert [type(action) for action in actions] == [Node, Node]
    camera, microphone = (
        {text(name): text(value) for name, value in action.process_description.additional_env}
        for action in actions
    )
    profile = dict.fromkeys(
        ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'),
        str(share('config', 'fastdds.xml')),
    )
    assert profile.items() <= camera.items()
    assert not profile.keys() & microphone.keys()


def test_a_node_is_given_time_to_end_and_ends_with_launch() -> None:
    import os

    from launch_ros.actions import Node

    description, context = describe('trainer')
    actions = [action for each in description.entities for action in each.visit(context) or ()]
    node = next(action for action in actions if isinstance(action, Node))
    given = ''.join(each.perform(context) for each in node.sigterm_timeout)
    assert float(given) == PATIENCE_S > 5
    ((name, value),) = node.process_description.additional_env
    assert (text(name), text(value)) == ('XMODAL_LAUNCHED_BY', str(os.getpid()))
