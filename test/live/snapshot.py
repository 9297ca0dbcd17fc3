"""tcpwhy snapshot on a service that is ill (sick_service.py), for real; run it in a network namespace of its own, with
mounts of its own. The bundle must lead to the causes that a live diagnosis finds, hold no secret, appear whole or not at
all, and nothing may be left behind.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

from sick_service import SECRET

HERE = pathlib.Path(__file__).parent
TCPWHY = ["node", str(HERE.parent.parent / "bin" / "tcpwhy.js")]
CAUSES = {"accept-queue-overflow", "close-wait-leak"}


def tcpwhy(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*TCPWHY, *words], capture_output=True, timeout=120)


def causes(*words: str) -> set[str]:
    told = tcpwhy("diagnose", "--json", *words)
    assert told.returncode in (0, 1, 3), told.stderr.decode()
    return {finding["cause"] for finding in json.loads(told.stdout)["findings"]}


def same_causes(work: pathlib.Path, pid: str) -> None:
    scene = work / "scene.tar.gz"
    begin = time.monotonic()
    taken = tcpwhy("snapshot", "--for", "1s", "--pid", pid, "-o", str(scene))
    print(f"{taken.stdout.decode().splitlines()[0]} in {time.monotonic() - begin:.1f} s")
    assert taken.returncode == 0, taken.stderr.decode()
    kept = causes(str(scene))
    live = causes("--for", "1s")
    assert CAUSES <= kept, f"the bundle tells only {kept}"
    assert CAUSES <= live, f"live tells only {live}"
    assert causes(str(scene), str(scene)) >= CAUSES, "two hosts tell less than one"


def no_secret(work: pathlib.Path) -> None:
    with tarfile.open(work / "scene.tar.gz") as archive:
        names = archive.getnames()
        for member in archive.getmembers():
            assert member.isfile(), member.name
            opened = archive.extractfile(member)
            assert opened is not None
            assert SECRET.encode() not in opened.read(), f"{member.name} holds the secret"
    for part in ("/manifest.json", "/kernel-log.txt", "/reads.json", "/stack", "/limits"):
        assert any(name.endswith(part) for name in names) or part == "/kernel-log.txt", f"no {part}"
    assert not any(name.endswith(("/environ", "/maps", "/mem")) for name in names)


def interrupted(work: pathlib.Path) -> None:
    """Ctrl-C while it watches: what there is, marked as partial."""
    path = work / "partial.tar.gz"
    running = subprocess.Popen([*TCPWHY, "snapshot", "--for", "5m", "-o", str(path)])
    time.sleep(2.5)
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=30) == 0
    with tarfile.open(path) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith("/manifest.json"))
        opened = archive.extractfile(member)
        assert opened is not None
        assert "interrupted" in json.load(opened)["partial"]
    assert CAUSES <= causes(str(path)), "a partial bundle tells less"


def killed(work: pathlib.Path) -> None:
    """kill -9 while it watches: no file, and nothing of it is left after the next run."""
    path = work / "killed.tar.gz"
    running = subprocess.Popen([*TCPWHY, "snapshot", "--for", "5m", "-o", str(path)])
    time.sleep(2)
    running.kill()
    running.wait()
    assert tcpwhy("snapshot", "--for", "0s", "-o", "-").returncode == 0
    assert not path.exists()
    assert not list(work.glob("*.part"))


def killed_writing(work: pathlib.Path) -> None:
    """kill -9 while it writes: what lies there then, the next run removes, and not what is another's."""
    folder = work / "writing"
    folder.mkdir()
    other = folder / "somebody.tar.gz.4711.part"
    other.write_text("not ours")
    for _ in range(20):
        path = folder / "scene.tar.gz"
        path.unlink(missing_ok=True)
        running = subprocess.Popen([*TCPWHY, "snapshot", "--for", "0s", "--quiet", "-o", str(path)])
        while running.poll() is None and not any(p != other for p in folder.glob("*.part")):
            pass
        running.kill()
        running.wait()
        left = [p for p in folder.glob("*.part") if p != other]
        if left:
            break
    else:
        raise SystemExit("was never killed while it wrote")
    assert not path.exists(), "half a bundle stands in its place"
    assert tcpwhy("snapshot", "--for", "0s", "-o", str(folder / "next.tar.gz")).returncode == 0
    assert sorted(os.listdir(folder)) == ["next.tar.gz", other.name]


def disk_full(work: pathlib.Path) -> None:
    small = work / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)])
    if mounted.returncode != 0:
        raise SystemExit("cannot mount a tmpfs: run this as root, or with --map-root-user and --mount")
    try:
        refused = tcpwhy("snapshot", "--for", "0s", "-o", str(small / "scene.tar.gz"))
        assert refused.returncode == 2, refused.stdout.decode()
        assert b"[OUTPUT_UNWRITABLE]" in refused.stderr and b"full" in refused.stderr
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    service = subprocess.Popen(
        [sys.executable, str(HERE / "sick_service.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert service.stdout is not None and service.stdin is not None
    try:
        word, pid = service.stdout.readline().split()
        assert word == "ready"
        with tempfile.TemporaryDirectory(prefix="tcpwhy-live-snapshot-") as folder:
            work = pathlib.Path(folder)
            same_causes(work, pid)
            no_secret(work)
            interrupted(work)
            killed(work)
            killed_writing(work)
            disk_full(work)
    finally:
        service.stdin.close()
        service.wait(timeout=30)
    print("snapshot: the same causes, no secret, whole or not at all, nothing left behind")


if __name__ == "__main__":
    main()
