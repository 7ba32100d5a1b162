"""The machine: files, processes and git, without opinion, on the standard library only."""
