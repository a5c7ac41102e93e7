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

"""Who was recorded and when, by the names of folders, where a recording itself does not say.

Known are ``subject``, ``sub`` (as in BIDS), ``participant`` and ``person``, followed by ``-``,
``_`` or ``=`` and a word with a digit, or by ``=`` and any word; ``session`` and ``ses``
likewise: ``sub-05/ses-1/bag``, ``subject_5_session_2``, ``person=anna``.
"""

from dataclasses import dataclass
from pathlib import Path
import re
from typing import Final

from xmodal_ros.paths import as_called

_HOW_FAR_UP: Final = 3
# Without a digit, words such as in my_subject_recordings would be taken for a name.
_VALUE: Final = r'(?:=[A-Za-z0-9]+|[-_][A-Za-z]*[0-9][A-Za-z0-9]*)'
_SUBJECT: Final = re.compile(
    rf'(?:^|[-_ ])((?:subject|sub|participant|person){_VALUE})', re.IGNORECASE
)
_SESSION: Final = re.compile(rf'(?:^|[-_ ])((?:session|ses){_VALUE})', re.IGNORECASE)


@dataclass(frozen=True)
class PersonAndSession:
    """Who was recorded, and in which session; ``session`` is empty where nothing says it."""

    subject: str
    session: str


def name_person(path: Path, name: str) -> PersonAndSession:
    """Look for subject and session in the bag's ``name`` and in the folders around ``path``.

    The nearest counts, and those of a link before those of what it leads to. Without a subject
    there the bag's name stands for one.
    """
    called, real = as_called(path), path.resolve()
    around = [*called.parents[:_HOW_FAR_UP], real, *real.parents[:_HOW_FAR_UP]]
    names = [name, *(each.name for each in around)]
    return PersonAndSession(_first(_SUBJECT, names) or name, _first(_SESSION, names))


def _first(pattern: re.Pattern[str], names: list[str]) -> str:
    found = (pattern.search(name) for name in names)
    return next((match.group(1) for match in found if match), '')
