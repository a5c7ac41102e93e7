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

"""What PyTorch and PortAudio find on this machine, printed as one line of JSON.

Run as a process of its own (``python -m xmodal_ros.tools.doctor.device_probe torch``):
broken drivers crash or hang what loads them, and ALSA writes to the terminal.
"""

import json
import os
import subprocess
import sys
from typing import Any, Final

from xmodal_ros.drivers.portaudio import import_sounddevice
from xmodal_ros.errors import DriverError

_MEBIBYTE: Final = 1 << 20
_NVIDIA_SMI_S: Final = 10.0


def probe_torch() -> dict[str, Any]:
    """Give version, CUDA build and devices, or ``problem`` (``missing`` where it is none)."""
    # Counts devices without a context on one, which would take of the memory of a running robot.
    os.environ['PYTORCH_NVML_BASED_CUDA_CHECK'] = '1'
    try:
        import torch
    except ModuleNotFoundError as error:
        return {'problem': f'{error.name} is not installed', 'missing': error.name == 'torch'}
    except Exception as error:  # noqa: BLE001 - libraries that do not fit raise many kinds
        return {'problem': f'it cannot be loaded: {error}'}
    found: dict[str, Any] = {'version': str(torch.__version__), 'cuda': torch.version.cuda or ''}
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        gpus = _nvidia_smi()
        found['gpus'] = (
            gpus if len(gpus) == count else [[_name(i), None, None] for i in range(count)]
        )
    return found


def _name(number: int) -> str:
    import torch

    return str(torch.cuda.get_device_name(number))


def _nvidia_smi() -> list[list[Any]]:
    """Give name, total and free bytes of every GPU, as the driver's tool says."""
    command = [
        'nvidia-smi',
        '--query-gpu=name,memory.total,memory.free',
        '--format=csv,noheader,nounits',
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_NVIDIA_SMI_S, check=True, text=True
        )
        rows = [line.rsplit(',', 2) for line in done.stdout.splitlines()]
        return [[row[0].strip(), *(int(each) * _MEBIBYTE for each in row[1:])] for row in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def probe_sound() -> dict[str, Any]:
    """Give the names of the devices that can record, or ``problem``."""
    try:
        devices = import_sounddevice().query_devices()
    except DriverError as error:
        return {'problem': str(error)}
    except Exception as error:  # noqa: BLE001 - PortAudio's errors are its module's own
        return {'problem': f'PortAudio cannot list its devices: {error}'}
    return {'microphones': [str(each['name']) for each in devices if each['max_input_channels']]}


def main() -> None:
    """Print what the part named by the only argument finds."""
    found = {'torch': probe_torch, 'sound': probe_sound}[sys.argv[1]]()
    sys.stdout.write(f'\n{json.dumps(found)}\n')


if __name__ == '__main__':
    main()
