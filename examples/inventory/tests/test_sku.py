import unittest

from inventory.sku import parse_sku


class SkuTest(unittest.TestCase):
    def test_case_and_spaces_do_not_matter(self) -> None:
        self.assertEqual(parse_sku(" box-0042 "), "BOX-0042")

    def test_other_text_is_refused_by_name(self) -> None:
        for text in ("", "BOX", "BOX-42", "BOX-00421", "BÖX-0042"):
            with self.subTest(text), self.assertRaisesRegex(ValueError, "stock-keeping unit"):
                parse_sku(text)
