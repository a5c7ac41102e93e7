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

"""Which of the processes that train together this one is; without torch, which takes a while."""

import os


def started_processes() -> int:
    """Say how many processes ``torchrun`` started to train together; 1 without it."""
    together = 'TORCHELASTIC_RUN_ID' in os.environ
    return int(os.environ.get('WORLD_SIZE', '1')) if together else 1


def is_first_process() -> bool:
    """Say whether this process tells and writes: of those that ``torchrun`` started the first."""
    return started_processes() < 2 or os.environ.get('RANK', '0') == '0'
