"""Run one node as a process: signals end it in order, and the exit code tells how it went."""

from collections.abc import Callable, Sequence
import signal
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
    done = threading.Event()
    told: dict[int, float] = {}

    def end(number: int, _frame: FrameType | None) -> None:
        first = told.setdefault(number, time.monotonic())
        if time.monotonic() - first > _INSISTING_S:
            leave(128 + number)
        done.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
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
        rclpy.try_shutdown()
    return 0


def _spin(node: Runnable, done: threading.Event) -> None:
    executor = SingleThreadedExecutor()
    for member in node.members:
        answer_everything(member)
        executor.add_node(member)
    given = [name for member in node.members for name in given_at_start(member)]
    warn_of_unknown(node.members[0], dict.fromkeys(given), node.members)
    executor.create_task(node.start)
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
        executor.shutdown()
        node.destroy_node()


def _execute(executor: SingleThreadedExecutor, node: Runnable, done: threading.Event) -> None:
    while not done.is_set():
        try:
            executor.spin_once()
        except ExternalShutdownException:
            done.set()
        except Exception as error:  # noqa: BLE001 - rclpy raises here what any callback raised
            node.get_logger().error(f'unexpected error in a callback: {error!r}')
