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

"""A study of three subjects with an IMU and a camera, whose runs take a blink."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
import os
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import yaml

from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.studies.specification import Study

P = ParamSpec('P')
T = TypeVar('T')

UNIMODAL = {'row': 'unimodal', 'method': 'unimodal'}
# A baseline that is learnt in no time.
LOGISTIC = {'row': 'logistic', 'statistics': 'logistic_regression'}
COSINE = {'row': 'cosine', 'method': 'feature_cosine', 'options': {'weight': 0.5}}
TINY = {'epochs': 1, 'least_steps': 1, 'width': 8, 'dim': 8}


def document(recordings: Path | str = 'recordings', **changes: Any) -> dict[str, Any]:
    """A study as YAML gives it."""
    return {
        'title': 'Small',
        'recordings': [str(recordings)],
        'targets': {'imu': [['camera']]},
        'methods': [UNIMODAL, LOGISTIC, COSINE],
        'splits': {'across': {'directions': [{'train': ['1'], 'test': ['2', '3']}]}},
        'seeds': [0],
        'windows': {'length_s': 1.5, 'hop_s': 1},
        'sensors': {'imu': TINY, 'camera': {**TINY, 'height': 8, 'image_width': 8}},
        **changes,
    }


def study(recordings: Path | str = 'recordings', **changes: Any) -> Study:
    return Study.model_validate(document(recordings, **changes))


def write_study(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(content), encoding='utf-8')
    return path


class InThisProcess(Executor):
    """Does everything at once, here, and counts it."""

    def __init__(self) -> None:
        self.submitted = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self.submitted += 1
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class DeadlyRecipes(dict[str, Recipe]):
    """End the process that looks one up, as the lack of memory would."""

    def __getitem__(self, name: str) -> Recipe:
        os._exit(9)
