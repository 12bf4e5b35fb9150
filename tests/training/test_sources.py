"""Data named by words that a training keeps."""

import pytest

from faltung.errors import FileError
from faltung.training.sources import Source


def test_a_source_is_the_same_after_it_was_written():
    source = Source(word="cells", size=(32, 48), values="ground=0,cell=255", unlabelled="7", others="ignore", limit=9)
    assert Source.from_text(source.to_text()) == source


def test_what_was_kept_before_an_option_was_there_is_still_read():
    text = '{"word": "cells", "size": [], "colours": "grey", "skip_corrupt": true, "limit": 0}'
    assert Source.from_text(text) == Source(word="cells", colours="grey", skip_corrupt=True)


@pytest.mark.parametrize("text", ["", "cells", "[1]", "{}", '{"word": "cells", "size": [], "more": 1}'])
def test_other_words_are_refused(text):
    with pytest.raises(FileError, match="does not say in words where its data are"):
        Source.from_text(text)
