"""What can go wrong when HTML is changed on its way, and which tests prove that here it does not.

``ROWS`` is the list to audit: situation → tests. ``HOSTILE`` is the same for what clients and applications may send to hurt.
A test of this file fails when a named test, or a named case of it, is gone. Paths are below ``tests/``.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

ROWS: dict[str, list[str]] = {
    "Content-Type: any case, spaces, parameters, two types": [
        "middleware/test_headers.py::test_content_type",
        "middleware/test_edge_table_rows.py::test_content_type_is_read_as_browsers_read_it",
        "middleware/test_inject.py::test_page_is_recognised[no type, a document]",
    ],
    "XHTML: XML prefix rules, XML-valid tag; unreadable: untouched and reported": [
        "middleware/test_encodings.py::test_xhtml_page_gets_the_tag_behind_its_head",
        "middleware/test_encodings.py::test_xhtml_tag_is_well_formed_and_in_the_right_namespace",
        "middleware/test_encodings.py::test_unreadable_xhtml_passes_untouched_and_is_reported",
        "middleware/test_edge_table_rows.py::test_xhtml_is_served_well_formed_with_the_tag_first_in_head",
    ],
    "JSON labelled as HTML": ["middleware/test_inject.py::test_json_and_fragments_labelled_as_html_stay"],
    "UTF-16 with byte order mark, other encodings": [
        "middleware/test_encodings.py::test_utf16_page_gets_the_tag_in_utf16",
        "middleware/test_edge_table_rows.py::test_utf16_page_is_served_in_utf16",
        "middleware/test_encodings.py::test_byte_order_mark_of_utf8_wins_over_the_header",
        "middleware/test_encodings.py::test_escaped_japanese_is_not_scanned_behind_its_escape",
    ],
    "meta charset that the tag pushes out of the first 1024 bytes": [
        "middleware/test_encodings.py::test_charset_that_the_tag_pushes_out_of_sight_goes_into_the_header",
        "middleware/test_encodings.py::test_header_names_the_pushed_out_charset",
    ],
    "gzip: spliced, not recompressed": [
        "middleware/test_gzip_insertion.py::test_page_is_spliced_behind_a_copy_of_its_doctype",
        "middleware/test_gzip_insertion.py::test_generated_pages_parse_the_same_spliced_as_inserted",
        "middleware/test_chromium.py::test_tag_runs_and_may_do_its_work",
    ],
    "br, zstd, deflate: never asked for on protected pages, untouched elsewhere": [
        "middleware/test_inject.py::test_request_is_narrowed_on_protected_pages_only",
        "middleware/test_inject.py::test_answer_that_is_no_page_is_the_very_same[br]",
        "middleware/test_edge_table_rows.py::test_other_encodings_are_untouched_and_still_offered_elsewhere",
        "middleware/test_gzip_insertion.py::test_deflate_is_recoded_wrapped_or_bare",
    ],
    "Content-Length is exact": [
        "middleware/test_inject.py::test_page_gets_the_tag_and_everything_else_stays",
        "middleware/test_respond.py::test_length_that_lies_lies_by_the_same_amount",
        "middleware/test_servers.py::test_pages_are_whole_and_tagged_once",
    ],
    "ETag mapped, weak, lists, *; Last-Modified and If-Modified-Since": [
        "middleware/test_etag.py::test_tag_comes_back_as_it_was",
        "middleware/test_etag.py::test_tag_that_is_not_ours_is_not_passed_on",
        "middleware/test_edge_table_rows.py::test_only_copies_with_our_tag_are_revalidated",
    ],
    "Content-MD5, Digest, Repr-Digest, Accept-Ranges dropped": [
        "middleware/test_headers.py::test_header_about_the_original_bytes_or_for_shared_caches_is_dropped",
    ],
    "304 never revives a copy stored before the page was protected": [
        "middleware/test_inject.py::test_stored_copy_is_revalidated_only_when_it_is_ours",
    ],
    "206, Range, If-Range": [
        "middleware/test_inject.py::test_answer_that_is_no_page_is_the_very_same[206]",
        "middleware/test_inject.py::test_request_is_narrowed_on_protected_pages_only",
    ],
    "HEAD, 204, 205, 304, interim answers": [
        "middleware/test_inject.py::test_head_has_no_length_and_no_body",
        "middleware/test_edge_table_rows.py::test_answers_without_a_body_keep_none",
        "proxy/test_response.py::test_interim_answers_are_passed_over",
        "proxy/test_exchange.py::test_early_hints_go_on_where_the_server_can_send_them",
    ],
    "error pages 4xx and 5xx; not 401 and 407 handshakes; redirects with bodies": [
        "middleware/test_edge_table_rows.py::test_page_that_tells_of_an_error_is_tagged",
        "middleware/test_inject.py::test_answer_that_is_no_page_is_the_very_same[401 handshake]",
        "middleware/test_inject.py::test_answer_that_is_no_page_is_the_very_same[407]",
        "middleware/test_inject.py::test_page_is_recognised[401 login page]",
        "middleware/test_edge_table_rows.py::test_redirect_with_a_body_passes",
    ],
    "streaming: the first bytes leave at once": [
        "middleware/test_respond.py::test_first_bytes_leave_while_the_page_pauses",
        "middleware/test_gzip_insertion.py::test_streamed_page_is_not_held_back",
        "middleware/test_servers.py::test_first_bytes_of_a_pausing_page_arrive_at_once",
    ],
    "write(), file_wrapper, close() once, exc_info": [
        "middleware/test_respond.py::test_write_goes_through_the_same_scanner",
        "middleware/test_respond.py::test_file_wrapper_of_a_page_is_read_and_of_others_returned",
        "middleware/test_respond.py::test_iterable_is_closed_exactly_once",
        "middleware/test_respond.py::test_iterable_is_closed_when_the_client_leaves",
        "middleware/test_respond.py::test_iterable_is_closed_when_it_fails_at_once",
        "middleware/test_respond.py::test_error_page_replaces_a_page_that_was_not_sent_yet",
        "middleware/test_respond.py::test_error_after_the_first_bytes_is_the_servers_to_raise",
    ],
    "place split across pieces": [
        "middleware/test_inject.py::test_page_is_recognised[one-byte pieces]",
        "middleware/test_place.py::test_undecided_beginning_says_what_is_certainly_before_the_tag",
        "middleware/test_place.py::test_one_byte_pieces_are_not_scanned_over_and_over",
    ],
    "<head in comments, scripts, attributes, textarea, template, noscript": [
        "middleware/test_place.py::test_tag_goes_where_the_tree_builder_makes_it_the_first_of_head",
        "middleware/test_edge_table_rows.py::test_head_inside_other_things_is_not_the_head",
    ],
    "no head, no body, frameset": [
        "middleware/test_place.py::test_tag_goes_where_the_tree_builder_makes_it_the_first_of_head",
        "middleware/test_place.py::test_generated_pages_parse_as_before_plus_the_script",
    ],
    "70 KB of style first": ["middleware/test_edge_table_rows.py::test_tag_is_found_before_seventy_kilobytes_of_style"],
    "fragments for scripts (X-Requested-With, Sec-Fetch-Dest)": [
        "middleware/test_inject.py::test_answer_that_is_no_page_is_the_very_same[ajax]",
        "middleware/test_inject.py::test_answer_that_is_no_page_is_the_very_same[fetch]",
        "middleware/test_destination.py::test_likelihood",
    ],
    "attachments, however spelled": [
        "middleware/test_headers.py::test_disposition",
        "middleware/test_edge_table_rows.py::test_download_is_not_a_page",
    ],
    "Content-Security-Policy header": [
        "middleware/test_csp.py::test_policy_is_changed_as_little_as_possible",
        "middleware/test_csp.py::test_generated_policies_never_get_anything_unsafe_and_never_lose_anything",
        "middleware/test_chromium_policies.py::test_page_is_recorded_over_the_socket",
        "middleware/test_chromium_policies.py::test_gzipped_page_is_recorded_over_http",
        "middleware/test_chromium_policies.py::test_framed_page_is_recorded_by_its_shell",
    ],
    "Content-Security-Policy in a meta element": [
        "middleware/test_chromium_policies.py::test_page_is_recorded_over_the_socket[meta script-src none]",
        "middleware/test_chromium_policies.py::test_framed_page_is_recorded_by_its_shell[meta connect-src none]",
    ],
    "Permissions-Policy, Feature-Policy": [
        "middleware/test_permissions.py::test_permissions_policy",
        "middleware/test_permissions.py::test_feature_policy",
        "middleware/test_chromium_policies.py::test_page_is_recorded_over_the_socket[permissions-policy]",
    ],
    "Cache-Control of a changed page": ["middleware/test_headers.py::test_cache_control_of_one_candidates_page"],
    "Trusted Types, integrity": [
        "middleware/test_chromium_policies.py::test_page_is_recorded_over_the_socket[trusted types, none]",
        "middleware/test_chromium_policies.py::test_page_is_recorded_over_the_socket[integrity-policy]",
    ],
    "injected twice: two of us, a tag in the page": [
        "middleware/test_inject.py::test_page_is_changed_once_by_two_of_us",
        "middleware/test_inject.py::test_answer_that_is_no_page_is_the_very_same[injected by another of us]",
        "middleware/test_edge_table_rows.py::test_page_with_a_tag_of_its_own_gets_ours_once",
        "sdk/test_sessions_in_the_page.py::test_loader_executed_twice_makes_one_session",
    ],
    "200 MB page: memory": ["middleware/test_respond.py::test_huge_page_is_not_kept"],
}

HOSTILE: dict[str, list[str]] = {
    "client: fields listed in Connection": ["proxy/test_request.py::test_hop_by_hop_fields_go_neither_way"],
    "client: X-Forwarded-*, Forwarded": [
        "proxy/test_forwarded.py::test_forwarded_fields_of_a_stranger_are_replaced",
        "middleware/test_page_origin.py::test_forwarded_headers_count_only_from_trusted_peers",
    ],
    "client: X-Original-URL": ["proxy/test_forwarded.py::test_a_stranger_can_claim_no_other_address_user_or_prefix"],
    "client: Upgrade: h2c": ["proxy/test_request.py::test_upgrades_other_than_websockets_are_not_asked_for"],
    "client: paths that look like ours or hide a page": [
        "middleware/test_routes.py::test_page_behind_our_mounts_name_is_still_tagged",
        "middleware/test_routes.py::test_protected_page_does_not_hide_behind_a_spelling",
        "proxy/test_exchange.py::test_a_path_that_applications_cut_or_turn_is_refused",
    ],
    "client: large cookies": ["middleware/test_edge_table_rows.py::test_cookies_of_any_size_reach_the_application"],
    "client: requests two servers read differently": [
        "proxy/test_front.py::test_an_ambiguous_request_never_reaches_the_application",
        "proxy/test_request.py::test_what_two_servers_could_read_differently_is_refused",
    ],
    "client: WebSocket, then silence": [
        "proxy/test_tunnel.py::test_a_silent_event_stream_ends_when_its_reader_is_gone",
        "proxy/test_tunnel.py::test_pages_are_answered_while_every_candidate_holds_a_websocket_and_an_event_stream",
    ],
    "application: down, slow, cut off": [
        "proxy/test_response.py::test_nothing_listening_is_a_bad_gateway",
        "proxy/test_response.py::test_silence_is_a_gateway_timeout",
        "proxy/test_response.py::test_a_body_that_is_cut_off_never_looks_complete",
    ],
    "application: compressed bombs, pages without end": [
        "middleware/test_gzip_insertion.py::test_bomb_is_recoded_in_bounded_memory",
        "middleware/test_place.py::test_token_that_never_ends_is_given_up_at_the_limit",
    ],
    "application: broken heads, line breaks in values, wrong lengths": [
        "proxy/test_response.py::test_an_answer_that_is_not_plainly_right_is_a_bad_gateway",
        "proxy/test_response.py::test_control_characters_in_a_value_are_a_bad_gateway",
        "middleware/test_respond.py::test_length_that_is_no_number_is_not_passed_on",
    ],
    "application: huge header values": [
        "middleware/test_edge_table_rows.py::test_header_of_ten_megabytes_neither_breaks_nor_stalls",
    ],
    "application: policies of thousands of directives": [
        "middleware/test_edge_table_rows.py::test_thousands_of_directives_are_read_and_longer_headers_left_alone",
        "middleware/test_permissions.py::test_hostile_headers_take_linear_time_and_stay_as_they_are",
    ],
    "application: markup made to slow the scan": [
        "middleware/test_place.py::test_hostile_prefix_is_scanned_in_linear_time",
        "middleware/test_encodings.py::test_hostile_xml_prolog_is_scanned_in_linear_time",
    ],
    "application: multipart/x-mixed-replace, event streams": [
        "middleware/test_edge_table_rows.py::test_streams_that_contain_html_are_not_pages",
    ],
    "application: Set-Cookie Domain=, Location: //elsewhere, Alt-Svc": [
        "proxy/test_response.py::test_cookies_stay_separate_and_lose_the_inner_domain",
        "proxy/test_response.py::test_other_addresses_stay_as_they_are",
        "proxy/test_response.py::test_what_the_front_server_says_itself_or_leads_past_us_stays_behind",
    ],
    "application: Clear-Site-Data, Service-Worker-Allowed, Strict-Transport-Security": [
        "middleware/test_edge_table_rows.py::test_headers_that_are_the_applications_business_stay",
    ],
    "application: trailers": ["proxy/test_response.py::test_a_chunked_answer_is_decoded_and_its_trailers_dropped"],
    "application: gzip that is none, or broken off": [
        "middleware/test_gzip_insertion.py::test_broken_page_is_declined_and_kept_as_it_was",
        "middleware/test_gzip_insertion.py::test_page_cut_off_behind_the_tag_stays_visibly_cut_off",
    ],
    "operator: line breaks and markup in a route's title": [
        "middleware/test_edge_table_rows.py::test_line_breaks_in_a_routes_settings_are_refused_at_the_start",
        "middleware/test_edge_table_rows.py::test_hostile_title_of_a_route_reaches_no_header_and_no_markup",
    ],
}


@functools.cache
def _source(file: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names of a file's tests, and its literal texts (the names of cases are among them)."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(names), frozenset(texts)


@pytest.mark.parametrize("row", [*ROWS, *HOSTILE])
def test_each_row_has_its_tests(row: str) -> None:
    proofs = (ROWS | HOSTILE)[row]
    assert proofs
    for proof in proofs:
        file, _, rest = proof.partition("::")
        name, _, case = rest.partition("[")
        names, texts = _source(file)
        assert name in names, proof
        assert not case or case.removesuffix("]") in texts, proof
