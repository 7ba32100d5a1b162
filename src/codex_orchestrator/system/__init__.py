"""The machine: files, processes and git; mechanism without policy, standard library only."""
