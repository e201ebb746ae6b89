"""The folder of released weights: what is found in it, what is fetched into it, and what is refused."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.networks import WeightsError, fetching, released
from harness.networks.library import Library
from harness.networks.released import Released
from harness.specs import Budget, Data, FromJob, Recipe, Segmenter, Weights

CONTENT = b"weights " * 40_000
SHA = hashlib.sha256(CONTENT).hexdigest()
FILE = f"network_cityscapes-{SHA[:8]}.pth"
OWN = FromJob(Recipe(Data("camvid"), Segmenter("unet-s5-d16", "fcn"), Budget(1)))


@dataclass
class Server:
    """A publisher on this machine.

    Attributes:
        url: Of the file.
        content: What it is.
        stops: After how many bytes of an answer the connection breaks.
        resumes: Whether it goes on from where it is asked to.
        status: Another answer than 200.
        asked: The range that each request asked for.
    """

    url: str = ""
    content: bytes = CONTENT
    stops: int | None = None
    resumes: bool = True
    status: int = 200
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            made.asked.append(wanted)
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and made.resumes else 0
            if made.status != 200 or (start and start >= len(made.content)):
                self.send_error(made.status if made.status != 200 else 416)
                return
            rest = made.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: made.stops])

        def log_message(self, *args: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{httpd.server_port}/{FILE}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch, server: Server) -> Server:
    """Publishes one file under the name ``network``."""
    entry = Released("network", FILE, server.url, SHA[:8])
    monkeypatch.setattr(released, "find", {"network": entry}.get)
    return server


def test_a_file_in_the_folder_is_found_without_a_network(publish: Server, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(CONTENT)
    found = Library(tmp_path, fetch=True).find(Weights("network", part="backbone", otherwise=OWN))
    assert found == Weights("network", SHA, "backbone", path=str(tmp_path / FILE))
    assert publish.asked == []


@pytest.mark.parametrize("content", [CONTENT[:-1], b"", CONTENT[::-1]], ids=["truncated", "empty", "changed"])
def test_a_damaged_file_is_refused_and_stays(publish: Server, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / FILE
    file.write_bytes(content)
    with pytest.raises(WeightsError) as error:
        Library(tmp_path, fetch=True).find(Weights("network", otherwise=OWN))
    text = str(error.value)
    assert f"Expected {file}, {len(content)} bytes, to have a SHA-256 that begins with {SHA[:8]}, but got " in text
    assert f"delete it and download it again from {publish.url}" in text
    assert file.read_bytes() == content
    assert publish.asked == []


def test_a_whole_hash_that_a_claim_names_is_checked_whole(publish: Server, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(CONTENT)
    assert Library(tmp_path).find(Weights("network", SHA)) == Weights("network", SHA, path=str(tmp_path / FILE))
    with pytest.raises(WeightsError, match=f"begins with {SHA[:8]}0000"):
        Library(tmp_path).find(Weights("network", SHA[:8] + "0" * 56))


def test_an_absent_file_is_a_sentence_that_says_which_file_to_put_where(publish: Server, tmp_path: Path) -> None:
    sentence = Library(tmp_path).find(Weights("network"))
    assert isinstance(sentence, str)
    for part in (
        f"the weights network as {FILE} in {tmp_path}",
        publish.url,
        "--claims-weights-root",
        "--claims-fetch",
    ):
        assert part in sentence
    assert publish.asked == [], "no network without --claims-fetch=on"
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_publishes_is_not_fetched(tmp_path: Path) -> None:
    sentence = Library(tmp_path, fetch=True).find(Weights("squeezenet1_0.deepcompression"))
    assert isinstance(sentence, str)
    assert "squeezenet1_0_deepcompression_torchvision.pth" in sentence
    assert "--claims-fetch" not in sentence


def test_a_file_of_the_user_is_named_by_its_path_and_hash(tmp_path: Path) -> None:
    file, library = tmp_path / "mine.pth", Library(tmp_path / "absent")
    weights = Weights(str(file), SHA, otherwise=OWN)
    assert f"Expected weights at {file}, but there is no such file" in str(library.find(weights))
    file.write_bytes(CONTENT)
    assert library.find(weights) == replace(weights, otherwise=None)
    with pytest.raises(WeightsError, match=f"to have the SHA-256 {'0' * 64}, but got {SHA}"):
        library.find(Weights(str(file), "0" * 64))
    with pytest.raises(ValueError, match=f"but got '{file}'; write .* or the path and the `sha256` of a file"):
        library.find(Weights(str(file)))


def test_weights_that_nobody_published_are_what_the_user_puts_there(tmp_path: Path) -> None:
    name = "yours/dr-resnet18"
    absent = Library(tmp_path, fetch=True).find(Weights(name))
    assert isinstance(absent, str)
    assert f"{name} as dr-resnet18.pth in {tmp_path}" in absent
    (tmp_path / "dr-resnet18.pth").write_bytes(CONTENT)
    found = Library(tmp_path).find(Weights(name))
    assert isinstance(found, Weights)
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert found.path == str(tmp_path / "dr-resnet18.pth")


@pytest.mark.parametrize("name", ["yours/", "yours/../other", "yours/a/b"])
def test_a_name_of_the_users_weights_is_no_path(name: str) -> None:
    assert released.find(name) is None


def test_a_file_that_changes_on_the_way_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "mine.pth"
    file.write_bytes(CONTENT)
    assert isinstance(Library(tmp_path).find(Weights(str(file), SHA)), Weights)
    file.write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match="download them again"):
        Library(tmp_path).find(Weights(str(file), SHA))


def test_a_file_is_fetched_once_into_a_folder_that_is_made(publish: Server, tmp_path: Path) -> None:
    root = tmp_path / "new" / "weights"
    for _ in range(2):
        found = Library(root, fetch=True).find(Weights("network"))
        assert found == Weights("network", SHA, path=str(root / FILE))
    assert (root / FILE).read_bytes() == CONTENT
    assert publish.asked == [None]
    assert [file.name for file in root.iterdir() if file.suffix == fetching.PART] == []


def test_processes_that_want_one_file_fetch_it_once(publish: Server, tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=Library(tmp_path, fetch=True).find, args=(Weights("network"),)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert publish.asked == [None]


def test_a_download_that_breaks_off_goes_on_from_there(publish: Server, tmp_path: Path) -> None:
    publish.stops = 100_000
    with pytest.raises(WeightsError, match=r"Expected to fetch .*, but .* \(65536 bytes have arrived\); try again"):
        Library(tmp_path, fetch=True).find(Weights("network"))
    assert not (tmp_path / FILE).exists(), "half a file is not a file of weights"
    publish.stops = None
    assert isinstance(Library(tmp_path, fetch=True).find(Weights("network")), Weights)
    assert publish.asked == [None, "bytes=65536-"]
    assert (tmp_path / FILE).read_bytes() == CONTENT


def test_a_download_that_broke_before_it_was_moved_is_taken(publish: Server, tmp_path: Path) -> None:
    (tmp_path / f"{FILE}{fetching.PART}").write_bytes(CONTENT)
    assert isinstance(Library(tmp_path, fetch=True).find(Weights("network")), Weights)
    assert publish.asked == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("resumes", [True, False])
def test_what_does_not_continue_what_is_there_is_fetched_anew(publish: Server, tmp_path: Path, resumes: bool) -> None:
    publish.resumes = resumes
    (tmp_path / f"{FILE}{fetching.PART}").write_bytes(b"another file" if resumes else CONTENT[:1000])
    assert isinstance(Library(tmp_path, fetch=True).find(Weights("network")), Weights)
    assert (tmp_path / FILE).read_bytes() == CONTENT
    assert publish.asked[-1] is None


def test_another_file_than_the_published_one_is_refused(publish: Server, tmp_path: Path) -> None:
    publish.content = b"<html>log in first</html>"
    with pytest.raises(WeightsError, match=rf"to have a SHA-256 that begins with {SHA[:8]}, but got .* \(25 bytes\)"):
        Library(tmp_path, fetch=True).find(Weights("network"))
    assert not [file for file in tmp_path.iterdir() if file.suffix != ".lock"]


def test_an_answer_without_a_file_is_one_sentence(publish: Server, tmp_path: Path) -> None:
    publish.status = 404
    library = Library(tmp_path, fetch=True)
    for _ in range(2):
        with pytest.raises(WeightsError, match="but the server answered 404 Not Found"):
            library.find(Weights("network"))
    assert len(publish.asked) == 1, "claims that share weights ask once"


def test_no_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = Released("network", FILE, f"http://127.0.0.1:9/{FILE}", SHA[:8])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(released, "find", {"network": entry}.get)
    with pytest.raises(WeightsError, match=rf"but there is no connection \(0 bytes .* put {FILE} into {tmp_path}"):
        Library(tmp_path, fetch=True).find(Weights("network"))


def test_a_folder_that_cannot_be_made_is_one_sentence(publish: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match=r"Expected to write .* choose another folder with --claims-weights-root"):
        Library(tmp_path / "file" / "weights", fetch=True).find(Weights("network"))
    assert publish.asked == []


def test_a_published_name_without_digits_needs_the_whole_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any file would begin with no digits."""
    entry = Released("bare", "bare.pth", "", "")
    monkeypatch.setitem(released.OWN, "bare", entry)
    released.find.cache_clear()
    (tmp_path / "bare.pth").write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="published name of bare to end in digits of its SHA-256, but got bare"):
        Library(tmp_path).find(Weights("bare"))
    assert Library(tmp_path).find(Weights("bare", SHA)).sha256 == SHA  # type: ignore[union-attr]
    released.find.cache_clear()
