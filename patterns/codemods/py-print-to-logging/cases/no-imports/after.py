# Copyright of somebody.


import logging

logger = logging.getLogger(__name__)

def brew():
    logger.info("brewing")
