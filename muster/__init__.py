"""The composition root: settings, the ASGI application, the command line, the worker, the wiring and the demo brand."""
