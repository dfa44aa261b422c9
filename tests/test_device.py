"""How a device reads texts: the programs that come along agree with the ticket's words."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exported import VOCABULARY
from tflottery.data.words.duplicates import words_of
from tflottery.data.words.vocabulary import UNKNOWN, Vocabulary
from tflottery.data.words.wording import Wording
from tflottery.exports.formats import device

NODE = shutil.which("node")
KOTLIN = "kotlin-jupyter-kernel==0.19.0.944"
ORG_JSON = Path("/usr/share/java/com.android.json.jar")
WORDS = (*VOCABULARY.words, "ß", "naïve", "好", "的", "😀", ":)", "été")
WORDINGS = [
    Wording(),
    Wording("auto", True, "both"),
    Wording("characters", False, "tail"),
    Wording("words", True),
]


@pytest.fixture(params=WORDINGS, ids=str)
def folder(request, tmp_path):
    """Texts and their ids; that ``words_of`` gives the words of the graph has tests of its own."""
    wording, vocabulary = request.param, Vocabulary(WORDS)
    texts = device.vectors(vocabulary, 12)
    ids = [
        [
            vocabulary.id_of(word.decode()) or UNKNOWN
            for word in wording.cut(words_of(text.encode(), wording).split(), 12)
        ]
        or [UNKNOWN]
        for text in texts
    ]
    device.write_reading(tmp_path, vocabulary, wording, 12, texts, ids)
    for name in device.PROGRAMS:
        shutil.copy(device.REFERENCE / name, tmp_path)
    return tmp_path


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_texts_to_check_by_are_many_and_the_same_each_time():
    texts = device.vectors(VOCABULARY, 12)
    assert len(texts) == 200 and texts == device.vectors(VOCABULARY, 12)
    assert len(set(texts)) > 190
    assert device.vectors(Vocabulary(("[PAD]", "[UNK]")), 3)


def test_the_program_in_python(folder):
    done = ran(sys.executable, str(folder / "normalise.py"))
    assert (done.stdout, done.returncode) == ("200 of 200 texts have their ids\n", 0), done.stderr
    require_a_mistake_is_found(folder, sys.executable, "normalise.py")


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
def test_the_program_in_javascript(folder):
    done = ran(NODE, str(folder / "normalise.mjs"))
    assert (done.stdout, done.returncode) == ("200 of 200 texts have their ids\n", 0), done.stderr
    require_a_mistake_is_found(folder, NODE, "normalise.mjs")


@pytest.fixture(scope="module")
def kotlin(tmp_path_factory) -> list[str]:
    """A command that runs the program in Kotlin, compiled, on the folder that follows.

    The compiler is that of kotlin-jupyter-kernel from PyPI, as Debian's is of 2019; Android's
    org.json is Debian's libandroid-json-java.
    """
    if shutil.which("java") is None or not ORG_JSON.exists():
        pytest.skip("needs apt-get install default-jre-headless libandroid-json-java")
    place = tmp_path_factory.mktemp("kotlin")
    pip = ran(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(place), KOTLIN)
    if pip.returncode:
        pytest.skip(f"pip cannot fetch {KOTLIN}: {pip.stderr.strip()[-200:]}")
    (wheel,) = place.glob("*.whl")
    shutil.unpack_archive(wheel, place, "zip")
    jars = sorted(place.glob("run_kotlin_kernel/jars/*.jar"))
    (library,) = [jar for jar in jars if jar.name.startswith("kotlin-stdlib-")]
    (place / "Main.kt").write_text(
        "fun main(args: Array<String>) = "
        'println("${Normaliser.read(java.io.File(args[0])).wrong().size} wrong")\n'
    )
    needed = f"{library}:{ORG_JSON}"
    compiled = ran(
        "java", "-cp", ":".join(map(str, jars)), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
        "-no-stdlib", "-no-reflect", "-Werror", "-cp", needed, "-d", str(place / "made"),
        str(device.REFERENCE / "Normalise.kt"), str(place / "Main.kt"),
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr
    return ["java", "-cp", f"{place / 'made'}:{needed}", "MainKt"]


@pytest.mark.long
def test_the_program_in_kotlin(kotlin, folder):
    done = ran(*kotlin, str(folder))
    assert (done.stdout, done.returncode) == ("0 wrong\n", 0), done.stderr
    add_a_mistake(folder)
    assert ran(*kotlin, str(folder)).stdout == "1 wrong\n"


def add_a_mistake(folder) -> None:
    file = folder / "normalisation.json"
    about = json.loads(file.read_text())
    about["vectors"][5]["ids"].append(7)
    file.write_text(json.dumps(about))


def require_a_mistake_is_found(folder, interpreter: str, program: str) -> None:
    add_a_mistake(folder)
    done = ran(interpreter, str(folder / program))
    assert done.stdout.endswith("199 of 200 texts have their ids\n") and done.returncode == 1
