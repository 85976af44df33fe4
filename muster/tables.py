"""Every room's tables, gathered on the one MetaData by importing them."""

import importlib
import pkgutil

import configurator
import demand
import factory_orders
import kernel
from kernel.db import metadata

_ROOMS = (kernel, configurator, demand, factory_orders)


def _import_all() -> None:
    """Import each `tables` module, the kernel's, which hold theirs beside their functions, and the demo's two."""
    for room in _ROOMS:
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if room is kernel or found.name.endswith(".tables"):
                importlib.import_module(found.name)
    importlib.import_module("muster.demo.clock")
    importlib.import_module("muster.demo.unfinished")


_import_all()

__all__ = ["metadata"]
