"""Contract 2.3 and 2.4: ``Proview.session`` in every form of its calls, its states and types, from a page of another origin."""

from __future__ import annotations

import pytest

from .newer_site import WHO, Candidate

pytestmark = [pytest.mark.browser, pytest.mark.system]


def test_start_gives_its_output_when_the_recording_runs(seated: Candidate) -> None:
    assert seated.init() == {"ok": True}
    assert seated.js("() => Proview.session.state") == "init"
    output = seated.begin()["ok"]
    assert output["state"] == seated.js("() => Proview.session.state") == "running"
    assert output["attendee"]["identifier"] == WHO["attendee_identifier"]
    assert output["workflow"]["identifier"] == WHO["workflow_identifier"]
    row = seated.row(output["uuid"])
    assert (row.external_id, row.profile_id) == ("algebra-1:anna@example.edu", "anna@example.edu")
    assert output["workflow_step"] == {"identifier": row.external_id}
    assert seated.faults == []
