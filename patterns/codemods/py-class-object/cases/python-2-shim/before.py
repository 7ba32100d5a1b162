from builtins import object


class Tea(object):
    pass
