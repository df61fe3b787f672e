"""CIFAR-10: small photographs of ten classes."""
