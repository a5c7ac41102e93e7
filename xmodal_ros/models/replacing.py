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

"""What lies where a bundle is to be written; without torch, so that it is known at once."""

from datetime import datetime, UTC
import os
from pathlib import Path

from xmodal_ros.errors import BundleError, ConfigurationError
from xmodal_ros.files import check_folder
from xmodal_ros.models.configuration_bundle import DOCUMENT, is_bundle, read_bundle_info
from xmodal_ros.paths import is_folder, is_there


def check_replaceable(path: Path) -> None:
    """Raise :class:`BundleError` when a bundle cannot be written at ``path``.

    That is where something lies that is no bundle, and where no folder can be made beside it.
    """
    # What a link leads to stays: the bundle takes the place of the link.
    leads_nowhere = os.path.lexists(path) and not is_there(path)
    try:
        check_folder(path.parent if is_folder(path) or leads_nowhere else path)
        taken = is_folder(path) and not is_bundle(path) and any(path.iterdir())
    except ConfigurationError as error:
        raise BundleError(str(error)) from error
    except OSError as error:
        raise BundleError(f'cannot write a bundle at {path}: {error.strerror}') from error
    if taken:
        raise BundleError(f'{path} is not a bundle: refusing to replace it, give another --out')


def replaced_bundle(path: Path) -> str:
    """Say which bundle would be replaced, by its method and date; '' where there is none."""
    if not is_bundle(path):
        return ''
    try:
        written = datetime.fromtimestamp((path / DOCUMENT).stat().st_mtime, UTC).astimezone()
        what = f'{read_bundle_info(path).method}, {written:%Y-%m-%d}'
    except (BundleError, OSError):
        what = 'which cannot be read'
    return f'replaces the bundle at {path} ({what}) when it is done'
