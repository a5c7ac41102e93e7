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

"""The soak in short: sensors that come and go, models swapped, time that jumps."""

from benchmarks.soak import Figures, Sample, soak_simulated


def test_a_few_simulated_minutes_lose_nothing() -> None:
    figures = soak_simulated(0.06, seed=1, every_s=30)
    assert figures.messages > 2000
    assert figures.decisions > 100
    assert 0 < figures.selected <= figures.decisions
    assert figures.swaps > 10
    assert len(figures.samples) > 5
    assert (figures.lost, figures.dropped, figures.failures) == (0, 0, 0)


def test_what_grows_or_is_lost_is_complained_about() -> None:
    def samples(memory: float, handles: int, threads: int) -> list[Sample]:
        flat = [Sample(k, 100, 10, 3) for k in range(12)]
        return flat + [Sample(12 + k, memory, handles, threads) for k in range(4)]

    assert not [*Figures('real', samples=samples(110, 10, 3)).complaints()]
    grown = Figures('real', lost=2, samples=samples(200, 11, 4))
    assert [*grown.complaints()] == [
        'lost: 2',
        'memory grew from 100 to 200 MiB',
        'handles grew from 10 to 11',
        'threads grew from 3 to 4',
    ]
