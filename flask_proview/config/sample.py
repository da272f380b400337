"""The text of a new proview.toml. Every key of the table is described in docs/configuration.md."""

from __future__ import annotations

SAMPLE = """\
# flask-proview. Every setting: docs/configuration.md. Check this file with: proview check -c FILE
# Relative paths are relative to this file. Environment variables PROVIEW_<SECTION>_<KEY> win over it.

[server]
listen = "127.0.0.1:8000"              # where browsers (or your front server) reach us
# public_url = "https://exam.example.edu"  # the origin browsers see, when a front server terminates TLS
mount = "/proview"                     # everything of ours lives below this path
upstream = "http://127.0.0.1:8080"     # the application that nobody wants to touch
trusted_proxies = []                   # e.g. ["127.0.0.1"]: whose X-Forwarded-* is believed

[secrets]
keys = ["{key}"]   # oldest first, the last one signs; keep this file private

[storage]
database = "sqlite:///var/proview.db"  # or postgresql://user:password@host/name
recordings = "var/recordings"

[media]
live = "on-demand"                     # "always", or "off" for no live view
# public_ip = "203.0.113.7"            # behind one-to-one NAT
# udp_ports = [50000, 50999]           # what the firewall lets in
# ice_servers = [{{ urls = "turn:turn.example.edu:3478", username = "u", credential = "c" }}]

[limits]
session_minutes = 90
on_limit = "rollover"                  # or "stop"

[[accounts]]
name = "main"
token = "{token}"   # public: it stands in the page source
domains = ["http://127.0.0.1:8000", "http://localhost:8000"]   # origins of the protected pages; a bare host means https on 443
session_type = "ai_proctor"            # or "record_and_review" (screen too), "live_proctor"

[[routes]]
path = "/exam/<attempt>/<path:page>"   # Werkzeug rule, or regex = "…"
mode = "frame"                         # pages that reload: the shell keeps recording; "inline" for single pages
session = "path:attempt"               # where the session id comes from
profile = "cookie:uid"                 # where the candidate's id comes from, tried in order
stop_paths = ["/exam/<attempt>/done"]  # reaching this page ends the session
"""
