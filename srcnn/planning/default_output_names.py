"""Names of outputs: the tree is kept, and no two sources make one output."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable

from srcnn.images.formats import EXTENSIONS, Format, detect_format


def assign_output_keys(sources: Iterable[str], form: Format) -> dict[str, str]:
    """Assign each source the key of its output.

    A file that already has the format keeps its name. Where two sources would make one
    output (a.jpg and a.png as PNG), the one that would change its name keeps its
    extension in it (a.jpg.png).

    Args:
        sources: keys of all images of the source, so that a name does not depend on which of
            them are requested.
        form: `keep`, or the format of all outputs.
    """
    ordered = sorted(sources)
    wanted = {key: _preferred_key(key, form) for key in ordered}
    claims = Counter(wanted.values())
    taken = {key for key in ordered if wanted[key] == key}
    result = {key: key for key in taken}
    for key in ordered:
        if key not in result:
            result[key] = _free_key(key, wanted[key], claims, taken, form)
            taken.add(result[key])
    return result


def _preferred_key(key: str, form: Format) -> str:
    if form == "keep" or detect_format(key) == form:
        return key
    return posixpath.splitext(key)[0] + EXTENSIONS[form][0]


def _free_key(key: str, wanted: str, claims: Counter[str], taken: set[str], form: Format) -> str:
    if claims[wanted] == 1 and wanted not in taken:
        return wanted
    name = key + EXTENSIONS[form][0]
    while name in taken or claims[name]:
        name += EXTENSIONS[form][0]
    return name
