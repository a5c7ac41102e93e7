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

"""Events of a training on stdout; without torch, so that what is wrong at first is one of them."""

import os
import signal
import sys

from xmodal_ros.training.events import Event, to_line


class EventOutput:
    """Events on stdout; once nobody reads it any more, nothing is written and the run ends."""

    def __init__(self) -> None:
        self._closed = False

    def write(self, event: Event) -> None:
        """Write an event; raises SystemExit where nobody reads any more."""
        if self._closed:
            return
        try:
            print(to_line(event), flush=True)
        except BrokenPipeError:
            self._closed = True
            # Python flushes stdout once more when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(128 + signal.SIGPIPE) from None
