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

"""The published weights of BlazePose, and a photograph, for tests that compute with them."""

import os
from pathlib import Path
from typing import Any

import cv2
from matplotlib import cbook
import pytest

from test.needs import need


def published_weights(shared_data: Path) -> Path:
    """Give the wheel of mediapipe, or a folder with it or its files; skip where it is not here."""
    need('ai_edge_litert')
    path = Path(os.environ.get('XMODAL_POSE_WEIGHTS', shared_data / 'mediapipe'))
    if not path.exists():
        pytest.skip(f'no weights of BlazePose at {path}: set XMODAL_POSE_WEIGHTS to a wheel')
    return path


def photograph() -> Any:
    """Give a picture (600, 512, 3) of somebody, to the waist, who looks at the camera."""
    path = cbook.get_sample_data('grace_hopper.jpg', asfileobj=False)
    picture: Any = cv2.imread(str(path))
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
