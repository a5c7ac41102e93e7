"""How good a bundle has proved to be; read without torch, which a selector does not need."""

import json
from pathlib import Path
from typing import Final

from xmodal_ros.errors import BundleError

# Best first: a label is one window's, and validation leaves the test subjects untouched.
_SCORES: Final = (
    'validation_accuracy_window',
    'validation_accuracy',
    'test_accuracy_window',
    'test_accuracy',
)


def validated_accuracy(bundle: Path) -> float | None:
    """Give the share of windows that a bundle's model got right on people it was not trained on.

    None for one that was never scored. Raises :class:`BundleError` where there is no bundle.
    """
    try:
        document = json.loads((bundle / 'bundle.json').read_text(encoding='utf-8'))
        scores = dict(document['scores'])
        score = next((float(scores[name]) for name in _SCORES if name in scores), None)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise BundleError(
            f'{bundle} is no bundle ({error}): give the folder that training wrote'
        ) from None
    if score is not None and not 0 <= score <= 1:
        raise BundleError(
            f'bundle {bundle} says that it is right in {score} of all windows: train it again, or '
            'set the weight of the source yourself'
        )
    return score
