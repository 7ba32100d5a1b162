class Tea(Drink):
    def __init__(self, leaf):
        super(Tea, self).__init__(leaf)
        self.leaf = leaf

    def __new__(cls, leaf):
        return super( Tea, cls ).__new__(cls)

    @classmethod
    def of(cls, name: str):
        if name:
            return super(Tea, cls).of(name)

    @property
    def price(self: "Tea") -> int:
        return super(Tea, self).price + 1

    async def brew(self):
        await super(Tea, self).brew(super(Tea, self).leaf)

    def inner_self(self):
        def stir(self):
            super(Tea, self).stir()

        return stir

    class Cup(Vessel):
        def fill(self):
            super(Cup, self).fill()
