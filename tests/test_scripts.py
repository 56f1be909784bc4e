"""What the scripts make of what they are given."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"

COMPILED = """\
numpy==2.3.0 ; python_full_version < '3.12' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
nvidia-cublas==13.4.1.3 ; sys_platform == 'linux' \\
    --hash=sha256:cc
torch==2.13.0 \\
    --hash=sha256:dd
torchette==1.0 \\
    --hash=sha256:ee
"""


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))


def test_the_lock_leaves_out_torch_and_what_its_cuda_builds_ask_for() -> None:
    import lock

    kept = lock.without_torch(COMPILED)
    assert kept == (
        "numpy==2.3.0 ; python_full_version < '3.12' \\\n    --hash=sha256:aa \\\n"
        "    --hash=sha256:bb\ntorchette==1.0 \\\n    --hash=sha256:ee\n"
    )


def test_the_audit_asks_about_torch_too() -> None:
    import audit

    assert audit.pins(COMPILED)[:2] == ["numpy==2.3.0", "nvidia-cublas==13.4.1.3"]
    assert audit.pins("") == [audit.TORCH]


def test_an_audit_that_found_nothing_out_is_not_clean(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import audit

    def unreachable(command: list[str], **options: object) -> object:
        assert "--strict" in command
        return type("Ended", (), {"returncode": 1})

    monkeypatch.setattr(audit, "find_spec", lambda name: True)
    monkeypatch.setattr(audit.subprocess, "run", unreachable)
    assert audit.main() == 1
    assert "The audit is not clean" in capfd.readouterr().err
