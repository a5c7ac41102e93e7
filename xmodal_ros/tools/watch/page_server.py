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

"""The server of the page that shows a running robot.

=========================== ==================================================================
``GET /``                   the page; ``?token=…`` on the first visit
``GET /static/NAME``        its scripts and styles
``GET /api/live?after=N``   what is now, and what came after the number N that was told before
``GET /api/picture?topic=…`` the newest picture of a camera as JPEG
=========================== ==================================================================
"""

from collections.abc import Mapping
from http import HTTPStatus
import threading
import time
from typing import Any, ClassVar, Final

from xmodal_ros.tools.watch.history import History, is_number
from xmodal_ros.tools.watch.listener import Watcher
from xmodal_ros.tools.watch.sensors import SensorWatcher
from xmodal_ros.web.server import AnswerError, PageServer

# Pages ask a few times a second; sensors are heard while somebody does.
_LOOKED_AT_NS: Final = 10_000_000_000


class WatchServer(PageServer):
    """Serves the page of one robot, from its creation until it is closed.

    :meth:`step` is to be called again and again, by the thread that made ``watcher``. Sensors are
    listened to only while a page is open.
    """

    command: ClassVar[str] = 'xmodal watch --web'
    page: ClassVar[str] = 'watch/page.html'
    folders: ClassVar[tuple[str, ...]] = ('report', 'watch')

    def __init__(self, watcher: Watcher, history: History, port: int = 0) -> None:
        self._watcher = watcher
        self._history = history
        self._sensors = SensorWatcher(watcher.node, history.note, lambda: watcher.classifiers)
        # The stamps of receipt are of the system's clock.
        self._wall_ns = time.time_ns() - time.monotonic_ns()
        self._lock = threading.Lock()
        self._asked_ns: int | None = None
        super().__init__(port)

    def step(self) -> None:
        """Take what has come."""
        with self._lock:
            self._watcher.step()
            now_ns = time.monotonic_ns()
            if self._asked_ns is None:
                return
            if now_ns - self._asked_ns > _LOOKED_AT_NS:
                self._asked_ns = None
                self._sensors.pause()
            else:
                self._sensors.step(now_ns, self._wall_ns)

    def get(self, path: str, query: Mapping[str, str]) -> Any:
        """Answer a request for what is now."""
        with self._lock:
            if path == '/api/live':
                return self._live(query.get('after', '0'))
            if path == '/api/picture':
                picture = self._sensors.picture(query.get('topic', ''))
                if picture is None:
                    raise AnswerError(HTTPStatus.NOT_FOUND, 'no picture has come yet')
                return picture, 'image/jpeg'
        return super().get(path, query)

    def _live(self, after: str) -> dict[str, Any]:
        if not is_number(after):
            raise AnswerError(HTTPStatus.BAD_REQUEST, f'{after!r} is no number of an answer')
        self._asked_ns = now_ns = time.monotonic_ns()
        found = self._history.news(int(after), now_ns)
        return found | {
            'began': (self._history.began_ns + self._wall_ns) / 1e9,
            'absence': self._watcher.absence(),
            'sensors': self._sensors.sensors(),
        }
