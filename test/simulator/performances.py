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

"""Performances of one motion, and other arrangements for the simulator's tests."""

from collections.abc import Callable
from dataclasses import replace
import hashlib
from pathlib import Path

import numpy as np

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.simulator.activities import ACTIVITIES
from xmodal_ros.simulator.body import CHANNELS, INDEX, rest_posture
from xmodal_ros.simulator.motion import Motion, SoundCue, Take
from xmodal_ros.simulator.performance import Performance
from xmodal_ros.simulator.person import draw_person, Person
from xmodal_ros.simulator.rotations import FloatArray
from xmodal_ros.simulator.stage import draw_stage

SEED = 3


def plain_person(left_handed: bool = False, wrist_mount: FloatArray | None = None) -> Person:
    """A person whose sensors sit exactly as they should."""
    return replace(
        draw_person(SEED, 0),
        left_handed=left_handed,
        wrist_mount=np.eye(3) if wrist_mount is None else wrist_mount,
        thigh_mount=np.eye(3),
    )


def perform(activity: str, duration: float = 8.0, person: Person | None = None) -> Performance:
    """Do one activity from the first second to the last but one."""
    who = person or plain_person()
    stage = draw_stage(who)
    habit, rng = np.random.default_rng(5), np.random.default_rng(6)
    take = Take(who, stage, 1.0, duration - 1.0, habit, rng)
    return Performance(who, stage, duration, (ACTIVITIES[activity](take),))


def stand_still(
    duration: float = 8.0,
    person: Person | None = None,
    sounds: tuple[SoundCue, ...] = (),
    move: Callable[[FloatArray, FloatArray], None] | None = None,
) -> Performance:
    """Stand like a statue; ``move`` may change the channels (T, CHANNELS) of the times (T,)."""
    who = person or plain_person()
    stage = draw_stage(who)
    rest = rest_posture(who) | {'east': stage.home.east, 'heading': np.pi}

    def posture(t: FloatArray) -> FloatArray:
        channels = np.tile([rest[name] for name in CHANNELS], (len(t), 1))
        if move is not None:
            move(t, channels)
        return channels

    return Performance(who, stage, duration, (Motion('', 0.0, duration, posture, sounds),))


def channel(name: str) -> int:
    """The column of a posture channel."""
    return INDEX[name]


def content_hash(path: Path) -> str:
    """Hash all messages of a bag with their topics and times."""
    digest = hashlib.sha256()
    with BagReader(path) as reader:
        for message in reader.messages():
            head = f'{message.topic} {message.msgtype} {message.received_ns} '
            digest.update(head.encode() + message.data)
    return digest.hexdigest()
