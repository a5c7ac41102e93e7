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
