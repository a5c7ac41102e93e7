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

"""``xmodal bundle``: what models in folders are, how two differ, whether they are whole, whose."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)

_JSON = typer.Option('--json', metavar='FILE', help='Write the same here, as JSON.')


@app.callback()
def bundle() -> None:
    """Show, compare, verify, sign and migrate bundles: the folders in which models travel."""


@app.command()
def show(
    bundles: Annotated[
        list[Path], typer.Argument(metavar='BUNDLE...', help='Folders that training wrote.')
    ],
    json: Annotated[Path | None, _JSON] = None,
) -> None:
    """Show what models read, how well they did, and what their parts cost.

    Files are proven unaltered by their hashes first.

    Example: xmodal bundle show models/imu models/camera
    """
    from xmodal_ros.cli.bundle_run import show as run

    run(bundles, json)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar='BUNDLE', help='A bundle.')],
    second: Annotated[Path, typer.Argument(metavar='OTHER', help='Another.')],
    json: Annotated[Path | None, _JSON] = None,
) -> None:
    """Show in what two bundles differ: input, labels, model, scores, and how they were made.

    Exit code: 0 when they are alike in everything, 1 when they differ.

    Example: xmodal bundle compare models/imu_wrist models/imu_wrist_v2
    """
    from xmodal_ros.cli.bundle_run import compare as run

    run(first, second, json)


@app.command()
def verify(
    bundles: Annotated[
        list[Path], typer.Argument(metavar='BUNDLE...', help='Folders that training wrote.')
    ],
    json: Annotated[Path | None, _JSON] = None,
    signed_by: Annotated[
        Path | None,
        typer.Option(
            metavar='FILE',
            help='Ask for a signature too, by one of the public SSH keys in this file.',
        ),
    ] = None,
) -> None:
    """Prove bundles whole, as a robot does before it runs one.

    The document must be readable and agree with itself, all files have the
    hashes they were written with, and the model give the logits of the golden
    sample on this machine's CPU; the ONNX file, where there is one, as well.

    Exit code: 0 when all are whole, 1 when any is not.

    Example: xmodal bundle verify models/imu --signed-by ~/.ssh/id_ed25519.pub
    """
    from xmodal_ros.cli.bundle_run import verify as run

    run(bundles, json, signed_by)


@app.command()
def sign(
    bundles: Annotated[
        list[Path], typer.Argument(metavar='BUNDLE...', help='Folders that training wrote.')
    ],
    key: Annotated[
        Path,
        typer.Option(
            metavar='FILE',
            help='A private SSH key; or a public one whose private half an agent holds.',
        ),
    ],
) -> None:
    """Sign bundles with an SSH key, for others to know that they are from you.

    All files of the folder are signed as they are: sign again after an export.
    It needs ssh-keygen, of OpenSSH.

    Example: xmodal bundle sign models/imu_wrist --key ~/.ssh/id_ed25519
    """
    from xmodal_ros.cli.bundle_run import sign as run

    run(bundles, key)


@app.command()
def migrate(
    source: Annotated[
        Path, typer.Argument(metavar='BUNDLE', help='A bundle of an earlier version.')
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar='FOLDER', help='Write it here; by default it takes the place of the old one.'
        ),
    ] = None,
) -> None:
    """Bring a bundle of an earlier version to the format of this one.

    Its model must still give the logits of its golden sample: what is written
    answers as before. One that is of this format already is left alone.

    Example: xmodal bundle migrate models/imu --out models/imu_new
    """
    from xmodal_ros.cli.bundle_run import migrate as run

    run(source, out)
