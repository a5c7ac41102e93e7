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

"""The stretch of time that a page shows of a recording."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """From ``start_ns`` to ``end_ns``, in source time."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end_ns - self.start_ns) / 1e9

    def __contains__(self, stamp_ns: int) -> bool:
        """Tell whether a stamp lies in it."""
        return self.start_ns <= stamp_ns <= self.end_ns

    def offset_s(self, stamp_ns: int) -> float:
        """Give the seconds from its start to a stamp."""
        return (stamp_ns - self.start_ns) / 1e9
