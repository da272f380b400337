"""Where the bytes of a session lie: ROOT/<first two of uuid>/<uuid>/…. Names that came from outside are checked here."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

TRACKS = ("camera", "screen")
PHOTO_KINDS = ("id", "face")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
MAX_RUN = 2**53 - 1
REMOVE_TRIES = 20


class Layout:
    """Paths below the recordings directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def session_dir(self, uuid: str) -> Path:
        """:raises ValueError: for anything that is not a lower-case UUID."""
        if _UUID.fullmatch(uuid) is None:
            raise ValueError("not a session uuid")
        return self.root / uuid[:2] / uuid

    def run_file(self, uuid: str, track: str, run: int) -> Path:
        """Bytes of one recorder run in the order in which they arrived; the rows say what is where."""
        return self.session_dir(uuid) / f"{_track(track)}-{_run(run)}.pieces"

    def heads_file(self, uuid: str, track: str) -> Path:
        """The beginnings of a track's runs, a second time."""
        return self.session_dir(uuid) / f"{_track(track)}.heads"

    def remove_session(self, uuid: str) -> None:
        """Delete everything of a session, also while somebody else is writing or deleting it."""
        directory = self.session_dir(uuid)
        for _ in range(REMOVE_TRIES):
            try:
                shutil.rmtree(directory)
            except FileNotFoundError:
                if not directory.exists():
                    return  # else only a file in it was gone
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
        if directory.exists():
            raise OSError(errno.ENOTEMPTY, "is being written to", str(directory))

    def live_dir(self, uuid: str) -> Path:
        """What the media process wrote: the second source."""
        return self.session_dir(uuid) / "live"

    def photo_file(self, uuid: str, kind: str, sha256: str) -> Path:
        """A photo, named by its content: the same bytes are the same file, other bytes never replace it."""
        if kind not in PHOTO_KINDS:
            raise ValueError("kind must be one of " + ", ".join(PHOTO_KINDS))
        if _SHA256.fullmatch(sha256) is None:
            raise ValueError("not a sha256")
        return self.session_dir(uuid) / "photos" / f"{kind}-{sha256}.jpg"

    def recording_file(self, uuid: str, track: str) -> Path:
        """The finished, seekable file of a track."""
        return self.session_dir(uuid) / f"{_track(track)}.webm"


def _track(track: str) -> str:
    if track not in TRACKS:
        raise ValueError("track must be one of " + ", ".join(TRACKS))
    return track


def _run(run: int) -> int:
    if not 0 <= run <= MAX_RUN:
        raise ValueError("run is out of range")
    return run
