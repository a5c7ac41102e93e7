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

"""Run one node as a process: signals end it in order, and the exit code tells how it went."""

from collections.abc import Callable, Sequence
from contextlib import suppress
import gc
import signal
import socket
import sys
import threading
import time
from types import FrameType
from typing import Final, Protocol

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from xmodal_ros.errors import XmodalError
from xmodal_ros.ros.parameter_services import answer_everything
from xmodal_ros.ros.parameters import given_at_start, warn_of_unknown
from xmodal_ros.ros.starting import leave

# The same signal twice within this time is one that came by two ways: from the terminal and from
# launch, for example, which passes it on when another process has ended by it.
_INSISTING_S: Final = 3.0
# Far more than leaving the graph takes. DDS waits there for threads of its own, which may wait in
# memory that they share with neighbours, killed ones among them.
_LEAVING_S: Final = 30.0


class Ending(threading.Event):
    """An event that signal handlers may set too; only the main thread waits for it.

    What they do to a plain one is a deadlock when they interrupt the main thread inside it, and
    nothing when another thread of the process, or the main one just before it falls asleep, is
    given the signal: Python runs handlers in the main thread, once that does something. Here the
    main thread sleeps on a socket to which Python writes at each signal, whoever is given it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._over = False
        self._hearing, self._telling = socket.socketpair()
        self._telling.setblocking(False)

    def set(self) -> None:
        """Let it be over; from any thread, and without a lock."""
        self._over = True
        # A full buffer wakes the main thread as well.
        with suppress(BlockingIOError):
            self._telling.send(b'.')

    def is_set(self) -> bool:
        """Tell whether it is over."""
        return self._over

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over, or for so many seconds; tells whether it is."""
        self._hearing.settimeout(timeout)
        with suppress(TimeoutError):
            while not self._over:
                self._hearing.recv(1)
        return self._over

    def watch_signals(self) -> None:
        """Look at each signal from now on, whichever thread is given it."""
        signal.set_wakeup_fd(self._telling.fileno(), warn_on_full_buffer=False)


class Runnable(Protocol):
    """A node that a process runs; :meth:`stop` may raise to make the process fail."""

    @property
    def members(self) -> Sequence[Node]:
        """The nodes to spin: itself, or those it is made of."""

    def start(self) -> None:
        """Begin; called in the executor's thread."""

    def stop(self) -> None:
        """End in order; called when the executor's thread is over and ROS still works."""

    def destroy_node(self) -> None:
        """Leave the graph."""

    def get_logger(self) -> RcutilsLogger:
        """Give the node's logger."""


def run(
    make: Callable[[threading.Event], Runnable], arguments: Sequence[str] | None = None
) -> int:
    """Make a node, spin it until a signal or its own ``done`` event, and give the exit code.

    SIGINT and SIGTERM end it with 0: rclpy's own handlers would shut ROS down at once, and the
    decisions on data already received could no longer be published. Whoever insists, ends it at
    once. The executor has a thread of its own, because Python runs signal handlers in the main
    one, which must not be stuck in ROS.
    """
    done = Ending()
    told: dict[int, float] = {}

    def end(number: int, _frame: FrameType | None) -> None:
        first = told.setdefault(number, time.monotonic())
        if time.monotonic() - first > _INSISTING_S:
            leave(128 + number)
        done.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    done.watch_signals()
    try:
        rclpy.init(
            args=list(sys.argv if arguments is None else arguments),
            signal_handler_options=SignalHandlerOptions.NO,
        )
    except Exception as error:  # noqa: BLE001 - rcl raises several kinds for bad arguments
        sys.stderr.write(f'error: ROS cannot be started: {error}\n')
        return 1
    try:
        _spin(make(done), done)
    except XmodalError as error:
        sys.stderr.write(f'error: {error}\n')
        return 1
    finally:
        _within_limits(rclpy.try_shutdown)
    return 0


def _spin(node: Runnable, done: threading.Event) -> None:
    executor = SingleThreadedExecutor()
    for member in node.members:
        answer_everything(member)
        executor.add_node(member)
    given = [name for member in node.members for name in given_at_start(member)]
    warn_of_unknown(node.members[0], dict.fromkeys(given), node.members)
    executor.create_task(_begin, node)
    thread = threading.Thread(
        target=_execute, args=(executor, node, done), name='executor', daemon=True
    )
    thread.start()
    try:
        done.wait()
        # Waking an executor makes it wait again at once; only a task makes it return.
        executor.create_task(lambda: None)
        thread.join()
        node.stop()
    finally:
        _within_limits(executor.shutdown)
        _within_limits(node.destroy_node)


def _begin(node: Runnable) -> None:
    """Begin, and collect garbage from then on, but not in what is loaded: that takes 0.1 s."""
    try:
        node.start()
    finally:
        gc.freeze()
        gc.enable()


def _within_limits(leave_graph: Callable[[], object]) -> None:
    """Leave the graph, or give up: everything has been published, and the process shall end."""
    thread = threading.Thread(target=leave_graph, name='leaving', daemon=True)
    thread.start()
    thread.join(_LEAVING_S)
    if thread.is_alive():
        sys.stderr.write(
            f'warning: ROS did not let go within {_LEAVING_S:g} s; ended without it\n'
        )


def _execute(executor: SingleThreadedExecutor, node: Runnable, done: threading.Event) -> None:
    while not done.is_set():
        try:
            executor.spin_once()
        except ExternalShutdownException:
            done.set()
        except Exception as error:  # noqa: BLE001 - rclpy raises here what any callback raised
            node.get_logger().error(f'unexpected error in a callback: {error!r}')
