"""Reading the configuration of a process."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from isthmus.core.errors import Misconfigured
from isthmus.plugin_manager import configuration
from isthmus.plugin_manager.configuration import hidden_url, load, show
from isthmus.plugin_manager.settings import KEYS


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a file, on a machine without one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(configuration, "SYSTEM_FILE", tmp_path / "etc" / "isthmus.toml")
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_any_file_everything_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    made = load(environment={})
    assert made.state == Path("/var/lib/isthmus")
    assert made.database == "sqlite:////var/lib/isthmus/isthmus.db"
    assert made.key_source == "file:/var/lib/isthmus/root.key"
    assert made.runtime == Path("/run/isthmus")
    assert made.tls.mode == "own"
    assert made.url == "https://127.0.0.1:7460"
    assert made.streams == made.listen.threads // 2
    assert {shown.source for shown in show(made)} == {"default"}


def test_a_user_who_is_not_root_gets_folders_of_the_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    made = load(environment={"XDG_DATA_HOME": str(tmp_path / "data")})
    assert made.state == tmp_path / "data" / "isthmus"
    assert made.runtime == made.state / "run"


def test_the_first_file_of_four_places_counts(nowhere: Path) -> None:
    write(nowhere / "etc" / "isthmus.toml", 'node = "system"')
    assert load(environment={}).node == "system"
    write(nowhere / "isthmus.toml", 'node = "here"')
    assert load(environment={}).node == "here"
    named = write(nowhere / "named.toml", 'node = "variable"')
    environment = {"ISTHMUS_CONFIG": str(named)}
    assert load(environment=environment).node == "variable"
    given = write(nowhere / "given.toml", 'node = "argument"')
    assert load(given, environment).node == "argument"
    assert load(given, environment).file == given


def test_variables_overrule_the_file_and_the_source_is_told(nowhere: Path) -> None:
    file = write(nowhere / "isthmus.toml", '[listen]\nport = 1000\nthreads = 10\n[tls]\nnames = ["a.example"]\n')
    made = load(environment={"ISTHMUS_LISTEN_PORT": "2000", "ISTHMUS_TLS_NAMES": "b.example, c.example"})
    assert (made.listen.port, made.listen.threads) == (2000, 10)
    assert made.tls.names == ("b.example", "c.example")
    sources = {shown.key: shown.source for shown in show(made)}
    assert sources["listen.port"] == "ISTHMUS_LISTEN_PORT"
    assert sources["listen.threads"] == str(file)
    assert sources["node"] == "default"


def test_relative_paths_are_relative_to_the_file(nowhere: Path) -> None:
    write(nowhere / "deep" / "isthmus.toml", 'state = "../state"')
    assert load("deep/isthmus.toml", {}).state == nowhere / "state"


def test_servers_with_states_of_their_own_share_no_runtime_folder(nowhere: Path) -> None:
    first, second = (load(environment={"ISTHMUS_STATE": str(nowhere / name)}) for name in ("a", "b"))
    assert first.runtime != second.runtime


@pytest.mark.parametrize(
    ("text", "sentence", "advice"),
    [
        ("prot = 1", "There is no key prot", "Did you mean listen.port?"),
        ("[listen]\nprot = 1", "There is no key listen.prot", "Did you mean listen.port?"),
        ("[jurnal]\nlease = 1", "There is no key jurnal", "Did you mean [journal]?"),
        ('[log]\nlevel = "inof"', "log.level in", "Did you mean info?"),
        ('[listen]\nport = "7460"', "must be a whole number, not str", None),
        ("[listen]\nport = 7460.5", "must be a whole number, not float", None),
        ("[listen]\nport = true", "must be a whole number, not bool", None),
        ("[listen]\nport = 0", "must be at least 1, not 0", None),
        ("[listen]\nport = 65536", "must be at most 65535", None),
        ("[journal]\nlease = nan", "must be a number", None),
        ("[journal]\nlease = 2", "at most half of journal.lease", "Use a third"),
        ("listen = 7460", "There is no key listen", None),
        ("state = 1", "must be a path, not int", None),
        ('state = ""', "must be a path, not str", None),
        ('[tls]\nnames = "a"', "must be a list of texts, not str", None),
        ('[tls]\nmode = "files"', "tls.certificate and tls.key must be set", None),
        ('[tls]\ncertificate = "a"', "but tls.mode is own", 'Set tls.mode to "files"'),
        ('[tls]\nmode = "off"\n[listen]\nhost = "0.0.0.0"', "only offered on loopback, not on 0.0.0.0", "Leave"),
        ('node = "a/b"', "node must be 1 to 63 letters", None),
        ('database = "isthmus.db"', "database must be a URL", "sqlite:////"),
        ('[listen]\npublic = "storage"', "must be a URL", None),
        ("[listen\n", "is not valid TOML", None),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(nowhere: Path, text: str, sentence: str, advice: str | None) -> None:
    write(nowhere / "isthmus.toml", text)
    with pytest.raises(Misconfigured) as raised:
        load(environment={})
    assert sentence in str(raised.value)
    if advice is not None:
        assert advice in (raised.value.next_step or "")


def test_a_file_that_is_named_must_be_there() -> None:
    with pytest.raises(Misconfigured, match="is not there"):
        load("nowhere.toml", {})


def test_a_variable_that_was_surely_meant_is_refused_and_others_are_left_alone() -> None:
    for variable in ("ISTHMUS_LISTEN_PROT", "ISTHMUS_DATABSE"):
        with pytest.raises(Misconfigured, match=variable):
            load(environment={variable: "1"})
    # These are the command line's and the key source's.
    for variable in ("ADDRESS", "CA", "TOKEN", "TENANT", "CLIENT", "ROOT_KEY"):
        assert load(environment={f"ISTHMUS_{variable}": "https://elsewhere:1"}) == load(environment={})


def test_plain_http_is_allowed_on_loopback_only() -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        made = load(environment={"ISTHMUS_TLS_MODE": "off", "ISTHMUS_LISTEN_HOST": host})
        assert made.url.startswith("http://")
    for host in ("0.0.0.0", "::", "192.0.2.1", "storage.example"):
        with pytest.raises(Misconfigured, match="only offered on loopback"):
            load(environment={"ISTHMUS_TLS_MODE": "off", "ISTHMUS_LISTEN_HOST": host})


def test_clients_are_told_an_address_that_they_can_reach() -> None:
    made = load(environment={"ISTHMUS_LISTEN_HOST": "0.0.0.0", "ISTHMUS_DATA_PATH_ADDRESS": "192.0.2.7"})
    assert made.url == "https://192.0.2.7:7460"
    assert load(environment={"ISTHMUS_LISTEN_HOST": "::1"}).url == "https://[::1]:7460"
    assert load(environment={"ISTHMUS_LISTEN_PUBLIC": "https://s.example/"}).url == "https://s.example"


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"postgresql://u:{SECRET}@h:5432/d", "postgresql://u:***@h:5432/d"),
        (f"postgresql://u:{SECRET}%40x@h/d?sslmode=require", "postgresql://u:***@h/d?sslmode=require"),
        (f"postgresql://u@h/d?password={SECRET}&a=b", "postgresql://u@h/d?password=***&a=b"),
        (f"postgresql://u:a?{SECRET}@h/d", "postgresql://u:***@h/d"),
        (f"postgresql://u:a#{SECRET}@h/d", "postgresql://u:***@h/d"),
        (f"postgresql://u:a/{SECRET}@h/d", "postgresql://u:***@h/d"),
        (f"postgresql://u:a@{SECRET}@h/d", "postgresql://u:***@h/d"),
        ("sqlite:////var/lib/isthmus/isthmus.db", "sqlite:////var/lib/isthmus/isthmus.db"),
    ],
)
def test_passwords_of_databases_are_never_shown(url: str, shown: str) -> None:
    assert hidden_url(url) == shown
    made = load(environment={"ISTHMUS_DATABASE": url})
    assert made.database == url
    assert next(value.value for value in show(made) if value.key == "database") == shown
    assert SECRET not in repr(made)


def test_a_password_in_the_wrong_place_is_not_repeated(nowhere: Path) -> None:
    write(nowhere / "isthmus.toml", f'[listen]\nport = "{SECRET}"')
    with pytest.raises(Misconfigured) as raised:
        load(environment={})
    assert SECRET not in str(raised.value.to_json())


def test_every_key_has_a_meaning_and_can_be_sent_to_a_worker() -> None:
    assert all(key.meaning for key in KEYS.values())
    made = load(environment={"ISTHMUS_LISTEN_PORT": "2000"})
    assert pickle.loads(pickle.dumps(made)) == made
