class Tea:
    """A drink."""

    class Leaf:  # nested
        pass


class Cup(object, Thing):
    pass


class Pot(object, metaclass=Shiny):
    pass


class Kettle(
    # why: history
    object
):
    pass


def brew():
    return object()
