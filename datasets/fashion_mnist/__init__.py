"""Fashion-MNIST: articles of clothing."""
