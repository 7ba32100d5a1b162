"""Surface: the steps of action.yml, their inputs and outputs."""
