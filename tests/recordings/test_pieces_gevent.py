"""The piece store in the process it really runs in: monkey-patched by gevent, used from many greenlets at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from flask_proview.recordings.pieces import Verdict

from .conftest import Place, piece

ROOT = Path(__file__).resolve().parents[2]
# The fsync is made slow and holds its thread without giving way, as a real disk does; the loop must run on meanwhile.
GREENLETS = """
from gevent import monkey; monkey.patch_all()
import gevent, gevent.hub, hashlib, json, os, sys, time
from flask_proview.config import load_config
from flask_proview.recordings.pieces import IncomingPiece, PieceStore
from flask_proview.sessions.database import Database
directory, session_id, uuid = sys.argv[1], int(sys.argv[2]), sys.argv[3]
real_sleep, real_sync = monkey.get_original("time", "sleep"), os.fdatasync
ticks, inside = [0], []
def slow_sync(handle):
    before = ticks[0]
    real_sleep(0.05)
    real_sync(handle)
    inside.append(ticks[0] - before)
os.fdatasync = slow_sync
def tick():
    while True:
        gevent.sleep(0.001)
        ticks[0] += 1
config = load_config({"secrets": {"keys": ["k" * 40]}, "storage": {
    "database": f"sqlite:///{directory}/proview.db", "recordings": f"{directory}/recordings", "min_free_mb": 1}}, {})
store = PieceStore(Database(config.storage.database), config)
store.start()
gevent.spawn(tick)
def send(run):
    answers = []
    for seq in range(5):
        body = b"%d-%d" % (run, seq)
        answers.append(str(store.store(IncomingPiece(
            session_id, uuid, "camera", run % 2, run * 10 + seq, hashlib.sha256(body).hexdigest(), seq, 1, "", False, body))))
    return answers
senders = [gevent.spawn(send, run) for run in range(20)]
gevent.joinall(senders, raise_error=True, timeout=60)
store.stop()
print(json.dumps({"answers": sum((s.value for s in senders), []), "ticks": inside}))
"""


def test_greenlets_wait_for_durable_pieces_and_the_loop_runs_on(place: Place, tmp_path: Path) -> None:
    session = place.start()
    done = subprocess.run(
        [sys.executable, "-c", GREENLETS, tmp_path, str(session.id), session.uuid],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["answers"] == ["stored"] * 100
    assert any(result["ticks"]), "the event loop ran on during a sync"
    # What the greenlets stored is there for everybody else.
    assert place.pieces.store(piece(session, 0, b"0-0")) is Verdict.REPLAYED
