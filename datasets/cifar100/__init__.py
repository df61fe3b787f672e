"""CIFAR-100: small photographs of a hundred classes."""
