import unittest


class TestShop(unittest.TestCase):
    def test_price(self):
        self.assertEquals(price("tea"), 3)  # comments stay
        self.assertNotEquals(
            price("tea"),
            4,
        )
        self.assert_(is_open())
        self.failUnless(is_open())
        self.failIf(is_closed())
        self.assertAlmostEquals(tax(), 0.19)
        self.assertNotAlmostEquals(tax(), 0.07)
        self.assertRegexpMatches(name(), "^t")
        self.assertNotRegexpMatches(name(), "^x")
        check = self.assertEquals
        check(1, 1)
        with self.assertRaisesRegexp(ValueError, "no"):
            price("gold")
        other.assertEquals(1, 1)
        self.other.assertEquals(1, 1)
        print("self.assertEquals")
