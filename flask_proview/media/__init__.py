"""The media process: live WebRTC between candidates and proctors, and the second source on disk. asyncio, no gevent, no Flask."""
