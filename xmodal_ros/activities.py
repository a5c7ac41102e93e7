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

"""What activities may be called, and which names are one activity's."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final
import unicodedata

UNKNOWN: Final = 'unknown'
"""The answer of a model that does not know; no activity that a person shows."""
LABEL_TOPIC: Final = '/activity_label'
"""Where it is said what a person does, in recordings and while they are made."""


def spellings(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Give the names that are probably one activity's, together, as they came.

    They differ by no more than capitals, blanks, underscores, or how Unicode writes a letter.
    """
    found: dict[str, dict[str, None]] = {}
    for name in names:
        found.setdefault(_key(name), {})[name] = None
    return tuple(tuple(each) for each in found.values() if len(each) > 1)


def merged(counts: Mapping[str, int], known: Collection[str] = ()) -> dict[str, str]:
    """Say for each name by which it is replaced where :func:`spellings` are merged.

    That is one of those ``known``, where it is one's spelling, else the most frequent one.
    """
    chosen = {}
    for several in spellings([*known, *counts]):
        of_them = [name for name in several if name in known]
        best = of_them or [max(several, key=lambda name: counts.get(name, 0))]
        # Two known ones are two classes of a model, whoever gave them these names.
        chosen.update({name: best[0] for name in several if name not in of_them})
    return {name: to for name, to in chosen.items() if name != to}


def in_words(several: Iterable[str]) -> str:
    """Write names that may look the same so that they can be told apart."""
    names = list(several)
    looks = [unicodedata.normalize('NFC', name) for name in names]
    return ', '.join(
        ascii(name) if looks.count(look) > 1 else repr(name)
        for name, look in zip(names, looks, strict=True)
    )


def _key(name: str) -> str:
    plain = unicodedata.normalize('NFKC', name).replace('_', ' ').casefold()
    return ' '.join(unicodedata.normalize('NFKC', plain).split())
