"""What holds for every test."""

import signal

from hypothesis import HealthCheck, settings

# Property tests judge rules, not the machine: a busy one must not fail them.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# A shell starts what goes on in the background deaf to Ctrl-C, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
