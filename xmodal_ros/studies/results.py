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

"""What a run gave, as it is kept in a file."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xmodal_ros.data.window_split import TestWindows
from xmodal_ros.files import write_atomic
from xmodal_ros.metrics.scores import score

Matrix = tuple[tuple[int, ...], ...]


class Confusion(BaseModel):
    """One subject's confusion (true, decided) by an outcome's labels, per clip and window."""

    model_config = ConfigDict(frozen=True)

    clip: Matrix
    window: Matrix


class Outcome(BaseModel):
    """How a run did: scores over all test subjects, and what they are made of.

    ``labels`` are those known, then those that only the test holds. ``parameters`` is None for a
    model that is no net; ``durations_s`` are those of its fits.
    """

    model_config = ConfigDict(frozen=True)

    labels: tuple[str, ...]
    subjects: dict[str, Confusion]
    macro_f1: float
    macro_f1_window: float
    parameters: int | None
    sources_used: tuple[str, ...]
    windows: dict[str, int]
    durations_s: dict[str, float]
    facts: dict[str, Any]


class RunRecord(BaseModel):
    """A finished or failed run: what was run, where, and its outcome or the reason of failure.

    ``code`` is what :func:`~xmodal_ros.studies.run_code.code_of` gave the process that made it.
    """

    model_config = ConfigDict(frozen=True)

    run: dict[str, Any]
    environment: dict[str, str]
    code: dict[str, str] = Field(default_factory=dict)
    duration_s: float
    outcome: Outcome | None = None
    failure: str = ''

    def write(self, path: Path) -> None:
        """Write it whole or not at all."""
        write_atomic(path, self.model_dump_json(indent=1) + '\n')

    @classmethod
    def read(cls, path: Path, identity: Mapping[str, Any]) -> Self | None:
        """Give the record of a run, or None where there is none that can be used."""
        try:
            record = cls.model_validate_json(path.read_text(encoding='utf-8'))
        except (OSError, ValueError, ValidationError):
            return None
        # Through JSON, which knows no tuples.
        return record if record.run == json.loads(json.dumps(identity)) else None


def confusions(
    labels: Sequence[str], probabilities: NDArray[np.float64], test: TestWindows
) -> dict[str, Confusion]:
    """Count by subject how windows and clips are taken for what; ``labels`` hold all of them.

    ``probabilities`` (N, known) are by the first of the labels. A clip is decided by the mean of
    its windows' probabilities.
    """
    index_of = {label: index for index, label in enumerate(labels)}
    truth = np.array([index_of[name] for name in test.truth])
    subjects = np.array(test.subjects)
    _, first, clip_of = np.unique(
        np.array(test.clips), axis=0, return_index=True, return_inverse=True
    )
    by_clip = np.zeros((len(first), probabilities.shape[1]))
    np.add.at(by_clip, clip_of.reshape(-1), probabilities)
    found = {}
    for subject in sorted(set(test.subjects)):
        mine, my_clips = subjects == subject, subjects[first] == subject
        found[subject] = Confusion(
            clip=_count(truth[first][my_clips], by_clip[my_clips].argmax(axis=1), len(labels)),
            window=_count(truth[mine], probabilities[mine].argmax(axis=1), len(labels)),
        )
    return found


def _count(truth: NDArray[np.int64], decided: NDArray[np.int64], size: int) -> Matrix:
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (truth, decided), 1)
    return tuple(tuple(row) for row in counts.tolist())


def outcome(
    known: Sequence[str],
    probabilities: NDArray[np.float64],
    test: TestWindows,
    **rest: Any,
) -> Outcome:
    """Score a run's probabilities (N, known); ``rest`` are the other fields of an outcome."""
    labels = (*known, *sorted({*test.truth} - {*known}))
    scores = score(known, probabilities, test.truth, test.clips)
    return Outcome(
        labels=labels,
        subjects=confusions(labels, probabilities, test),
        macro_f1=scores.macro_f1,
        macro_f1_window=scores.macro_f1_window,
        **rest,
    )
