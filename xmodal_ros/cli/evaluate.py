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

"""``xmodal evaluate``: score bundles over recordings, offline and through the live node."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from xmodal_ros.cli.variadic import VariadicCommand


class SelectorMode(StrEnum):
    """How the selector is run over the labels of several bundles."""

    SELECT = 'select'
    FUSE = 'fuse'


class EvaluateCommand(VariadicCommand):
    """Takes paths anywhere among the options, and ``--robustness`` without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Bind words to options by what they look like, then parse as ever."""
        parsed: list[str] = super().parse_args(ctx, bind_words(args))
        return parsed


COMMAND_CLASS = EvaluateCommand


def bind_words(arguments: Sequence[str]) -> list[str]:
    """Write the words that follow ``--robustness`` and ``--require`` as ``--require=a,b``.

    The first word that is no fault or threshold ends them. ``--robustness`` without one becomes
    ``--robustness=all``.
    """
    bound: list[str] = []
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == '--':
            return [*bound, word, *words]
        belongs = {'--robustness': _is_fault, '--require': _is_threshold}.get(word)
        if belongs is None:
            bound.append(word)
            continue
        mine: list[str] = []
        while words and belongs(words[0]):
            mine.append(words.pop(0))
        if not mine and word == '--robustness':
            mine = ['all']
        bound.append(f'{word}={",".join(mine)}' if mine else word)
    return bound


def _is_fault(word: str) -> bool:
    """Tell whether a word names faults; a slip of the pen does too, unless a file is called so."""
    from xmodal_ros.evaluation.fault_catalogue import ALL, fault_names

    if set(word.split(',')) <= {*fault_names(), ALL}:
        return True
    return not word.startswith('-') and '/' not in word and not Path(word).exists()


def _is_threshold(word: str) -> bool:
    from xmodal_ros.evaluation.requirements import is_requirement

    return is_requirement(word) and not Path(word).exists()


def evaluate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help='One or more bundles (folders that training wrote, or a folder of them) and '
            'recordings (or folders of them), in any order: what holds a bundle.json is a bundle.',
            metavar='BUNDLE... BAG...',
            show_default=False,
        ),
    ],
    sensor: Annotated[
        str | None,
        typer.Option(
            help='Run on this sensor of the bags; of several bundles, those of its modality do. '
            "Default: each bundle's own.",
            metavar='SENSOR',
        ),
    ] = None,
    selector: Annotated[
        SelectorMode,
        typer.Option(help='With several bundles: how the selector goes by their labels.'),
    ] = SelectorMode.SELECT,
    robustness: Annotated[
        list[str] | None,
        typer.Option(
            help='Measure again under faults that grow worse: dropout, delay, jitter, rate, '
            'noise, low_light, rotation, background; all that apply when none is named.',
            metavar='[FAULT...]',
        ),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            help='Exit with code 1 unless this is met, for every bundle: macro_f1=0.8 (at least), '
            "'ece<=0.1'. Any number of the JSON may be named.",
            metavar='NAME=NUMBER...',
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            '--live', help='Also play each bag to the live node over DDS and compare every stamp.'
        ),
    ] = False,
    rate: Annotated[
        float,
        typer.Option(min=0, help='With --live: times real time; 0 is as fast as nothing is lost.'),
    ] = 0.0,
    show_labels: Annotated[
        bool,
        typer.Option(
            '--show-labels', help='With --live: print each change of label in labelled activities.'
        ),
    ] = False,
    all_subjects: Annotated[
        bool,
        typer.Option(
            '--all-subjects',
            help='Score recordings of people a model was trained on too; they are left out '
            'otherwise when there are others.',
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            '--strict',
            help='Stop at the first recording that cannot be evaluated, instead of leaving it '
            'out. With one recording always so.',
        ),
    ] = False,
    merge_labels: Annotated[
        bool,
        typer.Option(
            '--merge-labels',
            help='Take labels that differ only in capitals, blanks, underscores or how Unicode '
            'writes a letter from one that was learnt for that one; without, they are told.',
        ),
    ] = False,
    device: Annotated[
        str, typer.Option(help="Where to run: 'auto', 'cpu', 'cuda' or 'cuda:N'.")
    ] = 'cpu',
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            help='So many recordings side by side, in processes of one thread each; the decisions '
            'are the same to the last bit.',
        ),
    ] = 1,
    runtime: Annotated[
        str,
        typer.Option(
            help="What runs it: 'torch', 'onnx', or 'auto' for its ONNX file where it holds one "
            'and the CPU computes. As of the robot, for scores to be equal to the last digit.'
        ),
    ] = 'auto',
    html: Annotated[
        Path | None,
        typer.Option(help='Write the report, one self-contained HTML page, here.', metavar='FILE'),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(help='Write scores and every label as JSON here.', metavar='FILE'),
    ] = None,
) -> None:
    """Score bundles over recordings, exactly as they would behave on a robot.

    The decisions come from the live engine, message by message. Scores are per window, per clip,
    as segments and as events, with 95 % intervals over people; several bundles are compared in
    pairs, and the selector is run over their labels.

    With --live the same bags go through the real classifier node of their modality as well
    (imu_classifier for one), and the two sequences are compared stamp by stamp.

    Exit code: 0 when all is well, 1 when live and offline differ or a --require is not met.

    Example: xmodal evaluate models/imu recordings/subject_05 --live --html report.html
    """
    from xmodal_ros.bags.opening import about_passed_over
    from xmodal_ros.cli.evaluate_inputs import sort_paths
    from xmodal_ros.cli.evaluate_run import EvaluationSettings, run

    bundles, bags = sort_paths(paths)
    for note in about_passed_over(paths):
        typer.echo(f'warning: {note}', err=True)
    run(
        EvaluationSettings(
            bundles=bundles,
            bags=bags,
            sensor=sensor,
            selector=selector.value,
            robustness=tuple(robustness or ()),
            require=tuple(require or ()),
            live=live,
            rate=rate,
            all_subjects=all_subjects,
            strict=strict,
            merge_labels=merge_labels,
            device=device,
            runtime=runtime,
            show_labels=show_labels,
            jobs=jobs,
            html=html,
            json=json,
        )
    )
