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

"""What the camera's thread does, with real files and doubles of cameras, on a clock of tests."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from test.videos import number_of, write_video
from xmodal_ros.drivers.grabber import FrameGrabber
from xmodal_ros.drivers.video import OpenVideo, Video
from xmodal_ros.errors import DriverError

SECOND = 1_000_000_000
MS = 1_000_000
EPOCH = 1_700_000_000 * SECOND
# So many waits, and the grabber is told to stop.
PATIENCE = 2000


class Camera:
    """Gives a frame every ``period_ns`` of the run's clock, ``count`` in all."""

    backend = 'DOUBLE'
    fps = 25.0

    def __init__(self, run: 'Run', count: int, period_ns: int) -> None:
        self._run = run
        self._left = count
        self._period_ns = period_ns

    def grab(self) -> bool:
        self._run.now_ns += self._period_ns
        self._left -= 1
        return self._left >= 0

    def retrieve(self) -> Any:
        return None if self._left % 100 == 50 else np.zeros((4, 6, 3), np.uint8)

    def close(self) -> None:
        """Nothing is held."""


class Run:
    """A grabber that runs in the test's own thread until it is over or has waited too often."""

    def __init__(
        self,
        wanted: Video,
        sources: Sequence[Callable[['Run'], Any]] = (),
        stop_after: int = PATIENCE,
        **options: Any,
    ) -> None:
        self.now_ns = 0
        self.waits: list[float] = []
        self.frames: list[tuple[int, Any]] = []
        self.said: list[str] = []
        self.ends = 0
        self._sources = list(sources)
        self._stop_after = stop_after
        if sources:
            options['open_video'] = self._open
        self.grabber = FrameGrabber(
            wanted,
            lambda stamp_ns, frame: self.frames.append((stamp_ns, frame)),
            lambda _severity, text: self.said.append(text),
            lambda: EPOCH + self.now_ns,
            ended=self._end,
            steady_ns=lambda: self.now_ns,
            wait=self._wait,
            **options,
        )
        self.grabber.run()
        self.counters = self.grabber.counters()

    def numbers(self) -> list[int]:
        return [number_of(frame) for _, frame in self.frames]

    def stamps(self) -> list[int]:
        return [stamp_ns - EPOCH for stamp_ns, _ in self.frames]

    def _open(self, _wanted: Video) -> Any:
        return self._sources.pop(0)(self)

    def _wait(self, seconds: float) -> bool:
        self.now_ns += round(seconds * SECOND)
        self.waits.append(seconds)
        over = len(self.waits) >= self._stop_after
        if over:
            self.grabber.stop()
        return over

    def _end(self) -> None:
        self.ends += 1


def broken(_run: Run) -> Any:
    raise DriverError('broken')


def camera(count: int, period_ns: int = 20 * MS) -> Callable[[Run], Camera]:
    return lambda run: Camera(run, count, period_ns)


@pytest.mark.parametrize(('rate_hz', 'period_ns'), [(0.0, 100 * MS), (50.0, 20 * MS)])
def test_a_file_is_played_once_at_its_speed_or_the_one_wanted(
    tmp_path: Path, rate_hz: float, period_ns: int
) -> None:
    path = write_video(tmp_path / 'clip.avi', 20, fps=10)
    run = Run(Video(str(path), rate_hz=rate_hz))
    assert run.numbers() == list(range(20))
    assert run.stamps() == [index * period_ns for index in range(20)]
    assert run.counters.over
    assert run.ends == 1


def test_a_looped_file_goes_on_in_step(tmp_path: Path) -> None:
    path = write_video(tmp_path / 'clip.avi', 4, fps=10)
    run = Run(Video(str(path)), stop_after=10, loop=True)
    assert run.numbers() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert run.stamps() == [index * 100 * MS for index in range(10)]
    assert run.counters.rounds == 2
    assert run.ends == 0


def test_a_file_waits_until_somebody_is_ready(tmp_path: Path) -> None:
    path = write_video(tmp_path / 'clip.avi', 3, fps=10)
    asked = iter([False, False, True])
    run = Run(Video(str(path)), ready=lambda: next(asked))
    assert run.numbers() == [0, 1, 2]
    assert run.waits[:2] == [0.02, 0.02]


def test_a_file_that_nobody_is_ready_for_is_not_played_when_it_is_told_to_stop(
    tmp_path: Path,
) -> None:
    path = write_video(tmp_path / 'clip.avi', 3, fps=10)
    run = Run(Video(str(path)), stop_after=3, ready=lambda: False)
    assert run.waits == [0.02, 0.02, 0.02]
    assert (run.frames, run.ends) == ([], 0)


def test_a_camera_that_goes_is_opened_again_with_growing_waits() -> None:
    sources = [camera(3), broken, broken, camera(2), broken]
    run = Run(Video('0'), sources, stop_after=5, retry_s=0.5)
    assert run.waits == [0.5, 1.0, 2.0, 0.5, 1.0]
    assert len(run.frames) == 5
    assert run.counters.losses == 2
    assert run.counters.problem == 'broken; trying again in 1 s'
    assert 'the camera 0 has gone after 3 frames; trying again in 0.5 s' in run.said


def test_a_stamp_is_the_time_of_the_grab() -> None:
    run = Run(Video('0'), [camera(4, 33 * MS)], stop_after=1)
    assert run.stamps() == [33 * MS, 66 * MS, 99 * MS, 132 * MS]


def test_a_camera_faster_than_wanted_has_frames_left_out() -> None:
    run = Run(Video('0', rate_hz=10.0), [camera(90, 33 * MS)], stop_after=1)
    assert len(run.frames) == pytest.approx(90 * 0.033 * 10, abs=1)
    assert run.counters.skipped + run.counters.damaged == 90 - len(run.frames)


def test_a_camera_as_fast_as_wanted_keeps_all_in_spite_of_jitter() -> None:
    class Jittery(Camera):
        def grab(self) -> bool:
            more = super().grab()
            self._run.now_ns += 4 * MS if self._left % 2 else -4 * MS
            return more

    run = Run(Video('0', rate_hz=30.0), [lambda r: Jittery(r, 40, 33_333_333)], stop_after=1)
    assert len(run.frames) == 40


def test_damaged_frames_are_counted_and_passed_over() -> None:
    run = Run(Video('0'), [camera(60)], stop_after=1)
    assert run.counters.damaged == 1
    assert len(run.frames) == 59


def test_a_file_without_frames_is_an_error(tmp_path: Path) -> None:
    run = Run(Video('empty.avi'), [camera(0)], stop_after=1)
    assert 'empty.avi holds no frame that can be read' in run.said[0]


def test_an_error_nobody_expected_is_survived() -> None:
    def surprising(_run: Run) -> OpenVideo:
        raise ValueError('surprise')

    run = Run(Video('0'), [surprising, camera(2)], stop_after=2)
    assert len(run.frames) == 2
    assert "taking frames failed: ValueError('surprise')" in run.said[0]
