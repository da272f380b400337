"""The OpenAPI document: valid, complete, and kept by the application under a fuzzer."""

from __future__ import annotations

import re
from typing import Any

import hypothesis
import pytest
import schemathesis
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from flask_proview.service.app import create_app
from flask_proview.service.openapi import document

from .conftest import MOODLE, TOKEN, Service

# Console pages are for people; sockets are not in OpenAPI; `proview check` talks to itself; spellings of the same thing.
NOT_LISTED = re.compile(
    r"^/proview/(console.*|v1/check|v1/sessions/\{uuid\}/signal|\{path\}|\{anything\}/init\.js|embedded/\{uuid\}/|)$"
)


@pytest.fixture
def server_settings() -> dict[str, Any]:
    # Fuzzers choose the Host.
    return {}


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(document("/proview")).validate()


def test_every_route_is_described_and_nothing_else(service: Service) -> None:
    routes = set()
    for rule in create_app(service.runtime).url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        if not NOT_LISTED.match(path):
            routes |= {(path, method.lower()) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    described = document("/proview")["paths"]
    assert {(f"/proview{path}", method) for path, item in described.items() for method in item} == routes


def test_it_is_served_to_anybody(service: Service) -> None:
    answer = service.call("/openapi.json", login=False, headers={"Origin": "https://docs.example"})
    assert answer.get_json()["openapi"] == "3.1.0"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@schemathesis.serializer("video/webm")
def _as_it_is(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


OPERATIONS = [(path, method) for path, item in document("/proview")["paths"].items() for method in item]


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{m} {p}" for p, m in OPERATIONS])
def test_no_input_makes_a_server_error_or_an_undocumented_answer(service: Service, path: str, method: str) -> None:
    app = create_app(service.runtime)
    schema = schemathesis.openapi.from_wsgi("/proview/openapi.json", app)
    operation = schema[path][method.upper()]
    row = service.session("17-42-1", end=False)
    body = {"token": TOKEN, "session": "17-42-1", "profile_id": "42"}
    started = service.call("/v1/sessions", body, headers={"Origin": MOODLE}, login=False).get_json()
    needs = {name for one in operation.definition.raw.get("security", []) for name in one}
    token = started["session_token"] if "session" in needs else service.bearer

    @hypothesis.settings(
        max_examples=12,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def fuzz(case: Any) -> None:
        headers = {"Origin": MOODLE}
        if needs:
            headers["Authorization"] = f"Bearer {token}"
        if "uuid" in (case.path_parameters or {}) and len(str(case.path_parameters["uuid"])) % 2:
            case.path_parameters["uuid"] = row.uuid  # a session that exists, about every second time
        answer = case.call(headers=headers)
        case.validate_response(
            answer,
            checks=[
                not_a_server_error,
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
            ],
        )

    fuzz()
