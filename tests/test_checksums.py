"""A published version that is not what was published is named, whatever happened to it."""

from __future__ import annotations

import pytest

from tests.exported import make_ticket
from tflottery.errors import DamagedFileError, UserError
from tflottery.exports import bundle, checksums, client

LOADED = {
    "saved_model.pb": b"graph\n" * 9,
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00001": bytes(range(256)),
    "assets/vocabulary.txt": "[PAD]\n[UNK]\nfilm\nschön\n".encode(),
    "reading.json": b'{"wording": {}}\n',
    "threshold.json": b'{"threshold": 0.3}\n',
}
BESIDE = {
    "model.onnx": b"onnx", "device/labels.txt": b"negative\npositive\n",
    "assets.extra/tf_serving_warmup_requests": b"warm",
}  # fmt: skip
# What copying, unpacking, editing and version control make of files.
CHANGES = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "one byte less": lambda content: content[:-1],
    "ends of lines": lambda content: content.replace(b"\n", b"\r\n") + b"\r\n",
    "another byte": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "zeros": lambda content: bytes(len(content)),
    "more": lambda content: content + b"x\n",
    "lines in another order": lambda content: b"".join(content.splitlines(True)[::-1]) + b"\n",
    "gone": None,
}


@pytest.fixture
def version(tmp_path):
    folder = tmp_path / "m" / "1"
    for name, content in {**LOADED, **BESIDE}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    checksums.write(folder)
    (folder / "model_card.md").write_text("a card\n")
    return folder


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", LOADED)
def test_whatever_happened_to_a_file_that_is_loaded_is_named(version, name, change):
    checksums.check(version)
    if CHANGES[change] is None:
        (version / name).unlink()
    else:
        (version / name).write_bytes(CHANGES[change](LOADED[name]))
    with pytest.raises(DamagedFileError) as raised:
        client.load(version)
    assert name in str(raised.value) and len(str(raised.value).splitlines()) == 1
    assert "export the ticket anew" in str(raised.value)


def test_what_is_not_loaded_may_go_and_cards_may_be_edited(version):
    (version / "model_card.md").write_text("licence: mine\n")
    for name in BESIDE:
        (version / name).unlink()
    (version / "notes.txt").write_text("mine")
    checksums.check(version)


def test_a_version_of_before_there_were_checksums_is_taken_as_it_is(version):
    (version / checksums.FILE).unlink()
    (version / "saved_model.pb").write_bytes(b"another")
    checksums.check(version)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"no checksum\n", b"\n"])
def test_damaged_checksums_are_named(version, content):
    (version / checksums.FILE).write_bytes(content)
    with pytest.raises(DamagedFileError, match="SHA256SUMS is damaged"):
        checksums.check(version)


def test_no_file_outside_of_the_folder_is_looked_at(version):
    (version / checksums.FILE).write_text("0  variables/../../../secret\n0  /etc/passwd\n")
    checksums.check(version)


OWN = {
    "a licence": lambda folder: (folder / "LICENSE").write_text("mine"),
    "a repository": lambda folder: (folder / ".git").mkdir(),
    "an edited card": lambda folder: (folder / "README.md").write_text("license: mit"),
}


@pytest.mark.parametrize("own", OWN)
def test_what_somebody_added_to_a_bundle_is_not_lost(tmp_path, own):
    folder = tmp_path / "m-bundle"
    folder.mkdir()
    for name in ("README.md", "ticket.json", "model.safetensors"):
        (folder / name).write_text(name)
    checksums.write(folder)
    ticket = make_ticket(tmp_path / "ticket", "cnn")
    bundle.require_free(folder, ticket)
    OWN[own](folder)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(UserError, match="something of your own"):
        bundle.write(ticket, folder)
    assert sorted(path.name for path in folder.iterdir()) == before
