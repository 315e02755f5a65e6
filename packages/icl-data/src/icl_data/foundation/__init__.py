"""What all four packages stand on: whole files, paths, extras, command lines, text that is safe to print.

These modules are shared by the project's own packages. They need NumPy at most and know nothing of the rest.
"""
