"""The embedded PostgreSQL: create the cluster, start it, stop it."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from chatsec.embedded import locks, sockets
from chatsec.embedded.accounts import Account
from chatsec.embedded.binaries import postgres_bin
from chatsec.embedded.errors import EngineError
from chatsec.embedded.places import Place, write_private
from chatsec.embedded.roles import sql_for_embedded

START_SECONDS = 120
# While the old server goes away (stopping, or its children noticing a kill -9).
HANDOVER_SECONDS = 20
_TRANSIENT = ("pre-existing shared memory block", "postmaster.pid", "lock file")

_CONFIGURATION = """\
# Written by chatsec at every start. Your own settings: ALTER SYSTEM.
listen_addresses = ''
port = 5432
unix_socket_directories = '{run}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 100
shared_buffers = '{buffers}MB'
idle_in_transaction_session_timeout = '60s'
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_file_mode = 0600
log_rotation_age = '1d'
log_truncate_on_rotation = on
# Statements and details carry people's data and passwords: they are not logged.
log_min_error_statement = 'panic'
log_error_verbosity = 'terse'
"""
# The test cluster is thrown away after a crash, so that it need not survive one.
_FOR_TESTS = """\
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
wal_level = 'minimal'
max_wal_senders = 0
min_wal_size = '32MB'
max_wal_size = '128MB'
# Tests connect hundreds of times, with passwords that nobody has to guess.
scram_iterations = 16
# Several groups of servers, each thread with its connection, share one with the tests.
max_connections = 300
"""


def is_ready(place: Place) -> bool:
    """Tell whether the server takes queries; recovery counts as not yet."""
    return _status(place) == "ready" and sockets.answers(place.postgres_socket)


def pid_of(place: Place) -> int | None:
    """Return the server's process id while it runs."""
    lines = _pid_file(place)
    if not lines or not locks.is_held(place.postgres_lock):
        return None
    with suppress(ValueError, OSError):
        pid = int(lines[0])
        os.kill(pid, 0)
        return pid
    return None


def start(place: Place, account: Account) -> None:
    """Bring the server up; the cluster exists and takes queries afterwards."""
    programs = postgres_bin(account)
    if not (place.pgdata / "PG_VERSION").exists():
        _create_cluster(place, account, programs)
    _configure(place)
    account.make_directory(place.run)
    if _status(place) == "ready" and not place.postgres_socket.exists():
        stop(place, account)  # something swept its socket away
    deadline = time.monotonic() + HANDOVER_SECONDS
    while reason := _try_start(place, account, programs):
        if not any(sign in reason for sign in _TRANSIENT) or _is_past(deadline):
            raise EngineError(f"PostgreSQL did not start: {reason}")
        time.sleep(0.3)


def stop(place: Place, account: Account) -> None:
    """Stop the server; what it was doing is rolled back and nothing is lost."""
    for mode in ("fast", "immediate"):
        if not pid_of(place):
            return
        command = [f"{postgres_bin(account)}/pg_ctl", "stop", "-D", str(place.pgdata)]
        account.run([*command, "-w", "-s", "-t", "30", "-m", mode])


def bring_roles(place: Place, account: Account) -> None:
    """Create and correct the roles and databases, unless this was done already."""
    sql = sql_for_embedded(place.passwords, for_tests=not place.durable)
    mark = hashlib.sha256(sql.encode()).hexdigest()
    if _read(place.roles_mark) == mark:
        return
    command = [f"{postgres_bin(account)}/psql", "-X", "-q", "-A", "-t", "-f", "-"]
    command += ["-h", str(place.run), "-U", "postgres", "-d", "postgres"]
    done = account.run(command, text=sql, password=place.passwords["postgres"])
    if done.returncode != 0:
        raise EngineError(
            f"The database roles could not be made: {done.stderr.strip()}"
        )
    write_private(place.roles_mark, mark)


def has_roles(place: Place) -> bool:
    """Tell whether the roles are as this version defines them."""
    sql = sql_for_embedded(place.passwords, for_tests=not place.durable)
    return _read(place.roles_mark) == hashlib.sha256(sql.encode()).hexdigest()


def _try_start(place: Place, account: Account, programs: Path) -> str:
    """Start the server; return why it did not, or nothing.

    pg_ctl hands its paths to a shell, so that it gets plain ones, relative to its home.
    """
    _forget_dead_server(place)
    log = place.pgdata / "start.log"
    log.unlink(missing_ok=True)
    command = [f"{programs}/pg_ctl", "start", "-D", place.pgdata.name, "-w", "-s"]
    command += ["-t", str(START_SECONDS), "-l", f"{place.pgdata.name}/{log.name}"]
    with locks.held_if_free(place.postgres_lock) as lock:
        if lock is None:
            return "postmaster.pid: an earlier server is still going away"
        done = account.run(command, keep=[lock], cwd=place.home)
    if done.returncode == 0:
        return ""
    # Once its collector runs, the server speaks there.
    logs = sorted(place.pgdata.glob("log/*"), key=lambda path: path.stat().st_mtime)
    return _reason("".join(_read(path) for path in [*logs[-1:], log])) or done.stderr


def _is_past(deadline: float) -> bool:
    return time.monotonic() > deadline


def _create_cluster(place: Place, account: Account, programs: Path) -> None:
    """Make the cluster beside its place and move it there: whole, or not at all."""
    draft = place.pgdata.with_name("pg.new")
    shutil.rmtree(draft, ignore_errors=True)
    place.roles_mark.unlink(missing_ok=True)
    account.make_directory(draft)
    account.make_directory(place.run)
    password = place.run / "initdb.password"
    write_private(password, place.passwords["postgres"])
    command = [f"{programs}/initdb", "-D", str(draft), "-U", "postgres", "-E", "UTF8"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--auth-local=scram-sha-256", "--auth-host=reject", "--data-checksums"]
    command += [f"--pwfile={password}", "--no-instructions", _sync_option(place)]
    done = account.run(command)
    password.unlink(missing_ok=True)
    if done.returncode != 0:
        raise EngineError(f"PostgreSQL's cluster was not made: {done.stderr.strip()}")
    with (draft / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("include = 'chatsec.conf'\n")
    draft.rename(place.pgdata)


def _sync_option(place: Place) -> str:
    if not place.durable:
        return "--no-sync"
    return f"--sync-method={'syncfs' if sys.platform == 'linux' else 'fsync'}"


def _configure(place: Place) -> None:
    text = _CONFIGURATION.format(run=place.run, buffers=_buffers())
    text += "" if place.durable else _FOR_TESTS
    if sys.platform == "linux":
        # One call for the file system; a call for each file took seconds after a crash.
        text += "recovery_init_sync_method = 'syncfs'\n"
    write_private(place.pgdata / "chatsec.conf", text)


def _buffers() -> int:
    """Return megabytes: an eighth of the machine's, for it is not the server's alone.

    It takes them as it needs them. With PostgreSQL's own 128 MB a scan of a day of a
    million events reads most pages anew each time.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return min(max(memory // 8, 128), 512)


def _forget_dead_server(place: Place) -> None:
    """Remove the pid files of a server that is gone for certain.

    In a container that was killed, and after a power cut, its process id is soon
    another program's, and PostgreSQL then refuses to start; so it does while a killed
    server waits for a parent to notice. Gone for certain means that no process holds
    the server's lock and that the one named is a zombie or no PostgreSQL.
    """
    if locks.is_held(place.postgres_lock):
        return
    socket_lock = place.run / f"{place.postgres_socket.name}.lock"
    for path in (place.pgdata / "postmaster.pid", socket_lock):
        pid = _read(path).partition("\n")[0].strip()
        status = _read(Path("/proc") / pid / "status") if pid.isdecimal() else ""
        if status and ("\nState:\tZ" in status or "Name:\tpostgres" not in status):
            path.unlink(missing_ok=True)


def _status(place: Place) -> str:
    lines = _pid_file(place)
    return lines[7].strip() if len(lines) > 7 else ""


def _pid_file(place: Place) -> list[str]:
    return _read(place.pgdata / "postmaster.pid").splitlines()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _reason(text: str) -> str:
    lines = [line for line in text.splitlines() if "FATAL" in line or "PANIC" in line]
    return lines[-1] if lines else text.strip()[-500:]
