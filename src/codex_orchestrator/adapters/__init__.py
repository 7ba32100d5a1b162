"""Room: what each programming language needs to be tested and linted, a file a language."""
