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

"""The faults of ``xmodal evaluate``: each bundle over its recordings again, harmed."""

from collections.abc import Callable, Mapping, Sequence

from rich.markup import escape

from xmodal_ros.cli.progress import Bar, ProgressBars
from xmodal_ros.evaluation.fault_catalogue import faults_of
from xmodal_ros.evaluation.robustness import robustness_curve
from xmodal_ros.evaluation.scoring import Evaluation
from xmodal_ros.evaluation.trial import RobustnessCurve
from xmodal_ros.runtime.engine import Engine


def run_faults(
    engines: Mapping[str, Engine],
    evaluations: Sequence[Evaluation],
    faults: Sequence[str],
    bars: ProgressBars,
    *,
    chosen: bool,
    strict: bool,
) -> tuple[RobustnessCurve, ...]:
    """Give a curve of every evaluation under every fault, by name, that can befall its sensor.

    ``engines`` are by the evaluations' names. With ``chosen``, faults that befall none are told;
    with ``strict``, nothing is left out. Raises :class:`XmodalError` for a curve that is left
    without recordings.
    """
    curves: list[RobustnessCurve] = []
    suffered = {kind.name for each in evaluations for kind in faults_of(each.info.stream, faults)}
    if suffered and (spared := [name for name in faults if name not in suffered]) and chosen:
        bars.console.print(
            f'[yellow]warning:[/] left out, for it can befall no sensor here: {", ".join(spared)}',
            soft_wrap=True,
        )
    for evaluation in evaluations:
        kinds = faults_of(evaluation.info.stream, faults)
        if faults and not kinds:
            bars.console.print(
                f'[yellow]warning:[/] none of the faults named can befall the '
                f'{evaluation.info.modality} of {escape(evaluation.name)}',
                soft_wrap=True,
            )
        messages = sum(bag.offline.received for bag in evaluation.bags)
        for kind in kinds:
            total = messages * len(kind.grid)
            bar = bars.add(f'{evaluation.name}, {kind.name}', total)
            report = _count_on(bar, evaluation.name)
            engine = engines[evaluation.name]
            curve = robustness_curve(engine, evaluation, kind, report, strict=strict)
            bar.update(total)
            for left in curve.left_out:
                bars.console.print(
                    f'[yellow]warning:[/] {escape(left.bag)} is left out of the curve of '
                    f'{kind.name}: {escape(left.reason)}',
                    soft_wrap=True,
                )
            curves.append(curve)
    return tuple(curves)


def _count_on(bar: Bar, bundle: str) -> Callable[[str, int], None]:
    return lambda doing, count: bar.advance(count, f'{bundle}, {doing}')
