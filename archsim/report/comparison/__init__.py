"""Reports of comparisons: tables, words, figures and a page, each in a module of its own."""
