"""The examination itself: candidates, questions and what counts as an answer. The texts are in content/exam.json."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

FOLDER = Path(__file__).resolve().parent.parent / "content"
SHORT_TEXT = 200
LONG_TEXT = 20000

Answer: TypeAlias = str | list[str]


@dataclass(frozen=True, slots=True)
class Candidate:
    id: str
    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Exam:
    id: str
    code: str
    title: str
    term: str
    minutes: int
    upload_megabytes: int


@dataclass(frozen=True, slots=True)
class Question:
    kind: str
    title: str
    text: str
    options: dict[str, str]

    def error(self, answer: Answer) -> str | None:
        """What is wrong with an answer, in words for the candidate; None when it can be saved."""
        if not answer:
            return None
        if self.options:
            chosen = [answer] if isinstance(answer, str) else answer
            return None if all(key in self.options for key in chosen) else "Please choose from the answers listed."
        limit = {"short": SHORT_TEXT, "long": LONG_TEXT}.get(self.kind)
        if limit is not None and len(answer) > limit:
            return f"Your answer is too long: at most {limit} characters can be saved."
        if self.kind == "number" and not re.fullmatch(r"[+-]?[0-9]{1,12}([.,][0-9]{1,6})?", str(answer)):
            return "Please enter a number, for example 2.75."
        return None

    def in_words(self, answer: Answer | None) -> str:
        if answer is None:
            return "Not answered"
        if self.options:
            chosen = [answer] if isinstance(answer, str) else answer
            return "; ".join(text for key, text in self.options.items() if key in chosen)
        return str(answer)


@dataclass(frozen=True, slots=True)
class Handbook:
    subjects: list[str]
    aspects: list[str]
    paragraphs: list[str]


@dataclass(frozen=True, slots=True)
class Content:
    university: str
    candidates: list[Candidate]
    exam: Exam
    questions: list[Question]
    handbook: Handbook


def load_content() -> Content:
    raw: dict[str, Any] = json.loads((FOLDER / "exam.json").read_text("utf-8"))
    return Content(
        university=raw["university"],
        candidates=[Candidate(**each) for each in raw["candidates"]],
        exam=Exam(**raw["exam"]),
        questions=[Question(**{"options": {}, **each}) for each in raw["questions"]],
        handbook=Handbook(**raw["handbook"]),
    )
