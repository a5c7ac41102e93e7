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

"""The page of a running robot, in a real browser on a real graph."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
import time
from typing import Any

import cv2
from geometry_msgs.msg import Point, Pose, PoseArray
import numpy as np
from sensor_msgs.msg import CompressedImage, Imu
from std_msgs.msg import String
from vision_msgs.msg import Classification

from test.browsing import opened, started_browser
from test.live.graph import BEST_EFFORT, LATCHED, watching
from test.live.talker import Stream, talking
from test.waiting import PATIENCE_S, poll_for
from xmodal_ros.ros.isolation import isolated_process, reserved_domain
from xmodal_ros.ros.messages import classification
from xmodal_ros.tools.watch.history import History
from xmodal_ros.tools.watch.listener import Watcher
from xmodal_ros.tools.watch.page_server import WatchServer

NAME = '<b>walk</b>'


def label(stamp: int) -> Classification:
    return classification(stamp, 'imu_link', [(NAME, 0.75), ('sit', 0.25)])


def movement(stamp: int) -> Imu:
    message = Imu()
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
    message.linear_acceleration.z = 9.81
    return message


def picture(stamp: int) -> CompressedImage:
    pixels = np.full((48, 64, 3), stamp // 10**8 % 255, np.uint8)
    message = CompressedImage(format='jpeg', data=cv2.imencode('.jpg', pixels)[1].tobytes())
    # Of a clock of its own: what counts is when it comes.
    message.header.stamp.sec = 1
    message.header.stamp.nanosec = stamp % 10**9
    return message


def joints(stamp: int) -> PoseArray:
    message = PoseArray()
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
    message.poses = [Pose(position=Point(z=0.1 * number)) for number in range(18)]
    return message


@contextmanager
def robot() -> Iterator[None]:
    with (
        reserved_domain() as domain,
        isolated_process(domain),
        watching() as node,
        node.publisher(Classification, '/choice/activity') as labels,
        node.publisher(String, '/choice/activity/source', LATCHED) as source,
        node.publisher(Imu, '/wrist/imu', BEST_EFFORT) as imu,
        node.publisher(CompressedImage, '/front/image') as images,
        node.publisher(PoseArray, '/body', BEST_EFFORT) as body,
        node.publisher(PoseArray, '/particles', BEST_EFFORT) as particles,
    ):
        # Poses are of a body where somebody who gives labels listens.
        node.hear(PoseArray, '/body', BEST_EFFORT)
        source.publish(String(data='imu'))
        streams = [
            Stream(labels, 4, label),
            Stream(imu, 50, movement),
            Stream(images, 5, picture),
            Stream(body, 10, joints),
            Stream(particles, 10, joints),
        ]
        with talking(streams):
            yield


@contextmanager
def served() -> Iterator[WatchServer]:
    history = History(time.monotonic_ns())
    with Watcher(watch=history) as watcher, WatchServer(watcher, history) as server:
        yield server


def look(server: WatchServer, page: Any, condition: str) -> None:
    """Go on until the page shows something: the server lives by being stepped."""

    def shown() -> bool:
        server.step()
        page.wait_for_timeout(5)
        return bool(page.evaluate(condition))

    poll_for(shown, condition)


def test_a_page_shows_what_a_robot_says_and_what_its_sensors_give() -> None:
    with started_browser() as browser, robot(), served() as server:
        assert 'it holds a token' in refused(server, '/api/live')
        assert 'is not this server' in refused(server, '/', Host='robot.example')
        with opened(browser, server.url, (400, 900)) as page:
            card = 'document.querySelector(".card.selector")?.textContent ?? ""'
            for words in ('/choice/activity', NAME, '0.75', 'sourceimu'):
                look(server, page, f'({card}).includes("{words}")')
            names = '[...document.querySelectorAll(".row-name")].map((row) => row.textContent)'
            look(server, page, f'{names}.some((name) => name.includes("acceleration"))')
            look(server, page, f'{names}.some((name) => name.includes("pictures"))')
            look(server, page, f'{names}.some((name) => name.includes("extent"))')
            assert 'particles' not in page.inner_text('body')
            look(server, page, 'document.querySelector("#live-picture").naturalWidth === 64')
            look(server, page, '/z 9.8/.test(document.querySelector("#values").textContent)')
            assert NAME in page.inner_text('#values')
            # Nothing is wider than a telephone.
            assert page.evaluate('document.documentElement.scrollWidth') <= 400
            page.click('#follow')
            look(server, page, '!/now/.test(document.querySelector("#range").textContent)')
            page.keyboard.press('Tab')
            page.click('#follow')
            look(server, page, '/until now/.test(document.querySelector("#range").textContent)')
        server.close()


def test_a_page_says_which_nodes_bear_one_name() -> None:
    def sit(stamp: int) -> Classification:
        return classification(stamp, 'imu_link', [('sit', 0.75), (NAME, 0.25)])

    with (
        started_browser() as browser,
        reserved_domain() as domain,
        isolated_process(domain),
        watching() as one,
        watching() as other,
        one.publisher(Classification, '/choice/activity') as ones,
        other.publisher(Classification, '/choice/activity') as others,
        talking([Stream(ones, 10, label), Stream(others, 10, sit)]),
        served() as server,
    ):
        with opened(browser, server.url, (400, 900)) as page:
            words = 'document.querySelector("#clashes").textContent'
            look(server, page, f'{words}.includes("2 called /watcher")')
            card = 'document.querySelector(".card.warning")?.textContent ?? ""'
            look(server, page, f'({card}).includes("mixed: {NAME}, sit")')
            assert page.query_selector('.card .bar') is None
            name = 'document.querySelector(".row-name").textContent'
            look(server, page, f'{name}.includes("choice (several nodes, mixed)")')
            assert page.evaluate('document.documentElement.scrollWidth') <= 400
        server.close()


def refused(server: WatchServer, path: str, **headers: str) -> str:
    connection = HTTPConnection('127.0.0.1', server.port, timeout=PATIENCE_S)
    connection.request('GET', path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == HTTPStatus.FORBIDDEN
    return answer.read().decode()
