"""From a text to its words: how texts are cut, told apart, and numbered."""
