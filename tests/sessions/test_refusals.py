from __future__ import annotations

from unittest import mock

from flask_proview.sessions import refusals as refusals_module
from flask_proview.sessions.refusals import RefusalStore

from .conftest import Place


def test_refusals_of_one_place_are_counted_and_the_newest_path_is_kept(any_place: Place) -> None:
    store = RefusalStore(any_place.db)
    store.count("r0", "main", "domain", "evil.example", "/a", "not listed")
    store.count("r0", "main", "domain", "evil.example", "/b", "still not", by=4)
    store.count("r0", "main", "identity", "evil.example", "/a", "")
    rows = {row.reason: row for row in store.list()}
    assert (rows["domain"].count, rows["domain"].path, rows["domain"].detail) == (5, "/b", "still not")
    assert rows["identity"].count == 1
    assert rows["domain"].first_at <= rows["domain"].last_at


def test_a_page_of_no_account_counts_too(any_place: Place) -> None:
    RefusalStore(any_place.db).count("r0", None, "account", "exam.example.edu", "/", "")
    assert [row.account for row in RefusalStore(any_place.db).list()] == [""]


def test_text_of_clients_is_cut_and_made_storable(any_place: Place) -> None:
    store = RefusalStore(any_place.db)
    store.count("r" * 999, "a" * 999, "x" * 99, "h\0" * 999, "/\udcff" * 999, "d" * 9999)
    row = store.list()[0]
    assert (len(row.host), len(row.path), len(row.detail)) == (300, 512, 2000)


def test_invented_hosts_do_not_grow_the_table(any_place: Place) -> None:
    store = RefusalStore(any_place.db)
    clock = mock.patch.object(refusals_module, "now_ms", side_effect=range(1000))
    with mock.patch.object(refusals_module, "MAX_ROWS", 5), clock:
        for number in range(20):
            store.count("r0", "main", "domain", f"host-{number}", "/", "")
    assert [row.host for row in store.list()] == [f"host-{n}" for n in range(19, 14, -1)]
