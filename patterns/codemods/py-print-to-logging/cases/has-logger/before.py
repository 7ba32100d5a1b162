import logging

logger = logging.getLogger(__name__)


def brew():
    print("brewing")
