"""Storages: a folder (``file:``), this process's memory (``memory:``), any other fsspec URL.

Weak spots are told in the modules: ``folder``, ``memory``, ``filesystem``.
"""

from __future__ import annotations

from .filesystem import FilesystemStorage
from .folder import FolderStorage
from .memory import MemoryStorage
from .opening import open_storage

__all__ = ["FilesystemStorage", "FolderStorage", "MemoryStorage", "open_storage"]
