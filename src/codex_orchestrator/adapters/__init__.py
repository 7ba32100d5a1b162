"""Language adapters: how a kind of project is tested, linted and built. One file a language."""
