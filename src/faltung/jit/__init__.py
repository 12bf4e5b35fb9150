"""Loops written in Python, compiled at run time: emitter, compiler, object cache, thread pool."""
