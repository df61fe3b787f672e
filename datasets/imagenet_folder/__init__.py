"""ImageNet and any folder of pictures like it."""
