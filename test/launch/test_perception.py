"""The launch file, run for real where ROS's launch packages are installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from test.bundles import make_imu_bundle
from test.live.graph import Watcher, watching
from test.recordings import clips, write_imu_bag

# First launch_ros: without ROS's own, the checkout's folder passes for a package called launch.
pytest.importorskip(
    'launch_ros', reason="ROS's launch packages are not installed, and are in no Python registry"
)
launch = pytest.importorskip('launch')

FILE = Path(__file__).parents[2] / 'launch' / 'perception.launch.py'


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    with watching() as watcher:
        yield watcher


def run(**arguments: object) -> int:
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    service = launch.LaunchService()
    source = PythonLaunchDescriptionSource(str(FILE))
    given = [(name, str(value)) for name, value in arguments.items()]
    service.include_launch_description(
        launch.LaunchDescription([IncludeLaunchDescription(source, launch_arguments=given)])
    )
    return int(service.run())


def description() -> Any:
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    context = launch.LaunchContext()
    return PythonLaunchDescriptionSource(str(FILE)).get_launch_description(context)


def test_every_argument_is_described() -> None:
    arguments = description().get_launch_arguments()
    assert {argument.name for argument in arguments} >= {'bag', 'model', 'device', 'topic'}
    for argument in arguments:
        assert len(argument.description) > 10


@pytest.mark.parametrize('namespace', ['', 'robot'])
def test_a_recording_is_classified_and_everything_ends_with_it(
    watcher: Watcher, tmp_path: Path, namespace: str
) -> None:
    # A name that YAML would take for a number.
    bundle = make_imu_bundle(tmp_path / '2024')
    bag = write_imu_bag(tmp_path / '12.5', clips(['sit', 'walk'], seconds=5))
    watcher.hear_labels(f'/{namespace}/imu_classifier'.replace('//', '/'))
    assert run(bag=bag, model=bundle, device='cpu', rate=4, namespace=namespace) == 0
    watcher.wait_for(lambda: len(watcher.labels) >= 18, 'labels are missing')


def test_the_parameters_file_is_read(watcher: Watcher, tmp_path: Path) -> None:
    bundle = make_imu_bundle(tmp_path / 'bundle')
    bag = write_imu_bag(tmp_path / 'bag', clips(['sit'], seconds=5))
    settings = {'unknown_threshold': 0.999, 'device': 'cpu'}
    parameters = tmp_path / 'mine.yaml'
    parameters.write_text(yaml.dump({'/**/imu_classifier': {'ros__parameters': settings}}))
    watcher.hear_labels('/imu_classifier')
    assert run(bag=bag, model=bundle, rate=4, params_file=parameters) == 0
    watcher.wait_for(lambda: len(watcher.labels) > 0, 'labels are missing')
    assert {label.results[0].class_id for label in watcher.labels} == {'unknown'}
