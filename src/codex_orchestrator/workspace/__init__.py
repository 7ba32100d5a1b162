"""Room: work trees of runs, their states, and the tools that agents use in them."""
