"""Every code a crawled page can carry: what it means and what to do about it. docs/checking.md lists the same codes."""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    title: str
    advice: str


CODES: dict[str, Meaning] = {
    # The middleware's verdict
    "refused_domain": Meaning(
        "passes without proctoring: the page's origin is not whitelisted",
        "Add the origin to the account's domains; check server.public_url, or say --as ORIGIN if browsers use another.",
    ),
    "refused_account": Meaning(
        "passes without proctoring: the route has no account", "Name an account of [[accounts]] in the route."
    ),
    "refused_identity": Meaning(
        "passes without proctoring: no session id found",
        "Give the route another source (session = [...]), or narrow its path if this is no exam page; log the crawl in"
        " if the id comes from a cookie.",
    ),
    "refused_fault": Meaning(
        "passes without proctoring: the answer cannot be changed",
        "See what was seen; the application or what stands before it has to send the page itself, in gzip or plain.",
    ),
    "identity_unseen": Meaning(
        "the session id comes from the server's environ, which a crawl cannot see",
        "Open the page once through the installation; `proview check` then lists it if no id was found.",
    ),
    "profile_missing": Meaning(
        "no candidate id found", "Sessions of one attempt cannot be told apart by candidate; see profile of the route."
    ),
    "no_page": Meaning(
        "protected path, but the answer is no page and is left alone",
        "Right for downloads and redirects; a page that is sent as one needs Content-Type: text/html.",
    ),
    "already_injected": Meaning(
        "carries the tag already", "The crawl went through a running installation; crawl the application itself."
    ),
    "no_transform": Meaning("Cache-Control: no-transform is overridden", "Nothing to do; a proxy in between may differ."),
    # Policies and headers
    "policy_changed": Meaning("policies are changed", "Compare before and after; nothing else is opened."),
    "cache_changed": Meaning(
        "was cacheable by others, becomes private", "Caches in front of us must not store it; purge what they have."
    ),
    "meta_csp": Meaning("has a policy in <meta>", "It leaves room for what is needed here."),
    "meta_csp_blocks": Meaning(
        "a policy in <meta> forbids connections to the page's own origin: an inline page cannot report",
        'Use mode = "frame", or add \'self\' to its connect-src; a policy in a header would have been adapted.',
    ),
    "trusted_types": Meaning("requires Trusted Types", "Nothing to do; the tag is put in before the page is parsed."),
    "frame_forbidden": Meaning(
        "forbids framing", "In frame mode the header is changed so that only our own frame may show it."
    ),
    "http_auth": Meaning(
        "asks for an HTTP login", "Basic works everywhere; NTLM and Negotiate need a front server that keeps connections apart."
    ),
    "iis_case": Meaning(
        "IIS takes upper and lower case for the same path, routes do not", 'Write the route as regex = "(?i)…".'
    ),
    # Scripts
    "frame_busting": Meaning(
        "a script leads the outermost page elsewhere",
        "Frame mode holds such scripts; a page that cannot be held gets the window and records inline. Try it once.",
    ),
    "frame_check": Meaning(
        "a script looks whether the page is framed", "In frame mode it is; see what the script does then."
    ),
    "popup": Meaning(
        "opens windows", "A protected page in a new window covers itself and resumes the session there; others are not watched."
    ),
    "own_websocket": Meaning("uses WebSockets of its own", "They pass; a proxy before us must pass upgrades, too."),
    "own_event_source": Meaning("uses event streams of its own", "They pass unbuffered; a proxy before us may buffer."),
    "service_worker": Meaning(
        "registers a service worker",
        "Pages it answers from its cache never reach the server and are not proctored; exclude the protected paths there.",
    ),
    "own_media": Meaning(
        "uses camera, microphone or screen itself", "Some systems give a camera to one user only; try it on the candidates' machines."
    ),
    "before_unload": Meaning("asks before it is left", "Candidates see the question at each page change, as without us."),
    "document_write": Meaning(
        "writes into the document", "Harmless while the page loads; afterwards document.write throws away everything, our cover included."
    ),
    "document_domain": Meaning(
        "sets document.domain", 'Browsers ignore it more and more; where it works the shell loses the page: use mode = "inline".'
    ),
    "own_snippet": Meaning(
        "starts Proview itself", 'Set start = "page" for the route, so that the session is not started twice.'
    ),
    "snippet_unprotected": Meaning(
        "starts Proview itself, but no route protects it", "Add a route for it: this page was meant to be proctored."
    ),
    # Structure
    "meta_refresh": Meaning("reloads itself or leads on after a while", "Frame mode records through it; inline mode resumes."),
    "new_window": Meaning("links or forms open new windows (target)", "As with scripts that open windows."),
    "target_top": Meaning("links or forms aim at _top or _parent", "Kept inside the shell in frame mode."),
    "frameset": Meaning("is a frameset", "The tag runs in the frameset and in each protected frame; they share one session."),
    "iframe": Meaning("has frames of its own origin", "Frames on protected paths are tagged too and share the session."),
    "iframe_foreign": Meaning(
        "has frames of other origins", "What happens inside them (focus, clipboard, keys) cannot be seen."
    ),
    "form_foreign": Meaning("a form sends to another origin", "The answer is not proctored; in frame mode it must allow framing."),
    "form_unprotected": Meaning(
        "a form sends to a path that no route protects",
        "Fine when that answers with a redirect to a protected page; if it answers with a page, protect the path too.",
    ),
    "mixed_content": Meaning("loads http:// things into an https page", "Browsers block scripts and frames, and upgrade or block images."),
    "absolute_links": Meaning(
        "spells out the crawled address in links",
        "Fine when it is made of the Host header, which is handed on; else browsers leave the proctored address.",
    ),
    # Form
    "charset_conflict": Meaning("names two charsets", "Browsers take the header's; the tag is right in both."),
    "charset_missing": Meaning("names no charset", "Browsers guess; send charset= in Content-Type."),
    "charset_unknown": Meaning("names a charset that browsers do not know", "Correct the name."),
    "charset_undecodable": Meaning("has bytes that are not of its charset", "The page is shown with replacement characters, as without us."),
    "charset_utf16": Meaning("is UTF-16", "Handled; UTF-8 would be half the size."),
    "quirks": Meaning("has no doctype or an old one", "Shown in quirks mode, with and without us."),
    "title_missing": Meaning("has no title", "Screen readers and the console name the page by it."),
    "lang_missing": Meaning("does not name its language", "Screen readers need <html lang>."),
    "compressed": Meaning("is sent compressed", "gzip is changed without recompressing."),
    "encoding_unread": Meaning("is sent in an encoding that was not asked for", "Such a page is not changed: switch br and zstd off for it."),
    "cut_off": Meaning("ended before its announced length", "The server or something before it cut the answer; look into its log."),
    "too_long": Meaning("is longer than what was read", "Facts are of the beginning only; the page itself is changed as it streams."),
    "many_links": Meaning("has more links than were looked at", "Crawl the rest by giving their addresses."),
    "redirect_elsewhere": Meaning("redirects to another origin", "Not followed; pages there are another installation's business."),
}  # fmt: skip
