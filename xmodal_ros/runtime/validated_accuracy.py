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

"""How good a bundle has proved to be; read without torch, which a selector does not need."""

from pathlib import Path
from typing import Final

from xmodal_ros.errors import BundleError
from xmodal_ros.models.configuration_bundle import read_bundle_info

# Best first: a label is one window's, and validation leaves the test subjects untouched.
_SCORES: Final = (
    'validation_accuracy_window',
    'validation_accuracy',
    'test_accuracy_window',
    'test_accuracy',
)


def validated_accuracy(bundle: Path) -> float | None:
    """Give the share of windows that a bundle's model got right on people it was not trained on.

    None for one that was never scored. Raises :class:`BundleError` where there is no bundle.
    """
    scores = read_bundle_info(bundle).scores
    score = next((scores[name] for name in _SCORES if name in scores), None)
    if score is not None and not 0 <= score <= 1:
        raise BundleError(
            f'bundle {bundle} says that it is right in {score} of all windows: train it again, or '
            'set the weight of the source yourself'
        )
    return score
