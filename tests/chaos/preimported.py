"""gunicorn's configuration for processes that are killed a thousand times: the master imports what its workers need, patched as they are."""

from gevent import monkey

monkey.patch_all()

import flask_proview.service.app  # noqa: E402
import flask_proview.service.runtime  # noqa: E402
import flask_proview.service.signal.route  # noqa: E402, F401
