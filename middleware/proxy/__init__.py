"""The reverse proxy: a WSGI application that hands every request to ``server.upstream`` and streams both ways.

It runs under gunicorn's gevent worker (or any threaded WSGI server); an HTTP server of its own is not what this project
exists for. Requests were parsed strictly by the front server and are written anew, never forwarded raw, so that what
two parsers could read differently does not reach the application (RFC 9112 section 11.2).
"""

from __future__ import annotations

from .app import ReverseProxy

__all__ = ["ReverseProxy"]
