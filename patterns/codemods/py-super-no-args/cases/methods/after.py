class Tea(Drink):
    def __init__(self, leaf):
        super().__init__(leaf)
        self.leaf = leaf

    def __new__(cls, leaf):
        return super().__new__(cls)

    @classmethod
    def of(cls, name: str):
        if name:
            return super().of(name)

    @property
    def price(self: "Tea") -> int:
        return super().price + 1

    async def brew(self):
        await super().brew(super().leaf)

    def inner_self(self):
        def stir(self):
            super().stir()

        return stir

    class Cup(Vessel):
        def fill(self):
            super().fill()
