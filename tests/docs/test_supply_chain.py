"""What moodreel is made of: licences that are known, weights that are known by their digest and hold no code."""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DETECTOR = "b4b22b83e5bb06515dd18abdb2983860623c7997ea82e83939e91af3df41f180"
"""SHA-256 of what scripts/make_detector_graph.py makes."""


def test_all_dependencies_have_a_licence_that_was_looked_at(monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import licences

    monkeypatch.setattr(sys, "argv", ["licences", "sample", "dev"])
    assert licences.main() == 0, capsys.readouterr().err
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert {"numpy", "tensorflow", "av", "werkzeug"} <= listed
    monkeypatch.setattr(licences, "KNOWN", {})
    assert licences.main() == 1


def test_weights_are_known_by_their_digest() -> None:
    from models.inference.onnx_embedder import PERSONS, PERSONS_SHA256
    from models.model_file import sha256_of

    folder = ROOT / "models" / "weights"
    cards = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    known = {card["weights"]: card["sha256"] for card in cards}
    known |= {card["onnx"]["file"]: card["onnx"]["sha256"] for card in cards if "onnx" in card}
    known[PERSONS.name] = PERSONS_SHA256
    found = {path.name: sha256_of(path) for path in folder.iterdir() if path.suffix not in (".json", ".md")}
    assert found == known
    assert sha256_of(ROOT / "pipeline" / "faces" / "libfacedetection.onnx") == DETECTOR


def test_nothing_that_may_hold_code_is_loaded() -> None:
    risky = re.compile(
        r"pickle\.load\(|joblib|torch\.load|allow_pickle=True|load_model\(|unsafe_load|yaml\.load\(|\beval\(|\bexec\("
    )
    # Workers and the driver of one run; a training that reads what it has just written; advice to users, in words.
    allowed = {
        "models/model_file.py",
        "models/training/export.py",
        "jobs/executors/process_pool.py",
        "jobs/executors/ray_unit.py",
        "jobs/executors/ray_cluster.py",
    }
    for package in ("pipeline", "jobs", "models"):
        for path in (ROOT / package).rglob("*.py"):
            lines = [line for line in path.read_text().splitlines() if risky.search(line)]
            assert not lines or path.relative_to(ROOT).as_posix() in allowed, (path, lines)


def test_no_shell_is_started() -> None:
    given_by_the_user = ROOT / "jobs" / "run" / "on_end.py"  # --on-end: as it stands; facts go in by the environment
    for package in ("pipeline", "jobs", "models"):
        for path in set((ROOT / package).rglob("*.py")) - {given_by_the_user}:
            assert not re.search(r"shell=True|os\.system|os\.popen|getoutput", path.read_text()), path
