import unittest


class TestShop(unittest.TestCase):
    def test_price(self):
        self.assertEqual(price("tea"), 3)  # comments stay
        self.assertNotEqual(
            price("tea"),
            4,
        )
        self.assertTrue(is_open())
        self.assertTrue(is_open())
        self.assertFalse(is_closed())
        self.assertAlmostEqual(tax(), 0.19)
        self.assertNotAlmostEqual(tax(), 0.07)
        self.assertRegex(name(), "^t")
        self.assertNotRegex(name(), "^x")
        check = self.assertEqual
        check(1, 1)
        with self.assertRaisesRegex(ValueError, "no"):
            price("gold")
        other.assertEquals(1, 1)
        self.other.assertEquals(1, 1)
        print("self.assertEquals")
