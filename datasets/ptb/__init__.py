"""Penn Treebank: words of the Wall Street Journal."""
