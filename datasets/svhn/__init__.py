"""SVHN: digits of house numbers."""
