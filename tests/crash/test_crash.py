"""Whatever dies and whenever: the next run resumes, and the results are those of a run that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from crash_runs import OPTIONS, command, results

HERE = Path(__file__).parent


def workers_of(runner: int) -> list[int]:
    children = Path(f"/proc/{runner}/task/{runner}/children").read_text().split()
    return [int(pid) for pid in children]


def kill_something(process: "subprocess.Popen[bytes]", rng: random.Random) -> None:
    """Kill the runner or one of its workers, as a coin decides."""
    workers = workers_of(process.pid)
    victim = rng.choice(workers) if workers and rng.random() < 0.5 else process.pid
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return


def run_with_kills(films: Path, out: Path, kills: int, rng: random.Random) -> None:
    """Start the run again and again; kill something in it until so many kills are done, then let it finish."""
    done = 0
    for _ in range(20 * kills):
        process = subprocess.Popen(command(films, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while done < kills and process.poll() is None:
            time.sleep(rng.uniform(0.3, 3))
            if process.poll() is None:
                kill_something(process, rng)
                done += 1
        if process.wait(timeout=300) == 0 and done >= kills:
            return
        if process.returncode == 0:  # it was done before enough kills: do it all over again
            subprocess.run(["rm", "-rf", str(out)], check=True)
    raise AssertionError("the run never ended well")


@pytest.mark.parametrize(
    ("kills", "seed"),
    [
        pytest.param(8, 0, id="8 kills"),
        pytest.param(25, 0, id="25 kills", marks=pytest.mark.slow),
        pytest.param(200, 1, id="200 kills", marks=pytest.mark.slow),
    ],
)
def test_random_kills(films: Path, undisturbed: dict[str, str], tmp_path: Path, kills: int, seed: int) -> None:
    run_with_kills(films, tmp_path / "out", kills, random.Random(seed))
    assert results(tmp_path / "out") == undisturbed


@pytest.mark.parametrize(
    "stride", [pytest.param(24, id="every 24th step"), pytest.param(1, id="every step", marks=pytest.mark.slow)]
)
def test_exit_at_commit_steps(films: Path, tmp_path: Path, stride: int) -> None:
    """A worker, or the runner, is gone at a step of a commit: before or after a sync, before or after a rename."""
    out, counter = tmp_path / "out", tmp_path / "counter"
    options = ["run", str(films / "first.mp4"), "--out", str(out), *OPTIONS, "--segment", "5"]

    def run(die_at: int) -> int:
        counter.write_text("0")
        script = [sys.executable, str(HERE / "crashing_moodreel.py"), *options]
        environment = os.environ | {"CRASH_COUNTER": str(counter), "CRASH_AT": str(die_at)}
        return subprocess.run(script, env=environment, capture_output=True, timeout=300, check=False).returncode

    assert run(0) == 0
    reference, steps = results(out), int(counter.read_text())
    assert steps > 40
    died = 0
    for die_at in range(1, steps + 1, stride):
        subprocess.run(["rm", "-rf", str(out)], check=True)
        if run(die_at) != 0:  # it was the runner; a worker's death is mended within the run
            died += 1
            assert run(0) == 0, f"after a death at step {die_at} of {steps}"
        assert results(out) == reference, f"after a death at step {die_at} of {steps}"
    assert died < steps / stride
