"""What all tests share: Hypothesis without deadlines, because the first call of a kernel compiles."""

from hypothesis import settings

settings.register_profile("intflow", deadline=None, print_blob=True)
settings.load_profile("intflow")
