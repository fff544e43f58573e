"""Tokens for the tests of keys."""

import pytest
from tests.tokens import Tokens, new_tokens


@pytest.fixture(scope="session")
def tokens(tmp_path_factory) -> Tokens:
    """As many as the tests take."""
    return new_tokens(tmp_path_factory.mktemp("hsm"), 16)
