"""The pages of one attempt, from the instructions to the summary."""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import replace

from demo_app.wsgi.content import Answer, Question
from demo_app.wsgi.http import HttpError, Response, clean_text, h, redirect
from demo_app.wsgi.layout import PAGE_HEADERS, csrf_field, error_box, upload_summary
from demo_app.wsgi.store import Attempt
from demo_app.wsgi.visitor import Visitor

PRINT_COMMENT = "<!-- printAnswers() writes a window with its own <head> and <title>, see below -->"
PRINT_SCRIPT = """<script type="text/javascript">
// The print version gets a <head> of its own.
function printAnswers() {
  var popup = window.open('', 'print', 'width=700,height=600');
  popup.document.write('<html><head><title>My answers</title></head><body>' + document.getElementById('answers').outerHTML + '</body></html>');
  popup.document.close();
  popup.print();
}
</script>"""


def instructions(visitor: Visitor, attempt_id: str) -> Response:
    visitor.request.allow("GET", "POST")
    attempt, session = visitor.attempt(attempt_id)
    if visitor.request.is_post:
        visitor.check_csrf()
        return redirect(f"/exam/{attempt.id}/q/1")
    exam = visitor.content.exam
    body = f"""<h1>{h(exam.title)}</h1>
<p>{h(exam.code)}, {h(exam.term)}. Attempt <code>{attempt.id}</code></p>
<ul>
<li>You have {exam.minutes} minutes for {len(visitor.content.questions)} questions. The clock starts when the first question is displayed.</li>
<li>Your answer is saved whenever you leave a question with Previous, Next or Scratch paper.</li>
<li>You may go back and change your answers until you finish the examination.</li>
<li>After the last question you can upload one file with your working, at most {exam.upload_megabytes} MB.</li>
<li>The <a href="/handbook">examination handbook</a> applies.</li>
</ul>
<form method="post" action="/exam/{attempt.id}/instructions">
{csrf_field(session)}
<p class="buttons"><input class="submit" type="submit" value="Begin" /></p>
</form>"""
    return visitor.layout.page("Instructions", "instructions", body, session)


def question(visitor: Visitor, attempt_id: str, number_text: str) -> Response:
    visitor.request.allow("GET", "POST")
    attempt, session = visitor.attempt(attempt_id)
    number, last = int(number_text), len(visitor.content.questions)
    if number > last:
        raise HttpError(404, "Page not found", "There is no page at this address.")
    asked = visitor.content.questions[number - 1]
    answer: Answer = attempt.answers.get(number_text, "")
    error = None
    if visitor.request.is_post:
        visitor.check_csrf()
        answer = (
            visitor.request.field_list("answer")
            if asked.kind == "multiple"
            else visitor.request.field("answer").strip()
        )
        error = asked.error(answer)
        if error is None:
            visitor.store.change_attempt(attempt.id, lambda fresh: with_answer(fresh, number_text, answer))
            following = f"q/{number + 1}" if number < last else "upload"
            previous = f"q/{number - 1}" if number > 1 else "instructions"
            goals = {"prev": previous, "scratch": f"scratch?q={number}"}
            return redirect(f"/exam/{attempt.id}/{goals.get(visitor.request.field('go'), following)}")
    elif attempt.finished_at is not None:
        return redirect(f"/exam/{attempt.id}/done")
    body = f"""{visitor.layout.status_bar(attempt.id, f"Question {number} of {last}", 100 * number // last)}
<h1>{number}. {h(asked.title)}</h1>
{error_box(error)}
<p>{h(asked.text)}</p>
<form method="post" action="/exam/{attempt.id}/q/{number}">
{csrf_field(session)}
{answer_inputs(asked, answer)}
<p class="buttons">
<button class="right" type="submit" name="go" value="next">Next</button>
<button type="submit" name="go" value="prev">Previous</button>
<button class="plain" type="submit" name="go" value="scratch">Scratch paper</button>
</p>
</form>"""
    return visitor.layout.page(f"Question {number}", "question", body, session, status=422 if error else 200)


def with_answer(attempt: Attempt, number: str, answer: Answer) -> Attempt:
    answers = {key: value for key, value in attempt.answers.items() if key != number}
    if answer:
        answers[number] = answer
    return replace(attempt, answers=answers)


def answer_inputs(asked: Question, answer: Answer) -> str:
    if asked.options:
        chosen = [answer] if isinstance(answer, str) else answer
        kind, name = ("radio", "answer") if asked.kind == "single" else ("checkbox", "answer[]")
        items = ""
        for key, text in asked.options.items():
            checked = ' checked="checked"' if key in chosen else ""
            items += f'<li><label><input type="{kind}" name="{name}" value="{key}"{checked} /> {h(text)}</label></li>'
        return f'<ul class="options">{items}</ul>'
    if asked.kind == "long":
        return f'<p><textarea name="answer" rows="12" cols="80">\n{h(str(answer))}</textarea></p>'
    size = 12 if asked.kind == "number" else 50
    return f'<p><input class="text" type="text" name="answer" size="{size}" value="{h(str(answer))}" autocomplete="off" /></p>'


def upload(visitor: Visitor, attempt_id: str) -> Response:
    request = visitor.request
    request.allow("GET", "POST")
    attempt, session = visitor.attempt(attempt_id)
    limit = visitor.content.exam.upload_megabytes
    error, status = "", 200
    if request.is_post:
        file = request.files.get("file")
        if request.too_large or (file is not None and len(file.data) > limit << 20):
            error, status = (
                f"The file is larger than {limit} MB and was not saved. Your answers and an earlier upload are kept.",
                413,
            )
        else:
            visitor.check_csrf()
            if file is not None:
                record = {
                    "name": file_name(file.name),
                    "size": len(file.data),
                    "sha256": hashlib.sha256(file.data).hexdigest(),
                }
                visitor.store.save_upload(attempt.id, file.data, record)
                return redirect(f"/exam/{attempt.id}/upload")
            error, status = "No file arrived. Please choose a file and send it again.", 422
    elif attempt.finished_at is not None:
        return redirect(f"/exam/{attempt.id}/done")
    body = f"""{visitor.layout.status_bar(attempt.id, "Upload", 100)}
<h1>Upload your working</h1>
{error_box(error)}
<p>You can hand in one file with your working, for example a photograph or a PDF, of at most {limit} MB. A new file replaces the earlier one.</p>
{upload_summary(attempt.upload)}
<form method="post" action="/exam/{attempt.id}/upload" enctype="multipart/form-data">
{csrf_field(session)}
<p><input type="file" name="file" /> <input class="submit" type="submit" value="Upload" /></p>
</form>
<p class="buttons"><a href="/exam/{attempt.id}/q/{len(visitor.content.questions)}">Previous</a> <a class="right" href="/exam/{attempt.id}/review">Continue to the review</a></p>"""
    return visitor.layout.page("Upload", "upload", body, session, status=status)


def file_name(sent: str) -> str:
    """Some browsers send the whole path; neither part of it is used for the file on disk."""
    return clean_text(re.split(r"[/\\]", sent)[-1]).replace("\n", "")[:150] or "unnamed"


def review(visitor: Visitor, attempt_id: str) -> Response:
    visitor.request.allow("GET")
    attempt, session = visitor.attempt(attempt_id)
    base = f"/exam/{attempt.id}"
    if attempt.finished_at is not None:
        return redirect(f"{base}/done")
    rows = "\n".join(
        f"<tr><td>{number}. {h(asked.title)}</td><td>{h(asked.in_words(attempt.answers.get(str(number))))}</td>"
        f'<td><a href="{base}/q/{number}">Change</a></td></tr>'
        for number, asked in enumerate(visitor.content.questions, 1)
    )
    body = f"""{visitor.layout.status_bar(attempt.id, "Review", 100)}
<h1>Review your answers</h1>
<table class="list" id="answers">
<tr><th>Question</th><th>Your answer</th><th></th></tr>
{rows}
</table>
{upload_summary(attempt.upload)}
<p class="message">After you finish, your answers can no longer be changed.</p>
<form method="post" action="{base}/finish">
{csrf_field(session)}
<p class="buttons"><a href="{base}/upload">Previous</a> <button type="button" class="plain" onclick="printAnswers()">Print</button> <input class="submit right" type="submit" value="Finish examination" /></p>
</form>"""
    return visitor.layout.page("Review", "review", body, session, head=PRINT_SCRIPT, before_head=PRINT_COMMENT)


def finish(visitor: Visitor, attempt_id: str) -> Response:
    visitor.request.allow("POST")
    attempt, _ = visitor.attempt(attempt_id)
    visitor.check_csrf()
    if attempt.finished_at is None:
        visitor.store.change_attempt(attempt.id, lambda fresh: replace(fresh, finished_at=int(time.time())))
    return redirect(f"/exam/{attempt.id}/done")


def done(visitor: Visitor, attempt_id: str) -> Response:
    visitor.request.allow("GET")
    attempt, session = visitor.attempt(attempt_id)
    if attempt.finished_at is None:
        return redirect(f"/exam/{attempt.id}/review")
    exam = visitor.content.exam
    handed_in = time.strftime("%Y-%m-%d at %H:%M", time.gmtime(attempt.finished_at))
    body = f"""<h1>Examination finished</h1>
<p class="message good">Thank you, {h(attempt.name)}. Your examination was handed in on {handed_in} UTC.</p>
<p>You answered {len(attempt.answers)} of {len(visitor.content.questions)} questions in {h(exam.code)}, {h(exam.title)}.</p>
{upload_summary(attempt.upload)}
<p>Attempt <code>{attempt.id}</code>. Results are published in the student portal.</p>
<p class="buttons"><a href="/exams">Back to the list of examinations</a> <a class="right" href="/logout">Log out</a></p>"""
    return visitor.layout.page("Examination finished", "done", body, session)


def answers(visitor: Visitor, attempt_id: str) -> Response:
    visitor.request.allow("GET")
    attempt, _ = visitor.attempt(attempt_id)
    record = {
        "attempt": attempt.id,
        "candidate": attempt.candidate,
        "name": attempt.name,
        "finished": attempt.finished_at is not None,
        "answers": attempt.answers,
        "upload": attempt.upload,
    }
    headers = [("Content-Type", "application/json"), PAGE_HEADERS[1], ("X-Content-Type-Options", "nosniff")]
    return Response(json.dumps(record).encode(), headers=headers)
