"""A second place for finished evidence: a few operations on whole objects, in another directory or in S3 (objects_s3.py).

Fails closed: what cannot be read or written raises :class:`ObjectStoreError`; an object that is not there :class:`ObjectMissing`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Protocol

from flask_proview.config import Config
from flask_proview.errors import ConfigError

CHUNK = 1 << 18


class ObjectStoreError(OSError):
    """The store did not do what was asked; later it may."""


class ObjectMissing(ObjectStoreError):
    """There is no such object."""


class Objects(Protocol):
    """What is needed of a store. Keys are ``<2 characters>/<uuid>/<name>``."""

    def put(self, key: str, path: Path) -> None:
        """Store the file's bytes under the key, replacing what was there."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` on. Raises before the first chunk when the object is not there."""

    def size(self, key: str) -> int | None:
        """Length in bytes; None: no such object."""

    def delete(self, prefix: str) -> None:
        """Remove every object whose key begins with ``prefix``."""


class DirectoryObjects:
    """Another directory: a second disk, a mounted share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, path: Path) -> None:
        target = self._path(key)
        temporary = target.with_name(target.name + ".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            shutil.copyfile(path, temporary)
            _sync(temporary)
            os.replace(temporary, target)
            _sync(target.parent)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ObjectStoreError(f"{target}: {error.strerror}") from error

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        try:
            stream = open(self._path(key), "rb", buffering=0)  # noqa: SIM115 - closed by the generator
        except FileNotFoundError:
            raise ObjectMissing(key) from None
        except OSError as error:
            raise ObjectStoreError(f"{key}: {error.strerror}") from error
        return _chunks(stream, start, length)

    def size(self, key: str) -> int | None:
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            if not self._root.is_dir():
                raise ObjectStoreError(f"{self._root} is not there") from None
            return None

    def delete(self, prefix: str) -> None:
        if not self._root.is_dir():
            raise ObjectStoreError(f"{self._root} is not there")
        shutil.rmtree(self._path(prefix.rstrip("/")), ignore_errors=False, onerror=_unless_gone)

    def _path(self, key: str) -> Path:
        path = self._root / key
        if ".." in path.parts or not path.is_relative_to(self._root):
            raise ValueError("not a key")
        return path


def make_objects(config: Config) -> Objects | None:
    """The store that ``storage.objects`` names, or None.

    :raises ConfigError: S3 without boto3.
    """
    url = config.storage.objects
    if url is None:
        return None
    if url.startswith("file://"):
        return DirectoryObjects(Path(url.removeprefix("file://")))
    try:
        from .objects_s3 import S3Objects
    except ImportError:
        raise ConfigError(
            f"[storage] objects = {url!r} needs boto3; install it with: pip install 'flask-proview[s3]'"
        ) from None
    return S3Objects(url)


def _chunks(stream: FileIO, start: int, length: int | None) -> Iterator[bytes]:
    with stream:
        stream.seek(start)
        left = length
        while left is None or left > 0:
            data = stream.read(CHUNK if left is None else min(CHUNK, left))
            if not data:
                return
            left = None if left is None else left - len(data)
            yield data


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unless_gone(_function: object, path: str, error: tuple[type[BaseException], BaseException, object]) -> None:
    if not isinstance(error[1], FileNotFoundError):
        raise ObjectStoreError(f"{path}: {error[1]}")
