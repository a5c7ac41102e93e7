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

"""Arrays and pictures as pages carry them; ``numbers.js`` reads them."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray


def encoded(values: NDArray[Any]) -> str:
    """Give an array's bytes, little-endian and row by row, in base64."""
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder('<'))
    return base64.b64encode(little.tobytes()).decode()


def data_url(media_type: str, data: bytes) -> str:
    """Give a file as an address that holds it."""
    return f'data:{media_type};base64,{base64.b64encode(data).decode()}'
