# Copyright of somebody.


def brew():
    print("brewing")
