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

"""The annotated picture and the marker: the camera's stamps, and unseen they cost nothing."""

from pathlib import Path
from typing import Any

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import String
from vision_msgs.msg import Classification
from visualization_msgs.msg import Marker

from test.live.graph import LATCHED, running, Status, Watcher
from test.messages import EPOCH, image_bytes, SECOND
from xmodal_ros.ros.messages import classification, to_nanoseconds

NODE = '/annotator'
SETTINGS = {'image_topic': '/eye', 'diagnostics_period': 0.05, 'max_age': 3.0}
GREY = np.full((48, 64, 3), 120, np.uint8)


def count(status: Status, name: str) -> int:
    return int(status[2].get(name, '-1'))


def test_pictures_are_drawn_for_viewers_alone_and_keep_their_stamps(
    watcher: Watcher, tmp_path: Path
) -> None:
    with (
        running(tmp_path, 'annotator', SETTINGS) as process,
        watcher.publisher(Image, '/eye') as eye,
        watcher.publisher(Classification, '/activity') as labels,
        watcher.publisher(String, '/activity/source', LATCHED) as source,
    ):
        source.publish(String(data='imu'))
        watcher.wait_for_subscriber(labels)
        watcher.wait_for_subscriber(source)
        # Nobody looks: the node takes labels, and does not even listen to the camera.
        for index in range(10):
            eye.publish(image_bytes(EPOCH + index, GREY, 'rgb8'))
            labels.publish(classification(EPOCH + index, 'eye_link', [('walk', 0.9)]))
        status = watcher.wait_for_status(NODE, lambda s: count(s, 'labels received') == 10)
        assert count(status, 'images received') == count(status, 'images annotated') == 0
        assert count(status, 'markers published') == 0
        assert eye.get_subscription_count() == 0
        assert status[1] == 'nobody looks at the picture'

        looking = watcher.hear(Image, f'{NODE}/annotated')
        marking = watcher.hear(Marker, f'{NODE}/marker')
        watcher.wait_for_status(NODE, lambda s: count(s, 'viewers of the marker') == 1)
        watcher.wait_for_subscriber(eye)
        labels.publish(classification(EPOCH + SECOND, 'eye_link', [('walk', 0.9), ('sit', 0.1)]))
        watcher.wait_for(lambda: any(t.endswith('marker') for t, _ in watcher.heard), 'no marker')
        watcher.forget_statuses(NODE)
        eye.publish(b'\x00\x01\x00\x00 nothing that is an image')
        watcher.wait_for_status(NODE, lambda s: 'cannot be shown' in s[1], anew=False)
        for index, stamp in enumerate((EPOCH + SECOND + 7, EPOCH + 60 * SECOND), start=1):
            eye.publish(image_bytes(stamp, GREY, 'rgb8'))
            watcher.wait_for(lambda n=index: len(heard(watcher, 'annotated')) == n, 'no picture')  # type: ignore[misc]
        pictures, markers = heard(watcher, 'annotated'), heard(watcher, 'marker')

        watcher.node.destroy_subscription(looking)
        watcher.node.destroy_subscription(marking)
        watcher.poll_for(lambda: eye.get_subscription_count() == 0, 'still listening')
        assert process.end() == 0, process.log
        assert 'Traceback' not in process.log

    fresh, old = pictures
    assert to_nanoseconds(fresh.header.stamp) == EPOCH + SECOND + 7
    assert (fresh.header.frame_id, fresh.encoding) == ('camera_link', 'rgb8')
    assert (fresh.height, fresh.width, fresh.step) == (48, 64, 192)
    drawn, stale = (np.array(each.data).reshape(48, 64, 3) for each in (fresh, old))
    assert (drawn == (90, 200, 90)).all(axis=2).any() or (drawn[..., 1] > drawn[..., 0]).any()
    # A label of a minute ago is not shown: nothing is green.
    assert not (stale[..., 1].astype(int) > stale[..., 0]).any()
    (marker,) = markers
    assert (marker.header.frame_id, marker.type) == ('eye_link', Marker.TEXT_VIEW_FACING)
    assert to_nanoseconds(marker.header.stamp) == EPOCH + SECOND
    assert marker.text == 'walk 0.90\nimu'
    assert to_nanoseconds(marker.lifetime) == 3 * SECOND


def heard(watcher: Watcher, name: str) -> list[Any]:
    return [message for topic, message in watcher.heard if topic == f'{NODE}/{name}']
