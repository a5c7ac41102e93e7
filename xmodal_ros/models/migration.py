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

"""Bring bundles of earlier versions to today's format.

Before 0.2 nothing proved a bundle's document: the golden sample's file holds its hash since.
"""

from pathlib import Path
from typing import Final

from safetensors.torch import load
import torch

from xmodal_ros.errors import BundleError
from xmodal_ros.models.bundle import Bundle, save_bundle
from xmodal_ros.models.configuration_bundle import (
    BundleInfo,
    file_sha256,
    has_document_sha256,
    read_bundle_info,
    read_file,
    WEIGHTS,
)
from xmodal_ros.models.golden import read_golden
from xmodal_ros.models.replacing import check_replaceable

_DEVICE: Final = torch.device('cpu')


def migrate_bundle(path: Path, out: Path) -> BundleInfo | None:
    """Write the bundle at ``path`` in today's format to ``out``, which may be the same folder.

    None where it is of today's format already; then, nothing is written. Notes for people are
    taken along, an ONNX file is not. Raises :class:`BundleError` where its weights are altered,
    or it does not answer as it did.
    """
    info = read_bundle_info(path)
    if has_document_sha256(path):
        return None
    check_replaceable(out)
    found = file_sha256(path / WEIGHTS)
    if found != info.weights_sha256:
        raise BundleError(
            f'{path / WEIGHTS} is not the file this bundle was made with: an altered bundle is '
            'not migrated, copy the whole folder again'
        )
    golden = read_golden(path, info)
    classifier = info.make_classifier()
    try:
        classifier.load_state_dict(load(read_file(path / WEIGHTS)))
    except RuntimeError as error:
        words = ' '.join(str(error).split())
        raise BundleError(f'bundle {path} cannot be migrated: {words}') from error
    bundle = Bundle(path, info, classifier.eval(), _DEVICE)
    window = torch.from_numpy(golden.window)
    given = bundle.logits(window[None])[0].numpy()
    golden.check(path, given, str(_DEVICE), bundle.precision)
    notes = {
        file.name: file.read_text(encoding='utf-8')
        for pattern in ('*.md', '*.csv')
        for file in path.glob(pattern)
    }
    return save_bundle(out, info, classifier, window, notes)
