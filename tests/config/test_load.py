from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from flask_proview.config import load_config, redacted
from flask_proview.errors import ConfigError

KEY = "q8Vn2xZ7-rT5wYb1Lk9Jm3Hs6Dg4Fp0C"


def minimal(**sections: Any) -> dict[str, Any]:
    return {
        "secrets": {"keys": [KEY]},
        "accounts": [{"name": "main", "token": "b3f6224e-d072-4gea-9053", "domains": ["exam.example.edu"]}],
        "routes": [{"path": "/exam/<attempt>/take", "session": "path:attempt"}],
        **sections,
    }


def test_defaults_are_filled_in_and_frozen() -> None:
    config = load_config(minimal(), {})
    assert str(config.server.listen) == "127.0.0.1:8000"
    assert config.limits.session_minutes == 90
    assert config.routes[0].name == "r0"
    assert config.account_of(config.routes[0]) is config.accounts[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.server.mount = "/x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"servr": {}}, ["[servr]", "did you mean 'server'"]),
        ({"server": {"lisen": "x"}}, ["lisen", "did you mean 'listen'"]),
        ({"server": {"listen": "8000"}}, ["listen", "'8000'", "HOST:PORT"]),
        ({"server": {"mount": "proview"}}, ["mount", "/proview"]),
        ({"server": {"upstream": "http://h:1/path"}}, ["upstream", "without a path"]),
        ({"server": {"trusted_proxies": ["me"]}}, ["trusted_proxies", "'me'"]),
        ({"server": {"workers": 4}}, ["workers = 4", "redis://"]),
        ({"server": "x"}, ["[server]", "table"]),
        ({"secrets": {"keys": ["short"]}}, ["keys", "(hidden)", "32"]),
        ({"secrets": {"keys": ["changeme-changeme-changeme-changeme"]}}, ["placeholder"]),
        ({"secrets": {"keys": []}}, ["at least one key"]),
        ({"secrets": {"keys": [KEY, KEY]}}, ["twice"]),
        ({"secrets": {}}, ["keys is missing"]),
        ({"limits": {"session_minutes": 0}}, ["session_minutes = 0", "between 1"]),
        ({"limits": {"on_limit": "explode"}}, ["on_limit", "rollover, stop"]),
        ({"media": {"link": "var/x"}}, ["link", "unix:PATH"]),
        ({"media": {"udp_ports": [9, 8]}}, ["udp_ports", "[low, high]"]),
        ({"capture": {"camera": {"widht": 1}}}, ["camera", "widht"]),
        ({"storage": {"database": "mysql://x"}}, ["database", "sqlite:///"]),
        ({"bus": {"url": "kafka://"}}, ["redis://"]),
        ({"accounts": [{"name": "a"}]}, ["number 1", "token is missing"]),
        ({"accounts": [{"name": "a", "token": "12345678", "domains": []}]}, ["domains", "at least one"]),
        ({"accounts": {"name": "a"}}, ["double brackets"]),
        ({"routes": [{"path": "/x", "regex": "/x", "session": "literal:1"}]}, ["either path or regex"]),
        ({"routes": [{"path": "/x/<foo:bar>", "session": "literal:1"}]}, ["Werkzeug rule"]),
        ({"routes": [{"regex": "(", "session": "literal:1"}]}, ["regular expression"]),
        ({"routes": [{"path": "/x", "session": "body:id"}]}, ["body:id", "path:NAME"]),
        ({"routes": [{"path": "/x"}]}, ["needs session"]),
        ({"routes": [{"path": "/x", "session": "literal:1", "account": "mian"}]}, ["did you mean 'main'"]),
        ({"routes": [{"path": "/proview/x", "session": "literal:1"}]}, ["under server.mount"]),
    ],
)
def test_bad_settings_are_refused_with_key_value_and_way_out(change: dict[str, Any], names: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(minimal(**change), {})
    for name in names:
        assert name in caught.value.message


def test_a_secret_value_is_never_in_the_message() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(minimal(secrets={"keys": ["tooshort-hunter2"]}), {})
    assert "hunter2" not in caught.value.message


def test_the_environment_wins_over_the_file() -> None:
    environ = {
        "PROVIEW_SERVER_LISTEN": "127.0.0.1:9001",
        "PROVIEW_LIMITS_SESSION_MINUTES": "30",
        "PROVIEW_SERVER_TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1",
        "PROVIEW_SECRET_KEYS": f"{KEY},{KEY[::-1]}",
        "PROVIEW_CAPTURE_CAMERA": '{"width": 320, "height": 240}',
    }
    config = load_config(minimal(), environ)
    assert config.server.listen.port == 9001
    assert config.limits.session_minutes == 30
    assert config.server.trusted_proxies == ("10.0.0.0/8", "127.0.0.1/32")
    assert config.secrets.keys == (KEY, KEY[::-1])
    assert (config.capture.camera.width, config.capture.camera.fps) == (320, 15)


def test_a_file_anchors_its_relative_paths(tmp_path: Path) -> None:
    file = tmp_path / "proview.toml"
    file.write_text(f'[secrets]\nkeys = ["{KEY}"]\n[storage]\nrecordings = "r"\n')
    config = load_config(file, {})
    assert config.storage.recordings == str(tmp_path / "r")
    assert config.storage.database == f"sqlite:///{tmp_path}/var/proview.db"
    assert config.media.link == f"unix:{tmp_path}/var/media.sock"


def test_a_missing_or_broken_file_names_itself_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="proview init"):
        load_config(tmp_path / "none.toml", {})
    broken = tmp_path / "broken.toml"
    broken.write_text("[server\n")
    with pytest.raises(ConfigError, match=r"broken\.toml is not valid TOML"):
        load_config(broken, {})


def test_redacted_hides_secrets() -> None:
    config = load_config(
        minimal(media={"ice_servers": [{"urls": "turn:t", "username": "u", "credential": "hunter2"}]}), {}
    )
    assert KEY not in str(redacted(config))
    assert "hunter2" not in str(redacted(config))
