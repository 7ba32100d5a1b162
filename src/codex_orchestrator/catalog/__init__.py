"""Room: the catalog that finished manifests and pattern metadata are sent to."""
