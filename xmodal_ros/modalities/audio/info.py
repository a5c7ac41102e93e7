"""Which AudioInfo goes with an audio topic that does not say its own format."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet


def choose_info(
    topic: str, publishers: AbstractSet[str], infos: Mapping[str, AbstractSet[str]]
) -> str | None:
    """Give the name of the AudioInfo topic, None where there is none or several could be.

    ``publishers`` are the nodes that publish the audio, ``infos`` those of each AudioInfo topic.
    It is ``<topic>_info``, else the only one of the same node, else the only one.
    """
    if f'{topic}_info' in infos:
        return f'{topic}_info'
    of_same_node = [name for name, nodes in infos.items() if nodes & publishers]
    for candidates in (of_same_node, list(infos)):
        if len(candidates) == 1:
            return candidates[0]
    return None
