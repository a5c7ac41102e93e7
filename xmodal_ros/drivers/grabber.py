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

"""A camera that comes back: frames taken in a thread, the source reopened when it has gone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
import threading
import time
from typing import Final, Literal

from xmodal_ros.drivers.capture import Severity
from xmodal_ros.drivers.reconnection import Backoff
from xmodal_ros.drivers.video import Frame, OpenVideo, Video
from xmodal_ros.errors import DriverError, XmodalError
from xmodal_ros.runtime.pacing import Pace

_SECOND_NS: Final = 1_000_000_000
_POLL_S: Final = 0.02
# A frame may come this part of a period early and still counts as due.
_EARLY: Final = 0.25

Outcome = Literal['end', 'stopped']


@dataclass(frozen=True)
class VideoCounters:
    """What has been taken since the start.

    ``backend`` is OpenCV's name for how, '' while nothing is open; ``problem`` is why nothing
    comes, or ''. ``over`` says that a file has been played to its end. ``newest_ns`` is when the
    newest frame came, on the steady clock.
    """

    backend: str = ''
    problem: str = ''
    frames: int = 0
    skipped: int = 0
    damaged: int = 0
    losses: int = 0
    rounds: int = 0
    width: int = 0
    height: int = 0
    over: bool = False
    newest_ns: int | None = None


class FrameGrabber:
    """Takes frames until stopped, or until the end of a file that is played once.

    ``publish`` gets a frame, (height, width, 3) uint8 in BGR, with its time in nanoseconds of
    ``now_ns``; ``say`` gets what an operator should know; ``ended`` is called once after the last
    frame of a file. All of them are called in the thread of this class and must not raise. A file
    does not begin before ``ready``. What cannot be opened or has gone is tried again after
    ``retry_s`` seconds, then after twice as long each time.
    """

    def __init__(
        self,
        wanted: Video,
        publish: Callable[[int, Frame], None],
        say: Callable[[Severity, str], None],
        now_ns: Callable[[], int],
        *,
        loop: bool = False,
        retry_s: float = 1.0,
        ready: Callable[[], bool] = lambda: True,
        ended: Callable[[], None] = lambda: None,
        open_video: Callable[[Video], OpenVideo] = OpenVideo,
        steady_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._wanted = wanted
        self._publish = publish
        self._say = say
        self._now_ns = now_ns
        self._loop = loop
        self._ready = ready
        self._ended = ended
        self._open = open_video
        self._steady_ns = steady_ns
        self._stopped = threading.Event()
        # Gives True when there is nothing to wait for any more, because it is to stop.
        self._wait = wait or self._stopped.wait
        self._backoff = Backoff(retry_s)
        self._pace = Pace(1.0, steady_ns)
        self._played = 0
        self._due_ns: int | None = None
        self._counters = VideoCounters()
        self._thread = threading.Thread(target=self.run, name='camera', daemon=True)

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> bool:
        """Let it end; True once it has, False when it still waits for a frame after that time."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def counters(self) -> VideoCounters:
        """Give what has been counted so far; from any thread."""
        return self._counters

    def run(self) -> None:
        """Take frames until it is over."""
        while not self._stopped.is_set():
            try:
                outcome = self._take_all()
            except XmodalError as error:
                problem = str(error)
            except Exception as error:  # noqa: BLE001 - the next attempt may go well
                problem = f'taking frames failed: {error!r}'
            else:
                if outcome == 'end':
                    self._ended()
                return
            wait_s = self._backoff.next_s()
            self._note(f'{problem}; trying again in {wait_s:g} s')
            if self._wait(wait_s):
                return

    def _take_all(self) -> Outcome:
        """Take frames until the source ends; raises :class:`DriverError` when it breaks."""
        video = self._open(self._wanted)
        try:
            if self._wanted.kind == 'file' and not self._await_ready():
                return 'stopped'
            before = self._counters.frames
            self._pace.restart()
            self._played = 0
            while not self._stopped.is_set():
                if not self._take(video):
                    if self._stopped.is_set():
                        break
                    video = self._next_round(video, self._counters.frames - before)
                    if self._counters.over:
                        return 'end'
                    before = self._counters.frames
            return 'stopped'
        finally:
            video.close()

    def _await_ready(self) -> bool:
        while not self._stopped.is_set():
            if self._ready():
                return True
            if self._wait(_POLL_S):
                return False
        return False

    def _next_round(self, video: OpenVideo, frames: int) -> OpenVideo:
        """Begin the file again, or find that it is over or that the source has broken."""
        shown = self._wanted.shown
        if self._wanted.kind != 'file':
            self._counters = replace(self._counters, losses=self._counters.losses + 1)
            noun = 'camera' if self._wanted.kind == 'device' else 'stream'
            raise DriverError(f'the {noun} {shown} has gone after {frames} frames')
        if not frames:
            raise DriverError(f'{shown} holds no frame that can be read: choose another file')
        rounds = self._counters.rounds + 1
        self._counters = replace(self._counters, rounds=rounds, over=not self._loop)
        if not self._loop:
            self._say('info', f'{shown} is over after {frames} frames')
            return video
        video.close()
        return self._open(self._wanted)

    def _take(self, video: OpenVideo) -> bool:
        """Take one frame, and publish it when it is due; False when there is none."""
        if not video.grab() or self._stopped.is_set():
            return False
        if self._wanted.kind == 'file':
            frame = video.retrieve()
            if self._await_due(video):
                self._give(video, frame, self._now_ns())
            return True
        stamp_ns, grabbed_ns = self._now_ns(), self._steady_ns()
        if self._too_early(grabbed_ns):
            self._counters = replace(self._counters, skipped=self._counters.skipped + 1)
        else:
            self._give(video, video.retrieve(), stamp_ns)
        return True

    def _await_due(self, video: OpenVideo) -> bool:
        """Wait for the time of a file's next frame, counted from its first, whatever they took."""
        rate_hz = self._wanted.rate_hz or video.fps
        due_ns = round(self._played * _SECOND_NS / rate_hz)
        self._played += 1
        while wait_ns := self._pace.wait_ns(due_ns):
            if self._wait(wait_ns / _SECOND_NS):
                return False
        return not self._stopped.is_set()

    def _too_early(self, grabbed_ns: int) -> bool:
        """Tell whether a camera is faster than wanted; cameras often cannot be set."""
        if not self._wanted.rate_hz:
            return False
        period_ns = round(_SECOND_NS / self._wanted.rate_hz)
        if self._due_ns is None or grabbed_ns - self._due_ns > period_ns:
            self._due_ns = grabbed_ns
        if grabbed_ns < self._due_ns - _EARLY * period_ns:
            return True
        self._due_ns += period_ns
        return False

    def _give(self, video: OpenVideo, frame: Frame | None, stamp_ns: int) -> None:
        before = self._counters
        if frame is None:
            self._counters = replace(before, damaged=before.damaged + 1)
            return
        height, width = frame.shape[:2]
        if not before.backend:
            backend = video.backend
            self._say('info', f'{self._wanted.shown}: {width}x{height} pixels by {backend}')
            self._backoff.reset()
        self._counters = replace(
            before,
            backend=video.backend,
            problem='',
            frames=before.frames + 1,
            width=width,
            height=height,
            newest_ns=self._steady_ns(),
        )
        self._publish(stamp_ns, frame)

    def _note(self, problem: str) -> None:
        """Keep what is wrong, and say it."""
        self._counters = replace(self._counters, backend='', problem=problem)
        self._say('warning', problem)
