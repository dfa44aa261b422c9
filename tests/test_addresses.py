"""Addresses of servers as people paste them, and what is said of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflottery.errors import UserError
from tflottery.exports import addresses
from tflottery.exports.addresses import Server, read

GRPC = [
    "localhost:8500", "10.0.0.7:9000", "[::1]:8500", "serving", "a-b.example.org:8500",
    "localhost/", "dns:///serving:8500", "unix:/run/serving.sock",
]  # fmt: skip
WAYS = ["{}", "{}/", "{}/v1", "{}/v1/models", "{}/v1/models/"]
OF_A_MODEL = [
    "{}/v1/models/m",
    "{}/v1/models/m/",
    "{}/v1/models/m:predict",
    "{}/v1/models/m/metadata",
]
ADDRESSES = [
    "http://localhost:8501",
    "https://a.example.org",
    "http://[::1]:80",
    "http://a:1/proxy/x",
]


@pytest.mark.parametrize("text", GRPC)
def test_a_host_is_asked_by_grpc(text):
    assert read(text, "m/2") == Server(text.rstrip("/"), False, Path("m/2"))


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("way", WAYS)
def test_an_address_of_http_is_asked_by_rest(address, way):
    assert read(f" {way.format(address)}\n", "m") == Server(address, True, Path("m"))
    with pytest.raises(UserError, match="Which model"):
        read(way.format(address), None)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("way", OF_A_MODEL)
def test_the_address_of_a_prediction_names_the_model(address, way):
    for given_model in (None, "", "m", "saved_models/m"):
        assert read(way.format(address), given_model) == Server(address, True, Path("m"))
    with pytest.raises(UserError, match="leave one out"):
        read(way.format(address), "other")


def test_a_version_in_the_address_is_that_version():
    text = "http://a:1/v1/models/m/versions/3:predict"
    for given_model in (None, "m", "m/3"):
        assert read(text, given_model) == Server("http://a:1", True, Path("m/3"))
    assert read("http://a:1/v1/models/m:predict", "m/3").model == Path("m/3")
    with pytest.raises(UserError, match="leave one out"):
        read(text, "m/2")


def test_the_path_of_a_prediction_needs_no_http():
    assert read("a:8501/v1/models/m:predict", None) == Server("http://a:8501", True, Path("m"))


@pytest.mark.parametrize(
    "text",
    [
        "ftp://a", "http://", "http:///v1", "http://a:port", "a:port", "a b", "http://a b", "a/b",
        "", "http://u:p@a", "http://a?x=1", "http://[::1", "[::1", "https//a", "a:123456",
        "http://a\nb",
    ],
)  # fmt: skip
def test_what_is_no_address_is_told_both_forms(text):
    with pytest.raises(UserError, match="host:8500 for gRPC, http://host:8501 for REST") as caught:
        read(text, "m")
    assert repr(text) in str(caught.value)


@given(st.text(st.characters() | st.sampled_from("/:[]@.v1models?#% \n\x1b"), max_size=20))
def test_any_text_is_an_address_or_a_mistake(text):
    for form in ("{}", "http://{}", "http://a:1/{}", "a:1/v1/models/{}"):
        try:
            found = read(form.format(text), "m")
        except UserError:
            continue
        assert found.is_rest == found.address.startswith("http") or not found.is_rest


@pytest.mark.parametrize(
    ("address", "is_rest", "said"),
    [
        ("localhost:8501", False, "try --server http://localhost:8501"),
        ("http://localhost:8500", True, "try --server localhost:8500"),
        ("localhost", False, "try --server localhost:8500"),
        ("localhost:8500", False, ""),
        ("http://localhost:8501/proxy", True, ""),
        ("[::1]:8501", False, "http://[::1]:8501"),
    ],
)
def test_the_port_of_the_other_way_is_told(address, is_rest, said):
    hint = addresses.hint(address, is_rest=is_rest)
    assert said in hint and bool(hint) == bool(said)
