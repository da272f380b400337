"""The calls of Proview's LMS connector, on our own data (reference 1.11), so that Moodle's plugins work unchanged.

``register`` adds them below the mount; under a host of ``compat.hosts`` they stand at the root.
"""

from __future__ import annotations

from flask import Blueprint

from flask_proview.service.runtime import Runtime

from . import launch, organisation, playback_list, quizzes, wrapper

# The connector's own "/proview/…" looks like our default mount: on its hosts these are never below the mount.
ROOT_PATHS = frozenset({"/proview/token", "/proview/playback", "/proview/wrapper/create"})


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """All of them."""
    for feature in (organisation, quizzes, playback_list, wrapper, launch):
        feature.register(blueprint, runtime)
