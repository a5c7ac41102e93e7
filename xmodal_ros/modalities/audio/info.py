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

"""Which AudioInfo goes with an audio topic that does not say its own format."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet


def choose_info(
    topic: str, publishers: AbstractSet[str], infos: Mapping[str, AbstractSet[str]]
) -> str | None:
    """Give the name of the AudioInfo topic, None where there is none or several could be.

    ``publishers`` are the nodes that publish the audio, ``infos`` those of each AudioInfo topic.
    It is ``<topic>_info``, else the only one of the same node, else the only one.
    """
    if f'{topic}_info' in infos:
        return f'{topic}_info'
    of_same_node = [name for name, nodes in infos.items() if nodes & publishers]
    for candidates in (of_same_node, list(infos)):
        if len(candidates) == 1:
            return candidates[0]
    return None
