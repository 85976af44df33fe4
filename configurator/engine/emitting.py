"""Makes the image of the kernels (`machine_code`) out of what numba compiled; only a child that has numba imports this.

Each kernel gets an entry of C's calling convention that takes numpy's arrays as Python's objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from configurator.engine.machine_code import ARRAY, NUMBERS, RESULTS, Argument, Image

if TYPE_CHECKING:
    from llvmlite import ir
    from numba.core.types import Type


def made(modules: Sequence[ModuleType], made_for: str) -> Image:
    """Put the kernels of these modules, compiled by numba already, into one image."""
    from llvmlite import binding as llvm
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    context = cpu_target.target_context
    library = context.codegen().create_library(__name__)
    module = library.create_ir_module(__name__)
    kernels: dict[str, tuple[tuple[Argument, ...], str]] = {}
    for one in modules:
        for name, dispatcher in vars(one).items():
            if getattr(dispatcher, "overloads", None) and dispatcher.__module__ == one.__name__:
                (compiled,) = dispatcher.overloads.values()
                kernels[f"{one.__name__}.{name}"] = _add_entry(context, module, f"{one.__name__}.{name}", compiled)
                library.add_linking_library(compiled.library)
    library.add_ir_module(module)
    with global_compiler_lock:
        library.finalize()
    whole = llvm.parse_assembly(library.get_llvm_str())
    machine = context.codegen()._tm
    _keep_only(whole, kernels, machine)
    return Image(made_for, kernels, machine.emit_object(whole))


def _keep_only(whole: Any, names: Mapping[str, object], machine: Any) -> None:
    """Throw away what the entries do not need: numba's own entries call the interpreter."""
    from llvmlite import binding as llvm

    for one in (*whole.functions, *whole.global_variables):
        if not one.is_declaration and one.name not in names:
            one.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(whole, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3)))


def _add_entry(context: Any, module: ir.Module, name: str, compiled: Any) -> tuple[tuple[Argument, ...], str]:
    """Add a function of C's calling convention that takes arrays as Python's objects and calls a kernel."""
    from llvmlite import ir

    signature = compiled.signature
    takes, gives = tuple(_argument(one) for one in signature.args), _result(signature.return_type)
    flat: list[ir.Type] = []
    for one in takes:
        flat += (
            [ir.IntType(64)] if one in NUMBERS else [ir.IntType(8).as_pointer()] * (one if isinstance(one, int) else 1)
        )
    returned = {"void": ir.VoidType(), "boolean": ir.IntType(8)}.get(gives, ir.IntType(64))
    entry = ir.Function(module, ir.FunctionType(returned, flat), name)
    builder = ir.IRBuilder(entry.append_basic_block())
    values = _values(context, builder, zip(takes, signature.args, strict=True), iter(entry.args))
    callee = context.declare_function(module, compiled.fndesc)
    status, result = context.call_conv.call_function(builder, callee, signature.return_type, signature.args, values)
    with builder.if_then(status.is_error, likely=False):  # no kernel raises; one that does is a mistake of ours
        builder.call(module.declare_intrinsic("llvm.trap", fnty=ir.FunctionType(ir.VoidType(), ())), [])
    if gives == "void":
        builder.ret_void()
    else:
        builder.ret(builder.zext(result, returned) if gives == "boolean" else result)
    return takes, gives


def _values(
    context: Any, builder: ir.IRBuilder, asked: Iterable[tuple[Argument, Any]], given: Iterator[ir.Value]
) -> list[ir.Value]:
    """Return what the kernel takes, made of what its entry is given."""
    values = []
    for one, kind in asked:
        if isinstance(one, int):
            arrays = [_array(context, builder, next(given), kind.dtype) for _ in range(one)]
            values.append(context.make_tuple(builder, kind, arrays))
        elif one in NUMBERS:
            values.append(next(given))
        else:
            values.append(_array(context, builder, next(given), kind))
    return values


def _argument(asked: Type) -> Argument:
    """Return how a type is named in an image."""
    from numba.core import types

    if isinstance(asked, types.UniTuple):
        return len(asked)
    if isinstance(asked, types.Array):
        return ARRAY
    if str(asked) not in NUMBERS:
        raise NotImplementedError(f"no kernel takes {asked}")
    return str(asked)


def _result(returned: Type) -> str:
    from numba.core import types

    if returned == types.none:
        return "void"
    found = "boolean" if isinstance(returned, types.Boolean) else str(returned)
    if found not in RESULTS:
        raise NotImplementedError(f"no kernel returns {found}")
    return found


def _array(context: Any, builder: ir.IRBuilder, given: ir.Value, asked: Any) -> ir.Value:
    """Read where an array of one dimension begins and how long it is out of numpy's object.

    The order of its fields is part of numpy's stable binary interface: data, dimensions' number, dimensions.
    """
    from llvmlite import ir
    from numba.np.arrayobj import populate_array

    pointer, long = ir.IntType(8).as_pointer(), ir.IntType(64)

    def field(offset: int, kind: ir.Type) -> ir.Value:
        return builder.load(builder.bitcast(builder.gep(given, [long(offset)]), kind.as_pointer()))

    begin = field(object.__basicsize__, pointer)
    length = builder.load(field(object.__basicsize__ + 16, long.as_pointer()))
    size = long(asked.dtype.bitwidth // 8)
    array = context.make_array(asked)(context, builder)
    data = builder.bitcast(begin, array.data.type)
    populate: Any = populate_array  # it comes without types
    populate(array, data=data, shape=[length], strides=[size], itemsize=size, meminfo=None, parent=None)
    return array._getvalue()
