"""The sample that is shipped."""
