"""Launch files run for real, as ``ros2 launch`` runs them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from launch.actions import IncludeLaunchDescription, RegisterEventHandler
from launch.event_handlers import OnProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource

import launch

FOLDER = Path(__file__).parents[2] / 'launch'


def describe(file: str) -> Any:
    """What a launch file describes."""
    source = PythonLaunchDescriptionSource(str(FOLDER / file))
    return source.get_launch_description(launch.LaunchContext())


def start(file: str, arguments: Mapping[str, object], said: list[str] | None = None) -> Any:
    """A service that will run a launch file, and note in ``said`` what processes say as errors."""
    heard = [] if said is None else said
    service = launch.LaunchService(noninteractive=True)
    source = PythonLaunchDescriptionSource(str(FOLDER / file))
    given = [(name, str(value)) for name, value in arguments.items()]
    service.include_launch_description(
        launch.LaunchDescription(
            [
                RegisterEventHandler(
                    OnProcessIO(on_stderr=lambda event: heard.append(event.text.decode()))
                ),
                IncludeLaunchDescription(source, launch_arguments=given),
            ]
        )
    )
    return service


def launch_until(file: str, look: Callable[[], None], **arguments: object) -> int:
    """Launch, end it once ``look`` has seen what it wants, and give the exit code."""
    service = start(file, arguments)

    def watch() -> None:
        try:
            look()
        finally:
            service.shutdown()

    # Launching belongs to the main thread, so the test looks in another.
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(watch)
        code = int(service.run())
        looking.result()
    return code
