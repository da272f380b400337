"""The one known page for the newer SDK (contract 3, TJ), in our words: what it does, in its order, without a change."""

from __future__ import annotations

import pytest

from flask_proview.sessions.models import State
from tests.service.build import wait_for

from .newer_site import DSN, Candidate, Site

pytestmark = [pytest.mark.browser, pytest.mark.system]

# A parent page that shows the exam in a frame once the session runs, and stops when the frame says that it is done.
PARENT = """<!doctype html><html lang="en"><head><title>Welcome</title></head><body>
<h1>Welcome</h1><button id="begin">Begin the exam</button><p id="note"></p><main id="place"></main>
<script>
  const note = (text) => { document.getElementById('note').textContent = text; };
  const script = document.createElement('script');
  script.src = '{loader}';
  script.async = true;
  script.crossOrigin = 'anonymous';
  document.body.append(script);

  function whenThere() {
    return new Promise((resolve, reject) => {
      const started = Date.now();
      const timer = setInterval(() => {
        if (window.Proview) { clearInterval(timer); resolve(window.Proview); }
        else if (Date.now() - started > 5000) { clearInterval(timer); reject(new Error('no SDK')); }
      }, 300);
    });
  }

  document.getElementById('begin').onclick = async () => {
    try {
      const sdk = await whenThere();
      const ready = await sdk.init({ dsn: '{dsn}', attendee_identifier: 'tj@example.edu', workflow_identifier: 'hiring' });
      if (!ready) return note('not ready');
      sdk.setAttendee({ email: 'tj@example.edu', identifier: 'tj@example.edu' });
      sdk.session.start((output, err) => {
        if (err) return note('failed: ' + err.message);
        window.output = output;
        const frame = document.createElement('iframe');
        frame.src = '/questions';
        document.getElementById('place').append(frame);
      });
    } catch (error) {
      note('failed: ' + error.message);
    }
  };

  window.addEventListener('message', (event) => {
    if (event.data && event.data.type === 'EXAM_FINISHED') {
      Proview.session.stop();
      note('thank you, score ' + event.data.payload.score);
    }
  });
</script></body></html>""".replace("{dsn}", DSN)

QUESTIONS = """<!doctype html><html lang="en"><head><title>Questions</title></head><body><button id="hand">Hand in</button>
<script>document.getElementById('hand').onclick = () => window.parent.postMessage({ type: 'EXAM_FINISHED', payload: { score: 3 } }, '*');</script>
</body></html>"""


def test_a_page_that_polls_for_the_sdk_and_does_not_wait_for_stop(visit: Candidate, newer_exam: Site) -> None:
    newer_exam.pages |= {"/welcome": PARENT, "/questions": QUESTIONS}
    page = visit.page
    page.goto(newer_exam.url + "/welcome")
    page.get_by_role("button", name="Begin the exam").click()
    visit.agree()
    page.frame_locator("iframe").get_by_role("button", name="Hand in").click()
    page.get_by_text("thank you, score 3").wait_for()
    uuid = visit.js("() => output.uuid")
    wait_for(lambda: visit.row(uuid).state == State.STOPPED, "the end of the session")
    row = visit.row(uuid)
    assert (row.profile_id, row.external_id, row.end_reason) == ("tj@example.edu", "hiring:tj@example.edu", "api")
    assert row.attendee == {"identifier": "tj@example.edu", "email": "tj@example.edu"}
    assert visit.faults == []
