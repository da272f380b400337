"""A crawl for people: one line per page, then what was found with where and what to do, then the counts."""

from __future__ import annotations

from collections.abc import Iterator

from .catalogue import CODES
from .crawl_report import CrawlReport
from .pages import Note, Page, Weight
from .terminal import WIDTH, fitted, wrapped

PLACES = 5
WHY_NOT_ASKED = {
    "elsewhere": "on other origins",
    "destructive": "sound as if they changed something (--follow-destructive)",
    "variants": "differ from others only in numbers, ids or values (--variants)",
    "depth": "too many links away (--depth)",
    "limit": "when the limit was reached (--max-pages, --max-seconds)",
    "excluded": "by --include or --exclude",
    "redirects": "after ten redirects in a row",
    "scripts": "scripts beyond the first hundred",
}
Row = tuple[str, str]


def crawl_lines(report: CrawlReport, *, all_notes: bool = False) -> Iterator[Row]:
    """(colour or empty, line).

    :param all_notes: info notes too, and those of pages that no route protects.
    """
    crawl = report.crawl
    yield "", fitted(f"Crawled {crawl.client.origin}{report.start} as if browsers used {crawl.public}", WIDTH)
    if report.logged_in_at is not None:
        yield "", fitted(f"Logged in; the login led to {report.logged_in_at}", WIDTH)
    yield "", ""
    yield "", f"{'STATUS':<7}{'ROUTE':<13}{'RESULT':<19}PAGE"
    for page in crawl.pages:
        yield _colour(page), _page_line(page)
    yield "", ""
    yield from _findings(report, all_notes)
    yield from _counts(report)


def _page_line(page: Page) -> str:
    status = str(page.status) if page.status else "-"
    route = fitted(page.verdict.route or "-", 12)
    marks = [f"{sum(1 for n in page.notes if n.weight is w)} {w.value}" for w in (Weight.ERROR, Weight.WARNING)]
    marks = [mark for mark in marks if not mark.startswith("0 ")]
    tail = f"  ({', '.join(marks)})" if marks else ""
    start = f"{status:<7}{route:<13}{_result(page):<19}"
    return start + fitted(page.target, WIDTH - len(start) - len(tail)) + tail


def _result(page: Page) -> str:
    verdict = page.verdict
    if page.problem:
        return "no answer"
    if verdict.outcome == "injected":
        return f"{verdict.mode}{', stop page' if verdict.role == 'stop' else ', shell' if verdict.shell else ''}"
    if verdict.outcome == "refused":
        return f"REFUSED: {verdict.reason}"
    if verdict.outcome == "unmatched":
        return "off" if verdict.mode == "off" else "-"
    return "id not seen" if verdict.outcome == "unknown" else "left alone"


def _colour(page: Page) -> str:
    if page.problem or page.verdict.outcome == "refused":
        return "red"
    return "green" if page.verdict.outcome == "injected" else ""


def _findings(report: CrawlReport, all_notes: bool) -> Iterator[Row]:
    places: dict[tuple[Weight, str], list[tuple[Page, Note]]] = {}
    hidden = 0
    for page in report.crawl.pages:
        if page.problem:
            yield "red", fitted(f"no answer  {page.target}: {page.problem}", WIDTH)
        for note in page.notes:
            if note.weight is Weight.INFO and not all_notes and note.code != "policy_changed":
                hidden += 1
                continue
            places.setdefault((note.weight, note.code), []).append((page, note))
    order = list(Weight)
    for (weight, code), found in sorted(places.items(), key=lambda item: (-order.index(item[0][0]), item[0][1])):
        meaning = CODES[code]
        colour = {"error": "red", "warning": "yellow"}.get(weight, "")
        for line in wrapped(f"{meaning.title} [{code}]", " " * 9, f"{weight.value:<9}"):
            yield colour, line
        for line in wrapped(meaning.advice, " " * 9):
            yield "", line
        yield from _places(found)
    if hidden:
        yield "", f"{hidden} notes of less weight: --notes shows them, --json has them."
    if places or hidden:
        yield "", ""


def _places(found: list[tuple[Page, Note]]) -> Iterator[Row]:
    together: dict[tuple[str, int | None], list[str]] = {}
    for page, note in found:
        together.setdefault((note.seen, note.line), []).append(page.target)
    for number, ((seen, line), targets) in enumerate(together.items()):
        if number == PLACES:
            yield "", f"{'':<11}and {len(together) - PLACES} more"
            break
        where = targets[0] + (f" and {len(targets) - 1} more" if len(targets) > 1 else "")
        where += f", line {line}" if line is not None else ""
        for text in wrapped(where + (f": {seen}" if seen else ""), " " * 13, " " * 11):
            yield "", text


def _counts(report: CrawlReport) -> Iterator[Row]:
    crawl = report.crawl
    results = report.results
    told = [
        f"{results[name]} {name}"
        for name in ("injected", "refused", "skipped", "unknown", "unmatched", "failed")
        if results[name]
    ]
    yield "", f"{len(crawl.pages)} pages ({', '.join(told)}), {crawl.client.requests} requests, {crawl.seconds:.1f} s"
    if crawl.stopped_by is not None:
        option = "--max-pages" if crawl.stopped_by == "pages" else "--max-seconds"
        yield (
            "yellow",
            f"Stopped at the limit ({option}); {crawl.left.counts['limit']} known addresses were not asked for.",
        )
    for why, count in sorted(crawl.left.counts.items()):
        if why != "limit":
            for line in wrapped(
                f"Not asked for: {count} {WHY_NOT_ASKED[why]}: {', '.join(crawl.left.named[why][:3])}", "  "
            ):
                yield "", line
    for route in report.unmatched_routes:
        text = f"Route {route.name} ({route.rule}) matches no page that was seen: log in, start deeper, or correct it."
        for line in wrapped(text, "  "):
            yield "yellow", line
    if not report.routes:
        yield "yellow", "The configuration has no routes: no page is protected."
    if report.ok and results["injected"]:
        yield "green", "Every protected page that was seen would be proctored."
    elif not report.ok:
        yield (
            "red",
            "Not every protected page would be proctored."
            if report.weights[Weight.ERROR]
            else "The crawl could not begin.",
        )
