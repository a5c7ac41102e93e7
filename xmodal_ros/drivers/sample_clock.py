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

"""When the samples of a microphone were taken, from when their chunks arrived."""

from typing import Final

_SECOND_NS: Final = 1_000_000_000
# Beyond this, the difference between count and arrival is no jitter: samples were lost, or the
# clock was set.
_STEP_NS: Final = 100_000_000
# Below it, stamps approach the arrivals by no more than this much a second: far more than any
# crystal drifts (0.1 ms), far less than anyone hears or a window notices.
_SLEW_NS: Final = 5_000_000


def age_of_first_sample(frames: int, rate_hz: int, reported_ns: int, buffered_ns: int) -> int:
    """Tell how long before its arrival the first sample of a chunk was taken, in nanoseconds.

    ``reported_ns`` is what the sound system says; it is believed within what is possible: no less
    than the chunk lasts, and no more than that and the device's buffer of ``buffered_ns``. (ALSA's
    bridge to PulseAudio was seen to say 0.1 ms for chunks of 20 ms, and a third of a second just
    after the start.)
    """
    chunk_ns = frames * _SECOND_NS // rate_hz
    return min(max(reported_ns, chunk_ns), chunk_ns + buffered_ns)


class SampleClock:
    """Stamps chunks by counting samples, so that neither jitter nor drift shows.

    The count is anchored at the first chunk. Every second the anchor begins to follow the
    earliest arrival of that second, as arrivals can be late but not early. A jump of more than
    0.1 s is taken over within that second. Stamps grow, except when the clock they come from is
    set back.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._anchor_ns: int | None = None
        self._samples = 0
        self._slew_ns = 0
        self._earliest_ns: int | None = None
        self._observed = 0

    def stamp(self, frames: int, measured_ns: int, *, lost: bool = False) -> int:
        """Give the time of a chunk's first sample, in nanoseconds.

        ``measured_ns`` is that time as its arrival suggests it; ``lost`` says that samples before
        this chunk are missing, so that counting has to begin anew.
        """
        if self._anchor_ns is None:
            self._restart(measured_ns)
        else:
            late_ns = measured_ns - self._expected_ns()
            if lost and (late_ns > 0 or late_ns < -_STEP_NS):
                self._restart(measured_ns)
            else:
                self._observe(late_ns, frames)
        stamp_ns = self._expected_ns()
        self._samples += frames
        return stamp_ns

    def _restart(self, anchor_ns: int) -> None:
        self._anchor_ns, self._samples = anchor_ns, 0
        self._slew_ns, self._earliest_ns, self._observed = 0, None, 0

    def _expected_ns(self) -> int:
        return (self._anchor_ns or 0) + self._samples * _SECOND_NS // self._rate_hz

    def _observe(self, late_ns: int, frames: int) -> None:
        assert self._anchor_ns is not None  # noqa: S101 - observed from the second chunk on
        self._anchor_ns += self._slew_ns * frames // self._rate_hz
        earliest_ns = late_ns if self._earliest_ns is None else min(late_ns, self._earliest_ns)
        self._earliest_ns = earliest_ns
        self._observed += frames
        if self._observed < self._rate_hz:
            return
        if abs(earliest_ns) > _STEP_NS:
            self._restart(self._expected_ns() + earliest_ns)
            return
        # Half of it, for the other half may be jitter.
        self._slew_ns = min(max(earliest_ns // 2, -_SLEW_NS), _SLEW_NS)
        self._earliest_ns, self._observed = None, 0
