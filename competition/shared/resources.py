"""Where the files that are no modules stand: templates, static files, translations, migrations.

In the source tree they lie beside the packages; the wheel carries them inside `competition`.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
CARRIED = PACKAGE / "_resources"


def resource_dir(name: str) -> Path:
    """The folder `templates`, `static`, `translations` or `migrations`."""
    carried = CARRIED / name
    return carried if carried.is_dir() else PACKAGE.parent / name
