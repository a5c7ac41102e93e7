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

"""Rotations of many frames at once, as matrices of shape (..., 3, 3)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_SMALLEST_SINE: Final = 1e-9


def _from_rows(rows: list[list[FloatArray]]) -> FloatArray:
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def about_x(angle: FloatArray) -> FloatArray:
    """Rotate about x by ``angle`` (T,) radians: (T, 3, 3)."""
    cos, sin = np.cos(angle), np.sin(angle)
    one, zero = np.ones_like(cos), np.zeros_like(cos)
    return _from_rows([[one, zero, zero], [zero, cos, -sin], [zero, sin, cos]])


def about_y(angle: FloatArray) -> FloatArray:
    """Rotate about y by ``angle`` (T,) radians: (T, 3, 3)."""
    cos, sin = np.cos(angle), np.sin(angle)
    one, zero = np.ones_like(cos), np.zeros_like(cos)
    return _from_rows([[cos, zero, sin], [zero, one, zero], [-sin, zero, cos]])


def about_z(angle: FloatArray) -> FloatArray:
    """Rotate about z by ``angle`` (T,) radians: (T, 3, 3)."""
    cos, sin = np.cos(angle), np.sin(angle)
    one, zero = np.ones_like(cos), np.zeros_like(cos)
    return _from_rows([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])


def about_axis(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """Rotate about unit vectors ``axis`` (T, 3) by ``angle`` (T,) radians (Rodrigues)."""
    x, y, z = axis[..., 0], axis[..., 1], axis[..., 2]
    zero = np.zeros_like(x)
    cross = _from_rows([[zero, -z, y], [z, zero, -x], [-y, x, zero]])
    sin, cos = np.sin(angle)[..., None, None], np.cos(angle)[..., None, None]
    return np.eye(3) + sin * cross + (1.0 - cos) * (cross @ cross)


def rotation_vector(rotation: FloatArray) -> FloatArray:
    """Give axis times angle (..., 3) in radians; for angles well below a half turn."""
    twice_sine = np.stack(
        [
            rotation[..., 2, 1] - rotation[..., 1, 2],
            rotation[..., 0, 2] - rotation[..., 2, 0],
            rotation[..., 1, 0] - rotation[..., 0, 1],
        ],
        axis=-1,
    )
    sine = 0.5 * np.linalg.norm(twice_sine, axis=-1)
    cosine = 0.5 * (np.trace(rotation, axis1=-2, axis2=-1) - 1.0)
    angle = np.arctan2(sine, cosine)
    scale = np.where(sine > _SMALLEST_SINE, angle / np.maximum(sine, _SMALLEST_SINE), 1.0)
    return np.asarray(0.5 * twice_sine * scale[..., None])


def unit(vectors: FloatArray) -> FloatArray:
    """Scale vectors (..., 3) to length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def turn(rotation: FloatArray, vector: FloatArray) -> FloatArray:
    """Apply rotations (T, 3, 3) to one vector (3,) or to one vector each (T, 3)."""
    return np.asarray((rotation @ vector[..., None])[..., 0])
