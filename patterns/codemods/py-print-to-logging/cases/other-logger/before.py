from loguru import logger


def brew():
    print("brewing")
    logger.info("brewed")
