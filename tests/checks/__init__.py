"""What the builder does not check of a book that it built: one file a promise.

Each has `problems(built)`: of the folder of built HTML, the list of what is wrong, in words. `python -m checks BUILT`
asks them all. They share no code with `pnn`, so that an error there is no error here.
"""
