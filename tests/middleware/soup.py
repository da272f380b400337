"""Generated pages, from tidy to hostile, and what html5lib, which follows the standard's tree builder, makes of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import html5lib

MARK = b'<script src="/proview/init.js"></script>'

_PROLOG = [
    b"<!doctype html>", b"<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">", b"<!DOCTYPE>",
    b"<?xml version='1.0'?>", b"<?php x > ?>", b"<!-- <head> -->", b"<!--->", b"<!-->", b"<!--a--!>", b"<!-- -- > <head> -->", b"<!x <head>>",
    b"<!--<!-->", b"<!--a<!--b-->", b" ", b"\n\t", b"\r\n", b"\x0c", b"</p>", b"</>", b"</ x>", b"</3>", b"</div a='>'>", b"</template>",
    b"<html>", b"<HTML lang=\"a>b\" class='<head>'>", b"<html/>", b"<html a=b/c d = e =f>", b"<html a='x' \"y'>", b"<html\n>", b"<htmlx>",
]  # fmt: skip
_HEADS = [
    b"<head>",
    b"<HEAD>",
    b"<head profile='x>y'>",
    b"<head\n/>",
    b'<head a="<head>">',
    b"<header>",
    b"<head",
    b"</head>",
    b"<head/>",
]
_REST = [
    b"<title>t</title>", b"<title><head></title>", b"<meta charset=utf-8>", b"<script>var a='<head>';</script>", b"<style><head></style>",
    b"<body>", b"<body class=x>", b"</body>", b"</html>", b"<p>text", b"text", b"<frameset cols=*>", b"<frame>", b"</frameset>", b"<textarea><head></textarea>",
    b"<noscript><link></noscript>", b"<template><p></template>", b"<table><tr><td>x", b"<svg><head></svg>", b"<plaintext>", b"<base href=/>", b"<br>", b"</br>",
    b"\xc3\xa9", b"\0", b"&amp;", b"<", b"</", b"<!", b"<!--", b"<a href='", b"<html", b"<!doctype", b"<?", b"\xef\xbb\xbf",
]  # fmt: skip
_BYTES = b"<>/!-?='\" \nheadtmlbody\0x"


def page(rnd: random.Random) -> bytes:
    """One page."""
    parts: list[bytes] = []
    if rnd.random() < 0.1:
        parts.append(b"\xef\xbb\xbf")
    parts += rnd.choices(_PROLOG, k=rnd.randrange(6))
    if rnd.random() < 0.6:
        parts.append(rnd.choice(_HEADS))
    parts += rnd.choices(_PROLOG + _HEADS + _REST + _REST, k=rnd.randrange(8))
    text = bytearray(b"".join(parts))
    for _ in range(rnd.choice((0, 0, 0, 1, 2, 4))):
        at = rnd.randrange(len(text) + 1)
        kind = rnd.random()
        if kind < 0.4:
            text[at:at] = bytes(rnd.choices(_BYTES, k=rnd.randrange(1, 4)))
        elif kind < 0.7:
            del text[at : at + rnd.randrange(1, 5)]
        else:
            del text[at:]
    # html5lib ends a comment that starts with NUL at the first ">"; the standard's comment start state does not.
    return re.sub(rb"<!--(-?)\0+", rb"<!--\1", bytes(text))


def chunked(rnd: random.Random, body: bytes) -> Iterator[bytes]:
    """The same bytes in pieces of any length, empty ones too."""
    longest = rnd.choice((1, 3, 20, 1000))
    at = 0
    while at < len(body):
        step = rnd.randrange(longest + 1)
        yield body[at : at + step]
        at += step


Node = tuple[Any, ...]


def tree(body: bytes) -> Node:
    """The parsed page as nested tuples: names, sorted attributes, text, comments, doctype."""
    document = html5lib.parse(body, treebuilder="dom", transport_encoding="utf-8")
    return _node(document)


def without_mark(node: Node) -> tuple[Node, list[list[str]]]:
    """The tree without our script, and for each that was there the names from the root to it."""
    found: list[list[str]] = []
    return _strip(node, [], found), found


def without_comments(node: Node) -> Node:
    """The tree without comments and doctype."""
    if node[0] != "element":
        return node
    kept = [without_comments(child) for child in node[3] if child[0] not in ("comment", "doctype")]
    return (*node[:3], _joined(kept))


def _strip(node: Node, path: list[str], found: list[list[str]]) -> Node:
    if node[0] != "element":
        return node
    children: list[Node] = []
    for number, child in enumerate(node[3]):
        if child[0] == "element" and child[1] == "script" and ("src", "/proview/init.js") in child[2]:
            earlier = any(c[0] == "element" for c in node[3][:number])
            found.append([*path, node[1], "late" if earlier else "first"])
            continue
        children.append(_strip(child, [*path, node[1]], found))
    return (*node[:3], _joined(children))


def _joined(children: list[Node]) -> tuple[Node, ...]:
    joined: list[Node] = []
    for child in children:
        if child[0] == "text" and joined and joined[-1][0] == "text":
            joined[-1] = ("text", joined[-1][1] + child[1])
        else:
            joined.append(child)
    return tuple(joined)


def _node(node: Any) -> Node:
    kind = node.nodeType
    if kind == node.TEXT_NODE:
        return ("text", node.data)
    if kind == node.COMMENT_NODE:
        return ("comment", node.data)
    if kind == node.DOCUMENT_TYPE_NODE:
        return ("doctype", node.name, node.publicId, node.systemId)
    name = "#document" if kind == node.DOCUMENT_NODE else (node.localName or node.nodeName)
    attributes = tuple(sorted((a.name, a.value) for a in node.attributes.values())) if node.attributes else ()
    return ("element", name, attributes, _joined([_node(child) for child in node.childNodes]))


def bare(node: Node, *, doctype: bool) -> Node:
    """The tree without comments and without blanks at the edges of ``<head>``: what a spliced page may move."""
    if node[0] != "element":
        return node
    kept = [
        bare(child, doctype=doctype)
        for child in node[3]
        if child[0] != "comment" and (doctype or child[0] != "doctype")
    ]
    if node[1] == "head":
        kept = [child for child in kept if child[0] != "text" or child[1].strip("\t\n\x0c\r ")]
    return (*node[:3], _joined(kept))
