"""Drivers and perception from one launch file, where ROS's launch packages are installed."""

from pathlib import Path

import pytest

from test.bundles import make_camera_bundle
from test.live.graph import Watcher
from test.videos import write_video

# First launch_ros: without ROS's own, the checkout's folder passes for a package called launch.
pytest.importorskip(
    'launch_ros', reason="ROS's launch packages are not installed, and are in no Python registry"
)
pytest.importorskip('launch')

from test.launch.starting import describe, launch_until

FILE = 'bringup.launch.py'


def test_every_argument_is_described() -> None:
    for argument in describe(FILE).get_launch_arguments():
        assert len(argument.description) > 10


def test_a_video_becomes_labels(watcher: Watcher, tmp_path: Path) -> None:
    video = write_video(tmp_path / 'video.avi', 50)
    bundle = make_camera_bundle(tmp_path / 'bundle')
    watcher.hear_labels('/camera_classifier')

    def look() -> None:
        watcher.wait_for(lambda: len(watcher.labels) >= 2, 'no labels')

    code = launch_until(
        FILE,
        look,
        camera_model=bundle,
        camera_device=video,
        camera_loop='true',
        device='cpu',
    )

    assert code == 0
    assert watcher.labels[0].header.frame_id == 'camera_link'
    # A microphone was not asked for, and none of its nodes is there.
    assert 'microphone' not in ' '.join(watcher.statuses)
