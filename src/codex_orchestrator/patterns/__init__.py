"""Room: the learning library of codemods, lint rules and templates."""
