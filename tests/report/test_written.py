import hashlib

import pytest

from harness.report import write_report
from harness.report.written import NAME, sweep


@pytest.fixture
def folder(rows, environment, learning_curves, tmp_path):
    """The folder of a report with two pictures."""
    write_report(rows[:2], tmp_path, environment=environment, curves=learning_curves(rows[:2]))
    return tmp_path


def pictures(folder):
    return sorted(file.name for file in (folder / "curves").iterdir())


def test_pictures_of_claims_that_are_gone_are_removed(folder, rows, environment, learning_curves):
    assert len(pictures(folder)) == 2
    write_report(rows[:1], folder, environment=environment, curves=learning_curves(rows[:1]))
    assert pictures(folder) == ["huang-dme--pretraining-beats-scratch-as-published.png"]


def test_the_users_own_files_stay(folder, rows, environment):
    mine = folder / "curves" / "figure-for-my-talk.png"
    mine.write_bytes(b"mine")
    kept = next(file for file in (folder / "curves").iterdir() if file != mine)
    kept.write_bytes(b"drawn anew by hand")
    write_report(rows[2:3], folder, environment=environment, curves={})
    assert {mine.name, kept.name} == set(pictures(folder))


@pytest.mark.parametrize("note", ["{", "[]", '{"../outside.txt": "x", "/etc/hostname": "", "curves": ""}'])
def test_a_note_that_makes_no_sense_removes_nothing(folder, note):
    (folder / NAME).write_text(note)
    before = pictures(folder)
    sweep(folder, [])
    assert pictures(folder) == before


def test_nothing_outside_the_folder_is_removed(tmp_path):
    outside, folder = tmp_path / "outside.txt", tmp_path / "report"
    outside.write_text("mine")
    folder.mkdir()
    digest = hashlib.sha256(b"mine").hexdigest()
    (folder / NAME).write_text(f'{{"../outside.txt": "{digest}"}}')
    sweep(folder, [])
    assert outside.read_text() == "mine"
