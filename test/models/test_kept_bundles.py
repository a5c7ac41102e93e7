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

"""Bundles of every released format load for ever; those kept here were never trained.

A new format begins with bundles of it here, which the version that first writes it has written.
"""

from pathlib import Path

import pytest
import torch

from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.configuration_bundle import FORMAT_VERSION
from xmodal_ros.models.golden import read_golden, tolerance

KEPT = Path(__file__).parent / 'kept'
BUNDLES = sorted(KEPT.glob('*/*'))


@pytest.mark.parametrize('path', BUNDLES, ids=lambda path: f'{path.parent.name}-{path.name}')
def test_a_kept_bundle_loads_and_answers_as_it_did(path: Path) -> None:
    bundle = load_bundle(path)
    golden = read_golden(path, bundle.info)
    logits = bundle.logits(torch.from_numpy(golden.window).float()[None])[0]
    allowed = tolerance(golden.logits)
    torch.testing.assert_close(logits, torch.from_numpy(golden.logits), atol=allowed, rtol=0)


def test_bundles_of_every_format_are_kept() -> None:
    kept = {path.parent.name for path in BUNDLES}
    assert kept == {f'format_{number}' for number in range(1, FORMAT_VERSION + 1)}
