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

"""The live part of ``xmodal evaluate``: each bag through the classifier node as well."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from xmodal_ros.cli.progress import ProgressBars
from xmodal_ros.errors import XmodalError
from xmodal_ros.evaluation.agreement import compare
from xmodal_ros.evaluation.scoring import BagEvaluation, LiveRun
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.runtime.engine import Prediction


def run_live(
    bundle: Path,
    bag: BagEvaluation,
    sensor: Sensor,
    bars: ProgressBars,
    *,
    rate: float,
    device: str,
    runtime: str,
    show_labels: bool,
) -> LiveRun:
    """Play a bag that was evaluated offline to the live node, and compare the two.

    ``rate`` is in times real time, 0 as fast as nothing is lost. Raises :class:`XmodalError` where
    the node or the bag gives up.
    """
    from xmodal_ros.tools.replay.replay import replay

    bar = bars.add(f'{bag.name} live', bag.offline.received)
    try:
        result = replay(
            bundle,
            bag.path,
            sensor,
            rate=rate,
            device=device,
            runtime=runtime,
            progress=bar.update,
            on_label=LabelPrinter(bag, bars.console) if show_labels else lambda _: None,
        )
    except XmodalError:
        bar.remove()
        raise
    return LiveRun(
        predictions=result.predictions,
        latencies_s=result.latencies_s,
        sent=result.sent,
        received=result.received,
        drops=result.drops,
        agreement=compare(bag.offline.predictions, result.predictions),
        rate=rate,
    )


class LabelPrinter:
    """Print a line whenever the live label changes, or the activity that it is to tell.

    Nothing is printed of what lies between labelled activities, where nobody knows what is right;
    in a recording without any labels, each change.
    """

    def __init__(self, bag: BagEvaluation, console: Console) -> None:
        self._console = console
        self._name = bag.name
        known = (
            (prediction.stamp_ns, bag.truth_label(index))
            for index, prediction in enumerate(bag.offline.predictions)
        )
        self._truth = {stamp_ns: truth for stamp_ns, truth in known if truth is not None}
        self._first_ns: int | None = None
        self._printed: tuple[str, str] | None = None

    def __call__(self, prediction: Prediction) -> None:
        """Take the next label."""
        if self._first_ns is None:
            self._first_ns = prediction.stamp_ns
            self._console.print(
                f'[dim]live[/] {escape(self._name)}, by seconds since its first label',
                highlight=False,
            )
        truth, label = self._truth.get(prediction.stamp_ns, ''), prediction.label
        if (self._truth and not truth) or (label, truth) == self._printed:
            return
        self._printed = label, truth
        seconds = (prediction.stamp_ns - self._first_ns) / 1e9
        colour = 'dim' if not truth else 'green' if truth == label else 'red'
        told = 'right' if truth == label else f'truth: {truth}' if truth else ''
        self._console.print(
            f'[dim]live {seconds:7.1f} s[/]  [{colour}]{escape(label):<18}[/] '
            f'{prediction.scores[0][1]:.2f}  [dim]{escape(told)}[/]',
            highlight=False,
        )
