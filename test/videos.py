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

"""Videos whose frames tell their number, as files and as a stream over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
import threading
from typing import Any

import cv2
import numpy as np

from xmodal_ros.drivers.video import Frame

WIDTH, HEIGHT = 160, 120
_BITS = 8
_STRIPE = WIDTH // _BITS


def numbered_frame(number: int) -> Frame:
    """A frame with one stripe a bit, black or white, that compression does not hurt."""
    bits = [255 * (number >> bit & 1) for bit in range(_BITS)]
    row = np.repeat(np.array(bits, np.uint8), _STRIPE)
    return np.broadcast_to(row[None, :, None], (HEIGHT, WIDTH, 3)).copy()


def number_of(frame: Any) -> int:
    """Read the number back, whatever the frame has been scaled to."""
    height, width = frame.shape[:2]
    middles = [(2 * bit + 1) * width // (2 * _BITS) for bit in range(_BITS)]
    return sum(1 << bit for bit, x in enumerate(middles) if frame[height // 2, x, 0] > 127)


def write_video(path: Path, count: int, fps: float = 25.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), fps, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for number in range(count):
        writer.write(numbered_frame(number))
    writer.release()
    return path


class VideoServer:
    """A network camera: JPEGs one after the other, until it is told to break off or to stall."""

    def __init__(self, port: int = 0) -> None:
        outer = self
        self.served = 0
        self._broken = threading.Event()
        self._stalled = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._serve(self)

            def log_message(self, *_arguments: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(('127.0.0.1', port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f'http://robot:secret@127.0.0.1:{self.port}/live'

    def stall(self) -> None:
        """Go on, but send nothing any more."""
        self._stalled.set()

    def close(self) -> None:
        self._broken.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        request.end_headers()
        try:
            while not self._broken.wait(0.03):
                if not self._stalled.is_set():
                    self._send(request)
        except OSError:
            return

    def _send(self, request: BaseHTTPRequestHandler) -> None:
        jpeg = cv2.imencode('.jpg', numbered_frame(self.served % 256))[1].tobytes()
        head = f'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n'
        request.wfile.write(head.encode() + jpeg + b'\r\n')
        self.served += 1


@contextmanager
def serving(port: int = 0) -> Iterator[VideoServer]:
    server = VideoServer(port)
    try:
        yield server
    finally:
        server.close()
