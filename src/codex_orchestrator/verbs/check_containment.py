"""Judge whether the layers of this machine contain checks as the configuration wants."""

from codex_orchestrator.model.confinement import Network
from codex_orchestrator.model.confinement_policy import missing_layers
from codex_orchestrator.system.sandbox import orders
from codex_orchestrator.system.sandbox.probe import Probe


def missing_containment(layers: Probe, network: Network) -> str:
    """Return what a check is not kept from here, and for want of which layers; "" for nothing."""
    missing = missing_layers(network, layers.network(network), contains_files=layers.contains_files)
    wanted = (orders.NET,) if layers.contains_files else (orders.MOUNT, orders.LANDLOCK)
    return f"{missing} ({layers.why_not(*wanted)})" if missing else ""
