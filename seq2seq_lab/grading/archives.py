"""Folders and zips that other people made: what lies in them, and its content, up to a size."""

from __future__ import annotations

import io
import os
import pathlib
import stat
import zipfile
import zlib
from collections.abc import Iterator

MOST_ENTRIES = 10_000  # of a zip within


class Unreadable(Exception):
    """Why a file cannot be read, in words that go on from its name."""


def too_large(most: int) -> Unreadable:
    """What is said of a file of more bytes than `most`."""
    return Unreadable(f"is larger than {most // 1_000_000} MB")


class Folder:
    """What lies in a folder. Links are not followed."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        """Each place in it, and whether that is a folder."""
        for folder, folders, files in os.walk(self.path):
            here = pathlib.Path(folder).relative_to(self.path)
            yield from (((here / name).as_posix(), True) for name in folders)
            yield from (((here / name).as_posix(), False) for name in files)

    def read(self, place: str, most: int) -> bytes:
        """The content of a file, of `most` bytes.

        Raises:
            Unreadable: it has more, is a link, or may not be read.
        """
        path = self.path / place
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise Unreadable("is a link or no regular file")
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                content = file.read(most + 1)
        except OSError as error:
            raise Unreadable(f"cannot be read ({error.strerror or type(error).__name__})") from error
        if len(content) > most:
            raise too_large(most)
        return content


class Zip:
    """The same of a zip. What its names say of other folders is left out."""

    def __init__(self, file: pathlib.Path | io.BytesIO) -> None:
        self.archive = zipfile.ZipFile(file)
        self.entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self.archive.infolist():
            parts = [part for part in entry.filename.split("/") if part not in ("", ".", "..")]
            if parts:
                self.entries["/".join(parts)] = entry

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        for place, entry in self.entries.items():
            yield place, entry.is_dir()

    def read(self, place: str, most: int) -> bytes:
        entry = self.entries[place]
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Unreadable("is a link or no regular file")
        if entry.flag_bits & 1:
            raise Unreadable("is encrypted")
        try:
            with self.archive.open(entry) as file:
                content = file.read(most + 1)
        except (OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise Unreadable(f"cannot be read ({type(error).__name__})") from error
        if len(content) > most:
            raise too_large(most)
        return content


def zip_within(content: bytes) -> Zip:
    """A zip that a student has made.

    Raises:
        Unreadable: it is none, has too many entries, or its packing takes an unknown amount of memory.
    """
    # Counted before each becomes an object of ten times its size.
    if content.count(zipfile.stringCentralDir) > MOST_ENTRIES:
        raise Unreadable(f"has more than {MOST_ENTRIES:,} entries")
    try:
        found = Zip(io.BytesIO(content))
    except Exception as error:  # whatever a malformed directory leads to
        raise Unreadable("is no zip that can be read") from error
    methods = {entry.compress_type for entry in found.entries.values()}
    if not methods <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:  # LZMA may ask for gigabytes at once
        raise Unreadable("is packed in another way than zips are as a rule")
    return found
