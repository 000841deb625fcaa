"""FFmpeg's program is found, and can neither hang nor die unheard."""

import os
import sys
from pathlib import Path

import pytest

from pipeline.errors import FfmpegError
from pipeline.media.ffmpeg import VARIABLE, ffmpeg_exe, run


def test_program_is_chosen_by_variable_bundle_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, sys.executable)
    assert ffmpeg_exe() == sys.executable
    monkeypatch.setenv(VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(FfmpegError, match="correct the variable"):
        ffmpeg_exe()
    monkeypatch.delenv(VARIABLE)
    assert Path(ffmpeg_exe()).exists()


def test_program_absent_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def none_bundled() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none_bundled)
    with pytest.raises(FfmpegError, match="pip install imageio-ffmpeg"):
        ffmpeg_exe()


def test_failure_carries_the_last_words(tmp_path: Path) -> None:
    code = "import sys\nfor k in range(100000): print('line', k, file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(FfmpegError) as caught:
        run([sys.executable, "-c", code], tmp_path / "out.mp4")
    lines = str(caught.value).splitlines()
    assert "failed (3)" in lines[0]
    assert lines[-1] == "line 99999"
    assert len(lines) == 21
    with pytest.raises(FfmpegError, match="cannot be run"):
        run([str(tmp_path / "absent")], tmp_path / "out.mp4")


def test_stalled_program_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(FfmpegError, match="was stopped"):
        run([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "out.mp4", stall_s=0.5)


def test_program_that_writes_is_not_stopped(tmp_path: Path) -> None:
    code = "import sys, time\nfor k in range(15):\n open(sys.argv[1], 'ab').write(b'x'); time.sleep(.2)"
    run([sys.executable, "-c", code, str(tmp_path / "out.mp4")], tmp_path / "out.mp4", stall_s=2.5)


def test_interrupt_kills_the_program(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\nfrom pathlib import Path\nout = Path(sys.argv[1])\n"
        "out.with_suffix('.pid').write_text(str(os.getpid()))\nout.touch()\ntime.sleep(600)"
    )

    def interrupt() -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        run([sys.executable, "-c", code, str(out)], out, on_progress=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int(out.with_suffix(".pid").read_text()), 0)
