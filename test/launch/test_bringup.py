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

"""Drivers and perception from one launch file."""

from pathlib import Path

from test.bundles import make_camera_bundle
from test.launch.starting import run_until, Start
from test.live.graph import Watcher
from test.videos import write_video


def test_a_video_becomes_labels(start: Start, watcher: Watcher, tmp_path: Path) -> None:
    video = write_video(tmp_path / 'video.avi', 50)
    bundle = make_camera_bundle(tmp_path / 'bundle')
    watcher.hear_labels('/camera_classifier')

    def look() -> None:
        watcher.wait_for(lambda: len(watcher.labels) >= 2, 'no labels')

    arguments = {
        'camera_model': bundle,
        'camera_device': video,
        'camera_loop': 'true',
        'device': 'cpu',
    }
    assert run_until(start('bringup', arguments), look) == 0
    assert watcher.labels[0].header.frame_id == 'camera_optical_frame'
    # A microphone was not asked for, and none of its nodes is there.
    assert 'microphone' not in ' '.join(watcher.statuses)
