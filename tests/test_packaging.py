"""The wheel works from elsewhere: everything that the program needs is in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", folder, ROOT], check=True, capture_output=True)
    (wheel,) = folder.glob("reglament-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, folder: Path, *command: str) -> str:
    """What Python prints, with the wheel's packages before those of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("REGLAMENT_CONFIG", None)
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demonstration_runs_from_the_wheel(installed, tmp_path):
    imported = run(installed, tmp_path, "-c", "import reglament, scoring; print(reglament.__file__, scoring.__file__)")
    assert all(path.startswith(str(installed)) for path in imported.split())
    printed = run(installed, tmp_path, "-m", "reglament", "demo", "--days", "5", "--language", "en")
    assert "The ledger" in printed
    assert list(tmp_path.rglob("*.xlsx"))
    assert list(tmp_path.rglob("*.png"))


def test_the_wheel_holds_neither_tests_nor_secrets(installed):
    names = {path.relative_to(installed).parts[0] for path in installed.rglob("*") if path.is_file()}
    assert names - {"scoring", "crm_clients", "storage", "reports", "bot", "reglament", "migrations"} == {
        next(name for name in names if name.endswith(".dist-info"))
    }


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))


def test_what_builds_the_wheel_is_locked_by_hash_as_in_the_tests():
    build, text = locked("requirements-build.lock"), (ROOT / "requirements-build.lock").read_text(encoding="utf-8")
    assert "hatchling" in build
    assert build.items() <= locked("requirements-dev.lock").items()
    assert text.count("--hash=sha256:") >= 2 * len(build)


def test_the_image_holds_every_package_and_is_built_from_what_is_locked():
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert f"\nCOPY {package} {package}\n" in image
        assert f"\n!{package}\n" in (ROOT / ".dockerignore").read_text(encoding="utf-8")
    installs = [line for line in image.splitlines() if "pip install" in line or "pip wheel" in line]
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    assert "--no-build-isolation" in image
    assert (
        re.findall(r"^FROM (\S+)", image, re.MULTILINE)
        == ["python:3.13.9-slim-trixie${BASE_DIGEST:+@$BASE_DIGEST}"] * 2
    )


def test_compose_keeps_secrets_in_files_and_limits_every_service():
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    services = compose.partition("\nservices:\n")[2].partition("\nsecrets:\n")[0]
    assert not re.search(r"(PASSWORD|TOKEN|KEY|URL): ", services)
    for part in ("mem_limit:", "pids_limit:", "logging:", "secrets:"):
        assert services.count(part) == 2
    named = set(re.findall(r"/run/secrets/(\w+)", services))
    assert named == set(re.findall(r"file: ./secrets/(\w+)", compose))
