"""The tests of inventory."""
