"""Where results are written."""

from __future__ import annotations

from pathlib import Path

from staging_core.errors import BadInput
from staging_core.models import Image
from staging_core.staged_picture import CONTENT_TYPES


class Targets:
    """Names of result files.

    ``output``: a file for a single result; numbered files for several; a folder where it has no
    ending or exists as one; None: the working folder. ``BadInput`` for an ending that cannot be
    written, and for a photo that would be overwritten.
    """

    def __init__(self, output: str | None, photos: tuple[str, ...], variants: int) -> None:
        self._path = Path(output or ".")
        self._is_folder = self._path.is_dir() or not self._path.suffix
        self._numbered = len(photos) * variants > 1
        self._photos = {Path(photo).resolve() for photo in photos}
        self._given: set[Path] = set()
        if not self._is_folder and self._path.suffix.lower() not in CONTENT_TYPES:
            raise BadInput(
                f"A picture cannot be saved as {self._path.name!r}.",
                remedy=f"End the name in one of {', '.join(CONTENT_TYPES)}.",
            )
        if not self._is_folder and self._path.resolve() in self._photos:
            raise BadInput(
                f"{str(self._path)!r} is the photo itself.", remedy="Choose another name for -o."
            )

    def prepare(self) -> None:
        """Make the folder; ``BadInput`` when that is not possible."""
        folder = self._path if self._is_folder else self._path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"The folder {str(folder)!r} cannot be made: {error.strerror}.",
                remedy="Choose another place for -o.",
            ) from error

    def path(self, photo: str, image: Image) -> Path:
        """The file for this image; never the same one twice, never one of the photos."""
        if self._is_folder:
            name = f"{Path(photo).stem}-{image.request.style}-{image.request.seed}"
            first = self._path / f"{name}.png"
        elif self._numbered:
            first = self._path.with_stem(f"{self._path.stem}-1")
        else:
            first = self._path
        return self._fresh(first)

    def _fresh(self, first: Path) -> Path:
        stem = (
            first.stem.removesuffix("-1") if self._numbered and not self._is_folder else first.stem
        )
        path, number = first, 1
        while path.resolve() in self._given | self._photos:
            number += 1
            path = first.with_stem(f"{stem}-{number}")
        self._given.add(path.resolve())
        return path


def content_type(path: Path) -> str:
    """The content type that the path's ending asks for."""
    return CONTENT_TYPES[path.suffix.lower()]
