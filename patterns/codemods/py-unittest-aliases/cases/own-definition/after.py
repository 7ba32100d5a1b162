class TestBase:
    def assertEquals(self, left, right):
        assert left == right

    def test_it(self):
        self.assertEquals(1, 1)
