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

"""The room around the person as the camera sees it: walls, clutter, things in the way, light."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.simulator.brush import shade
from xmodal_ros.simulator.lens import HEIGHT, Image, Lens, OVERSAMPLING, WIDTH
from xmodal_ros.simulator.person import Colour
from xmodal_ros.simulator.rhythm import Wobble
from xmodal_ros.simulator.rotations import FloatArray

_SIZE: Final = (OVERSAMPLING * WIDTH, OVERSAMPLING * HEIGHT)
_WALL_M: Final = 5.5
_OCCLUDER_PROBABILITY: Final = 0.6
_PASSERS_PER_MINUTE: Final = 1.0
_LIGHT_CHANGES_PER_MINUTE: Final = 0.5


def draw_background(lab: np.random.Generator, rng: np.random.Generator, lens: Lens) -> Image:
    """Paint wall, floor and clutter (rgb, enlarged size) that stay put for one recording.

    ``lab`` draws what stays the same between recordings, ``rng`` what has been moved.
    """
    wide, high = _SIZE
    base = lens.project(np.array([_WALL_M, 0.0, 0.0]))[1]
    wall = lab.uniform(90, 210) + lab.normal(0, 14, 3)
    floor = lab.uniform(60, 150) + lab.normal(0, 14, 3)
    rows = np.arange(high)[:, None, None]
    columns = np.linspace(-0.5, 0.5, wide)[None, :, None]
    glow = 1.0 + rng.normal(0, 0.25) * columns
    fade = 0.75 + 0.35 * (rows - base) / max(1.0, high - base)
    canvas = np.where(rows < base, wall * glow, floor * glow * fade)
    image = np.clip(np.broadcast_to(canvas, (high, wide, 3)), 0, 255).astype(np.uint8)
    image = np.ascontiguousarray(image)
    _boards(image, lab.uniform(0.4, 1.0), lens, int(base))
    for _ in range(int(lab.integers(5, 9))):
        _clutter(image, lab, int(base))
    for _ in range(int(rng.integers(2, 6))):
        _clutter(image, rng, int(base))
    grain = rng.normal(0, 5.0, (high // 4, wide // 4)).astype(np.float32)
    texture = cv2.resize(grain, (wide, high), interpolation=cv2.INTER_CUBIC)
    textured = np.clip(image + texture[..., None], 0, 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.GaussianBlur(textured, (0, 0), 1.2))


def _boards(image: Image, width_m: float, lens: Lens, base: int) -> None:
    """Draw floor boards that run away from the camera, and a skirting board."""
    board = shade((int(image[-1, 0, 0]), int(image[-1, 0, 1]), int(image[-1, 0, 2])), 0.8)
    for aside in np.arange(-4.0, 4.0, width_m):
        ends = lens.project(np.array([[0.9, aside, 0.0], [_WALL_M, aside, 0.0]]))
        near, far = ((round(float(x)), round(float(y))) for x, y in ends)
        cv2.line(image, near, far, board, 1)
    image[base - 3 : base + 1] = (image[base - 3 : base + 1] * 0.7).astype(np.uint8)


def _muted(rng: np.random.Generator) -> Colour:
    red, green, blue = np.clip(rng.uniform(30, 225) + rng.normal(0, 28, 3), 0, 255).tolist()
    return int(red), int(green), int(blue)


def _clutter(image: Image, rng: np.random.Generator, base: int) -> None:
    """Draw a picture, shelf, box or the like somewhere on the wall or against it."""
    wide, _ = _SIZE
    colour = _muted(rng)
    x = int(rng.integers(-20, wide))
    size_x, size_y = int(rng.integers(15, 80)), int(rng.integers(15, 75))
    stands = rng.uniform() < 0.5
    bottom = base + int(rng.integers(0, 14)) if stands else int(rng.integers(25, max(26, base)))
    cv2.rectangle(image, (x, bottom - size_y), (x + size_x, bottom), colour, cv2.FILLED)
    dark = shade(colour, 0.6)
    cv2.rectangle(image, (x, bottom - size_y), (x + size_x, bottom), dark, 2)
    for _ in range(int(rng.integers(0, 5))):
        inner = _muted(rng)
        left = x + int(rng.integers(0, size_x))
        top = bottom - size_y + int(rng.integers(0, size_y))
        right, low = min(x + size_x, left + 14), min(bottom, top + 12)
        cv2.rectangle(image, (left, top), (right, low), inner, cv2.FILLED)


@dataclass(frozen=True, eq=False)
class Occluder:
    """Furniture between robot and person, out of focus.

    ``where`` are the rows and columns that it touches; ``weighted`` is its colour (h, w, 3) times
    its opacity there, ``clear`` what of the drawing is left, 0 to 256.
    """

    where: tuple[slice, slice]
    weighted: NDArray[np.uint16]
    clear: NDArray[np.uint16]

    def cover(self, image: Image) -> None:
        """Lay it over a drawing."""
        part = image[self.where]
        part[...] = (part * self.clear + self.weighted) >> 8


def draw_occluders(rng: np.random.Generator) -> list[Occluder]:
    """Draw what stands in the way, if anything: a box, the back of a chair, a plant."""
    if rng.uniform() > _OCCLUDER_PROBABILITY:
        return []
    return [_draw_occluder(rng) for _ in range(int(rng.integers(1, 3)))]


def _draw_occluder(rng: np.random.Generator) -> Occluder:
    wide, high = _SIZE
    colour = rng.integers(20, 140, 3)
    mask = np.zeros((high, wide), np.uint8)
    # To one side: the person is hidden in part, and never throughout.
    aside = float(rng.uniform(0.05, 0.35))
    centre = int(wide * (aside if rng.uniform() < 0.5 else 1.0 - aside))
    top, half = int(high * rng.uniform(0.55, 0.8)), int(wide * rng.uniform(0.05, 0.16))
    if rng.uniform() < 0.35:
        for _ in range(14):
            tip = (centre + int(rng.normal(0, half)), top + int(rng.normal(0, 18)))
            cv2.line(mask, (centre, high), tip, (255,), 5)
    else:
        cv2.rectangle(mask, (centre - half, top), (centre + half, high), (255,), cv2.FILLED)
    soft = cv2.GaussianBlur(mask, (0, 0), 2.0)
    x, y, size_x, size_y = cv2.boundingRect(soft)
    where = (slice(y, y + size_y), slice(x, x + size_x))
    opacity = soft[where].astype(np.uint16)[..., None]
    weighted = (opacity * colour.astype(np.uint16)).astype(np.uint16)
    return Occluder(where, weighted, (256 - opacity).astype(np.uint16))


def draw_shadow(image: Image, centre: FloatArray, size: float) -> None:
    """Darken an ellipse on the floor, ``size`` pixels to either side of ``centre``."""
    height, width = image.shape[:2]
    (x, y), low = centre, 0.3 * size
    left, right = int(np.clip(x - size, 0, width)), int(np.clip(x + size, 0, width))
    top, bottom = int(np.clip(y - low, 0, height)), int(np.clip(y + low, 0, height))
    if left >= right or top >= bottom:
        return
    mask = np.zeros((bottom - top, right - left, 1), np.uint8)
    middle = (round(float(x) - left), round(float(y) - top))
    cv2.ellipse(mask, middle, (round(size), round(low)), 0, 0, 360, (1,), cv2.FILLED)
    patch = image[top:bottom, left:right]
    patch -= mask * (patch // 4)


@dataclass(frozen=True)
class Passer:
    """Somebody who crosses the view: ``behind`` the person or close to the camera."""

    start: float
    duration: float
    leftwards: bool
    behind: bool
    colour: Colour

    def paint(self, image: Image, lens: Lens, time: float) -> None:
        """Draw them if they are in view at ``time`` (seconds)."""
        progress = (time - self.start) / self.duration
        if not 0.0 < progress < 1.0:
            return
        distance = 4.7 if self.behind else 1.7
        span = 0.9 * distance * _SIZE[0] / lens.focal
        across = (0.5 - progress) * span * (-1.0 if self.leftwards else 1.0)
        stride = 0.25 * np.sin(2 * np.pi * 0.9 * time)
        heights = np.array([0.0, 0.0, 0.85, 1.35, 1.62])
        offsets = np.array([stride, -stride, 0.0, 0.0, 0.02])
        points = np.stack([np.full(5, distance), across + offsets, heights], axis=1)
        pixels = np.round(lens.project(points)).astype(int)
        width = lens.focal / distance
        hip = tuple(int(value) for value in pixels[2])
        for foot in pixels[:2]:
            cv2.line(
                image, tuple(int(v) for v in foot), hip, (45, 45, 60), max(1, int(0.13 * width))
            )
        shoulder = tuple(int(value) for value in pixels[3])
        cv2.line(image, hip, shoulder, self.colour, max(1, int(0.32 * width)))
        head = tuple(int(value) for value in pixels[4])
        cv2.circle(image, head, max(1, int(0.11 * width)), (150, 115, 95), cv2.FILLED)


def draw_passers(rng: np.random.Generator, duration: float) -> list[Passer]:
    """Draw who crosses the view when, in a recording of ``duration`` seconds."""
    return [
        Passer(
            start=float(rng.uniform(0, duration)),
            duration=float(rng.uniform(2.0, 4.5)),
            leftwards=bool(rng.uniform() < 0.5),
            behind=bool(rng.uniform() < 0.6),
            colour=_muted(rng),
        )
        for _ in range(int(rng.poisson(_PASSERS_PER_MINUTE * duration / 60.0)))
    ]


class Lighting:
    """Brightness and tint over time: drift, lamps switched, and the camera's slow exposure."""

    def __init__(self, rng: np.random.Generator, duration: float) -> None:
        count = int(rng.poisson(_LIGHT_CHANGES_PER_MINUTE * duration / 60.0))
        self._times = np.sort(rng.uniform(0, duration, count))
        self._sizes = rng.normal(0, 0.22, count)
        self._drift = Wobble.draw(rng, 0.01, 0.06)
        self._level = float(np.exp(rng.normal(0, 0.18)))
        self.tint = np.exp(rng.normal(0, 0.05, 3))

    def gain(self, t: FloatArray) -> FloatArray:
        """Give the brightness (T,) relative to an even exposure at times ``t``."""
        gain = self._level * (1.0 + 0.04 * self._drift(t))
        for time, size in zip(self._times, self._sizes, strict=True):
            since = t - time
            # The lamp acts at once, auto exposure takes seconds to make up for half of it.
            recovered = 1.0 - 0.6 * (1.0 - np.exp(-np.maximum(since, 0.0) / 2.5))
            gain = gain * np.exp(np.where(since > 0, size * recovered, 0.0))
        return np.asarray(np.clip(gain, 0.4, 1.7))
