"""Refuses to be mixed with another distribution that installs a package of the same name.

PyPI's ``bithuman`` and this distribution, ``libessence``, both own the folder ``bithuman``. pip installs one over the other without a
word: files of both would be imported together, and uninstalling one breaks the other.
"""

from __future__ import annotations

import pathlib
from importlib import metadata

OTHER, OURS = "bithuman", "libessence"


def check(package: pathlib.Path) -> None:
    """Raises :class:`ImportError` if the other distribution owns files in the folder ``package``, too."""
    # Reading one folder is cheap; metadata is read only where the other's lies beside it.
    for found in package.parent.glob(f"{OTHER}-*.dist-info"):
        other = metadata.Distribution.at(found)
        files = {file.parts[0] for file in other.files or ()}
        if (other.metadata["Name"] or "").lower() == OTHER and package.name in files:
            raise ImportError(
                f"two distributions have installed the package `{package.name}` into {package.parent}: {OTHER} {other.version} and "
                f"{OURS}, whose code this is. Their files are mixed and can't be used. Uninstall both, then install the one that you "
                f"want: pip uninstall {OTHER} {OURS}; pip install {OURS}"
            )


check(pathlib.Path(__file__).resolve().parent)
