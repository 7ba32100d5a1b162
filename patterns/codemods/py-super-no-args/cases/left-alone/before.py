class Tea(Drink):
    def other_class(self):
        super(Drink, self).stir()

    def other_object(self, cup):
        super(Tea, cup).stir()

    def comprehension(self):
        return [super(Tea, self).stir() for _ in range(3)]

    def inner(self):
        def stir():
            super(Tea, self).stir()

        run = lambda: super(Tea, self).stir()
        return stir, run

    def commented(self):
        super(  # why
            Tea, self
        ).stir()

    def rebound(self):
        self = self.copy()
        super(Tea, self).stir()

    def unbound(self):
        return super(Tea)


@add_metaclass(Meta)
class Cup(Vessel):
    def fill(self):
        super(Cup, self).fill()


def free(self):
    super(Tea, self).stir()
