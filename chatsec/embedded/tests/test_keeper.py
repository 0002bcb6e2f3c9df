import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest
import redis

from chatsec.embedded import describe, keeper, locks, postgres
from chatsec.embedded.outage import outage
from chatsec.embedded.tests.users import (
    PROJECT,
    User,
    both_answer,
    demolish,
    eventually,
    is_stopped,
    keeper_pid,
    kill,
    pids,
    place_of,
    query,
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="finds the keeper through /proc"
)


NEW_TABLE = "DROP TABLE IF EXISTS kept; CREATE TABLE kept (n int PRIMARY KEY)"


@pytest.fixture(scope="module")
def ground(parent):
    return parent / "ground"


@pytest.fixture
def data_dir(ground):
    """One cluster, made once: each test finds it as a crash left it."""
    yield ground
    demolish(ground)


def stopped(data_dir):
    return is_stopped(data_dir) and keeper_pid(data_dir) is None


def workers(data_dir):
    """The command lines of all processes at work in the cluster."""
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if os.readlink(link) == str(place_of(data_dir).pgdata):
                yield link.with_name("cmdline")


def begin_six(data_dir):
    users = [User(data_dir) for _ in range(6)]
    for user in users:
        user.wait_until_up()
    return users


def test_six_starters_at_once_share_one_cluster(data_dir):
    users = begin_six(data_dir)
    try:
        assert both_answer(describe(data_dir))
        assert keeper_pid(data_dir)
        postmasters = [path for path in workers(data_dir) if b"-D" in path.read_bytes()]
        assert len(postmasters) == 1
    finally:
        for user in users:
            user.leave()


def test_they_end_after_the_last_user_even_if_the_keeper_was_killed(data_dir, start):
    first, second = start().wait_until_up(), start().wait_until_up()
    before = pids(data_dir)

    first.leave()
    time.sleep(3)

    assert pids(data_dir) == before
    kill(keeper_pid(data_dir))
    third = start().wait_until_up()
    assert keeper_pid(data_dir), "nobody replaced the killed keeper"
    second.kill()
    third.kill()
    eventually(lambda: stopped(data_dir), "the engines outlived their users")
    assert not (place_of(data_dir).pgdata / "postmaster.pid").exists()


def test_a_user_who_comes_while_they_stop_gets_them_again(data_dir, start):
    start().wait_until_up().kill()

    for pause in (2.4, 2.7):
        time.sleep(pause)
        user = start().wait_until_up()
        assert both_answer(describe(data_dir))
        assert keeper_pid(data_dir)
        user.kill()


@pytest.mark.parametrize("victim", [0, 1], ids=["postgres", "valkey"])
def test_a_killed_engine_comes_back_under_its_users(data_dir, start, victim):
    start().wait_until_up()
    engines = describe(data_dir)
    before = pids(data_dir)
    query(engines.owner, NEW_TABLE)
    query(engines.owner, "INSERT INTO kept VALUES (1)")
    kill(before[victim])

    eventually(
        lambda: all(pids(data_dir)) and pids(data_dir) != before, "nobody revived it"
    )
    eventually(lambda: both_answer(engines), "it does not answer")
    assert query(engines.owner, "SELECT n FROM kept") == [(1,)]


def test_killing_everything_is_recovered_from(data_dir, start):
    user = start().wait_until_up()
    engines = describe(data_dir)
    query(engines.owner, NEW_TABLE)
    with redis.Redis.from_url(engines.cache_url(1)) as client:
        client.set("kept", "yes")
        time.sleep(1.2)  # appendfsync everysec
    for pid in (keeper_pid(data_dir), *pids(data_dir), user.process.pid):
        kill(pid)

    start().wait_until_up()

    assert both_answer(engines)
    assert query(engines.owner, "SELECT count(*) FROM kept") == [(0,)]
    with redis.Redis.from_url(engines.cache_url(1)) as client:
        assert client.get("kept") == b"yes"
    assert keeper_pid(data_dir)


def test_a_stale_pid_file_is_no_obstacle(data_dir, start):
    user = start().wait_until_up()
    place = place_of(data_dir)
    known = place.pgdata.stat()
    text = (place.pgdata / "postmaster.pid").read_text().splitlines()
    for pid in (keeper_pid(data_dir), *pids(data_dir), user.process.pid):
        kill(pid)
    # As after a killed container: the number is another program's by now, and one of
    # the same account, which PostgreSQL takes for itself.
    sleeper = subprocess.Popen(["sleep", "60"], user=known.st_uid)
    try:
        text[0] = str(sleeper.pid)
        (place.pgdata / "postmaster.pid").write_text("\n".join(text) + "\n")
        os.chown(place.pgdata / "postmaster.pid", known.st_uid, known.st_gid)

        start().wait_until_up()

        assert both_answer(describe(data_dir))
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_swept_socket_is_made_again(data_dir, start):
    start().wait_until_up()
    place_of(data_dir).postgres_socket.unlink()

    start().wait_until_up()

    assert both_answer(describe(data_dir))


def test_a_removed_data_directory_leaves_nothing_running(fresh_dir):
    user = User(fresh_dir).wait_until_up()
    time.sleep(1.5)
    before = pids(fresh_dir)
    fresh_dir.rename(fresh_dir.with_name("gone"))

    def nobody_left():
        return not any(os.path.exists(f"/proc/{pid}") for pid in before)

    eventually(nobody_left, "engines of a removed directory go on")
    user.kill()


def test_ctrl_c_in_the_terminal_does_not_reach_them(data_dir):
    user = User(data_dir).wait_until_up()

    groups = {os.getpgid(pid) for pid in (keeper_pid(data_dir), *pids(data_dir))}

    assert os.getpgid(user.process.pid) not in groups
    user.process.send_signal(signal.SIGINT)
    user.leave()


@pytest.mark.parametrize(
    ("engine", "crash"),
    [
        ("postgres", True),
        ("valkey", False),
        pytest.param("postgres", False, marks=pytest.mark.prove),
        pytest.param("valkey", True, marks=pytest.mark.prove),
    ],
)
def test_an_outage_lasts_as_long_as_asked(data_dir, start, engine, crash):
    start().wait_until_up()
    engines = describe(data_dir)

    with outage(data_dir, engine, crash=crash):
        time.sleep(1.2)
        assert not both_answer(engines)

    assert both_answer(engines)


def test_the_command_tells_and_stops(data_dir, start):
    def command(name):
        return subprocess.run(
            [sys.executable, "-m", "chatsec.embedded", name, str(data_dir)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )

    user = start().wait_until_up()
    assert command("status").stdout.count("running, pid") == 2
    refused = command("stop")
    assert refused.returncode == 1
    assert "in use" in refused.stderr

    user.leave()
    assert command("stop").returncode == 0

    assert command("status").stdout.count("stopped") == 2


def test_what_is_being_stopped_is_not_brought_back(data_dir, start):
    start().wait_until_up().leave()
    leash = locks.open_lock(keeper.leash_path(place_of(data_dir)))
    locks.take(leash, "exclusive")  # as the stop command does

    kill(pids(data_dir)[1])
    time.sleep(3 * keeper.WATCH_SECONDS)

    assert pids(data_dir)[1] is None
    os.close(leash)


def test_damaged_credentials_are_one_clear_line(fresh_dir):
    describe(fresh_dir)
    (fresh_dir / "credentials.json").write_text(json.dumps({"id": "x"}))

    with pytest.raises(AssertionError, match="is damaged; restore it from a backup"):
        User(fresh_dir).wait_until_up()


@pytest.mark.prove
@pytest.mark.parametrize("turn", range(20))
def test_any_kill_at_any_time_is_recovered_from(data_dir, turn):
    users = begin_six(data_dir)
    engines = describe(data_dir)
    query(engines.owner, NEW_TABLE)
    for written in range(20):
        query(engines.owner, f"INSERT INTO kept VALUES ({written})")
    victims = [keeper_pid(data_dir), *pids(data_dir), users[0].process.pid]
    for victim in victims[turn % 4 :] + victims[: turn % 4][: turn % 3]:
        kill(victim)
        time.sleep(0.05 * (turn % 5))

    more = [User(data_dir).wait_until_up() for _ in range(2)]

    eventually(lambda: both_answer(engines), "the engines do not answer")
    assert query(engines.owner, "SELECT count(*) FROM kept") == [(20,)]
    for user in users + more:
        user.kill()
    eventually(lambda: stopped(data_dir), "the engines outlived their users")


@pytest.mark.prove
def test_acknowledged_commits_survive_every_kill(data_dir, start):
    start().wait_until_up()
    engines = describe(data_dir)
    query(engines.owner, NEW_TABLE)
    acknowledged = 0
    for number in range(5000):
        if number % 1000 == 500:
            kill(postgres.pid_of(place_of(data_dir)))
        try:
            query(engines.owner, f"INSERT INTO kept VALUES ({number})")
            acknowledged += 1
        except psycopg2.OperationalError:
            time.sleep(0.05)

    [(found,)] = query(engines.owner, "SELECT count(*) FROM kept")

    assert found >= acknowledged > 4000
