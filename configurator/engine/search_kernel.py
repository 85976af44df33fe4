"""The search of our own compiler as machine code: it decides, propagates, splits into components and remembers them.

It is a depth-first search without recursion whose whole state lies in arrays, so that it can stop, be asked whether the
budget still holds, be given longer arrays, and go on. Literals are codes: 2v for variable v (from 0), 2v + 1 for its
negation. Components are known by two sums of random numbers of 64 bits, as chess programs know positions (Zobrist,
1970): by the variables, and by what is left of each long clause that has lost a literal. All other clauses follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from configurator.engine.jit import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

Lists: TypeAlias = "tuple[NDArray[np.int32], ...]"
Sums: TypeAlias = "tuple[NDArray[np.uint64], ...]"

# The lists of whole numbers that a search works on.
REGISTER: Final = 0
CLAUSE_FIRST: Final = 1  # clause -> CLAUSE
CLAUSE: Final = 2
USE_FIRST: Final = 3  # literal -> USE: the clauses that hold it
USE: Final = 4
VALUE: Final = 5  # literal -> 1 true, -1 false, 0 open
TRUE_COUNT: Final = 6  # clause -> its literals that are true
OPEN_COUNT: Final = 7  # clause -> its literals that are not false
TRAIL: Final = 8
RANK: Final = 9  # variable -> the smaller, the earlier it is decided
BOUND: Final = 10  # variable -> 1 where it stands for several, which are written even if it is free
SEEN: Final = 11  # variable -> the stamp of the last split that met it
SEEN_CLAUSE: Final = 12
MEMBER: Final = 13  # the variables of the components on the stack
COMPONENT_END: Final = 14  # component -> where its members end; they begin where those of the one before end
FRAMES: Final = 15
CHILD: Final = 16  # the nodes below the branches that are under way
KIND: Final = 17  # node -> 0 for OR, 1 for AND
SOURCE: Final = 18  # edge -> node, -1 where its branch has died
TARGET: Final = 19
LITERAL_FIRST: Final = 20  # edge -> LITERAL
LITERAL: Final = 21
KNOWN_NODE: Final = 22  # place in the table -> node, -1 where the place is empty
LISTS: Final = 23

# The lists of sums.
RANDOM: Final = 0  # two for each variable, then two for each literal
COMPONENT_KEY: Final = 1  # two for each component on the stack
KNOWN_KEY: Final = 2  # two for each place in the table
REST: Final = 3  # two for each clause that a component has left something of
SUMS: Final = 4

# The register holds how far each list is filled.
DEPTH: Final = 0
TRAILED: Final = 1
PROPAGATED: Final = 2
COMPONENTS: Final = 3
CHILDREN: Final = 4
NODES: Final = 5
EDGES: Final = 6
LITERALS: Final = 7
KNOWN: Final = 8
STAMP: Final = 9
REGISTERS: Final = 10

# A frame decides a component.
OWN_COMPONENT: Final = 0
VARIABLE: Final = 1
PHASE: Final = 2  # 0 and 1: the value that is tried; 2: both are done
UNDER_WAY: Final = 3  # 1 while the components of a branch are looked at
MARK: Final = 4  # where the branch begins on the trail
NEXT: Final = 5  # the component to look at next
CHILD_MARK: Final = 6
FIRST: Final = 7  # the first component of the branch
EDGE: Final = 8  # the edges of the two branches, or -1
FRAME: Final = 10

FALSE_NODE: Final = 0
TRUE_NODE: Final = 1
OR: Final = 0
AND: Final = 1
DONE: Final = 0
PAUSED: Final = 1
NO_ROOM: Final = 2
NONE: Final = -1
LONG: Final = 3
"""A clause of fewer literals is whole or gone."""

LISTS_TYPE: Final = f"UniTuple(int32[::1], {LISTS})"
BOTH_TYPES: Final = f"{LISTS_TYPE}, UniTuple(uint64[::1], {SUMS})"


@kernel(f"boolean({LISTS_TYPE}, int64)")
def propagate(lists: Lists, literal: int) -> bool:
    """Make a literal true with all that follows; False on a conflict, after which `undo` is due."""
    register, clause_first, clauses, trail = lists[REGISTER], lists[CLAUSE_FIRST], lists[CLAUSE], lists[TRAIL]
    value, true_count, open_count = lists[VALUE], lists[TRUE_COUNT], lists[OPEN_COUNT]
    use_first, use = lists[USE_FIRST], lists[USE]
    end = register[TRAILED]
    if literal >= 0:
        value[literal] = 1
        value[literal ^ 1] = -1
        trail[end] = literal
        end += 1
    place = register[PROPAGATED]
    consistent = True
    while place < end and consistent:
        now = trail[place]
        place += 1
        for index in range(use_first[now], use_first[now + 1]):
            true_count[use[index]] += 1
        for index in range(use_first[now ^ 1], use_first[(now ^ 1) + 1]):
            clause = use[index]
            open_count[clause] -= 1
            if true_count[clause] == 0 and open_count[clause] <= 1:
                if open_count[clause] == 0:
                    consistent = False
                for at in range(clause_first[clause], clause_first[clause + 1]):
                    unit = clauses[at]
                    if value[unit] == 0:
                        value[unit] = 1
                        value[unit ^ 1] = -1
                        trail[end] = unit
                        end += 1
    register[TRAILED] = end
    register[PROPAGATED] = place
    return consistent


@kernel(f"void({LISTS_TYPE}, int64)")
def undo(lists: Lists, mark: int) -> None:
    """Take back the trail down to a mark."""
    register, trail, value = lists[REGISTER], lists[TRAIL], lists[VALUE]
    true_count, open_count, use_first, use = lists[TRUE_COUNT], lists[OPEN_COUNT], lists[USE_FIRST], lists[USE]
    for place in range(register[TRAILED] - 1, mark - 1, -1):
        literal = trail[place]
        value[literal] = 0
        value[literal ^ 1] = 0
        if place < register[PROPAGATED]:
            for index in range(use_first[literal], use_first[literal + 1]):
                true_count[use[index]] -= 1
            for index in range(use_first[literal ^ 1], use_first[(literal ^ 1) + 1]):
                open_count[use[index]] += 1
    register[TRAILED] = mark
    register[PROPAGATED] = min(register[PROPAGATED], mark)


@kernel("uint64(uint64)")
def mixed(number: np.uint64) -> np.uint64:
    """Spread a number's bits (the finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


@kernel("void(uint64[::1], int64)")
def sort_pairs(rest: NDArray[np.uint64], count: int) -> None:
    """Sort pairs by both numbers (Shell's sort with Knuth's gaps), so that equal ones stand together."""
    gap = 1
    while gap < count // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for place in range(gap, count):
            one, other = rest[2 * place], rest[2 * place + 1]
            at = place
            while at >= gap:
                below = 2 * (at - gap)
                if rest[below] < one or (rest[below] == one and rest[below + 1] <= other):
                    break
                rest[2 * at], rest[2 * at + 1] = rest[below], rest[below + 1]
                at -= gap
            rest[2 * at], rest[2 * at + 1] = one, other
        gap //= 3


@kernel(f"int64({BOTH_TYPES}, int64, int64)")
def reach(lists: Lists, sums: Sums, seed: int, start: int) -> int:
    """Write the component of a variable to the members from `start` on and its key; return where it ends."""
    clause_first, clauses, value = lists[CLAUSE_FIRST], lists[CLAUSE], lists[VALUE]
    true_count, open_count, use_first, use = lists[TRUE_COUNT], lists[OPEN_COUNT], lists[USE_FIRST], lists[USE]
    seen, seen_clause, member, register = lists[SEEN], lists[SEEN_CLAUSE], lists[MEMBER], lists[REGISTER]
    random, rest, stamp, variables = sums[RANDOM], sums[REST], register[STAMP], len(lists[RANK])
    one, other = np.uint64(0), np.uint64(0)
    touched = 0
    member[start] = seed
    seen[seed] = stamp
    place, end = start, start + 1
    while place < end:
        variable = member[place]
        place += 1
        one += random[2 * variable]
        other += random[2 * variable + 1]
        for index in range(use_first[2 * variable], use_first[2 * variable + 2]):
            clause = use[index]
            if true_count[clause] != 0 or seen_clause[clause] == stamp:
                continue
            seen_clause[clause] = stamp
            first, last = clause_first[clause], clause_first[clause + 1]
            left, right = np.uint64(0), np.uint64(0)
            for at in range(first, last):
                literal = clauses[at]
                if value[literal] == 0:
                    left += random[2 * (variables + literal)]
                    right += random[2 * (variables + literal) + 1]
                    if seen[literal >> 1] != stamp:
                        seen[literal >> 1] = stamp
                        member[end] = literal >> 1
                        end += 1
            if last - first >= LONG and open_count[clause] < last - first:
                rest[2 * touched] = left
                rest[2 * touched + 1] = right
                touched += 1
    sort_pairs(rest, touched)
    for index in range(touched):
        if index == 0 or rest[2 * index] != rest[2 * index - 2] or rest[2 * index + 1] != rest[2 * index - 1]:
            one += mixed(rest[2 * index])
            other += mixed(rest[2 * index + 1])
    component = register[COMPONENTS]
    sums[COMPONENT_KEY][2 * component] = one
    sums[COMPONENT_KEY][2 * component + 1] = other
    return end


@kernel(f"void({BOTH_TYPES}, int64)")
def split(lists: Lists, sums: Sums, component: int) -> None:
    """Put the components into which a component has fallen on the stack; a free variable that stands alone is none."""
    register, member, component_end, seen = lists[REGISTER], lists[MEMBER], lists[COMPONENT_END], lists[SEEN]
    register[STAMP] += 1
    top = component_end[register[COMPONENTS] - 1]
    for place in range(component_end[component - 1], component_end[component]):
        variable = member[place]
        if lists[VALUE][2 * variable] == 0 and seen[variable] != register[STAMP]:
            end = reach(lists, sums, variable, top)
            if end > top + 1 or lists[BOUND][variable] == 1:
                component_end[register[COMPONENTS]] = end
                register[COMPONENTS] += 1
                top = end


@kernel(f"int64({LISTS_TYPE}, int64)")
def chosen(lists: Lists, component: int) -> int:
    """Return the variable of the least rank; among equal ones that with the most open clauses."""
    rank, use_first, use, true_count = lists[RANK], lists[USE_FIRST], lists[USE], lists[TRUE_COUNT]
    best, best_count = -1, -1
    for place in range(lists[COMPONENT_END][component - 1], lists[COMPONENT_END][component]):
        variable = lists[MEMBER][place]
        if best >= 0 and rank[variable] > rank[best]:
            continue
        count = 0
        for index in range(use_first[2 * variable], use_first[2 * variable + 2]):
            if true_count[use[index]] == 0:
                count += 1
        if best < 0 or rank[variable] < rank[best] or count > best_count:
            best, best_count = variable, count
    return best


@kernel(f"int64({BOTH_TYPES}, int64)")
def place_of(lists: Lists, sums: Sums, component: int) -> np.int64:
    """Return the component's place in the table: where it stands, or the empty one where it would."""
    known_node, key, keys = lists[KNOWN_NODE], sums[COMPONENT_KEY], sums[KNOWN_KEY]
    last = len(known_node) - 1
    one, other = key[2 * component], key[2 * component + 1]
    place = np.int64(one & np.uint64(last))
    while known_node[place] != NONE and (keys[2 * place] != one or keys[2 * place + 1] != other):
        place = (place + 1) & last
    return place


@kernel("void(int32[::1], uint64[::1], int32[::1], uint64[::1])")
def refill(
    nodes: NDArray[np.int32], keys: NDArray[np.uint64], new_nodes: NDArray[np.int32], new_keys: NDArray[np.uint64]
) -> None:
    """Move what is known to a larger, empty table."""
    last = len(new_nodes) - 1
    for old in range(len(nodes)):
        if nodes[old] != NONE:
            place = np.int64(keys[2 * old] & np.uint64(last))
            while new_nodes[place] != NONE:
                place = (place + 1) & last
            new_nodes[place] = nodes[old]
            new_keys[2 * place] = keys[2 * old]
            new_keys[2 * place + 1] = keys[2 * old + 1]


@kernel(f"int64({LISTS_TYPE}, int64, int64, int64)")
def new_edge(lists: Lists, target: int, first: int, last: int) -> int:
    """Write an edge without a source yet, which asserts this part of the trail."""
    register, literal = lists[REGISTER], lists[LITERAL]
    edge, end = register[EDGES], register[LITERALS]
    for place in range(first, last):
        literal[end] = lists[TRAIL][place]
        end += 1
    lists[SOURCE][edge] = NONE
    lists[TARGET][edge] = target
    lists[LITERAL_FIRST][edge + 1] = end
    register[EDGES] += 1
    register[LITERALS] = end
    return int(edge)


@kernel(f"int64({LISTS_TYPE}, int64)")
def new_node(lists: Lists, kind: int) -> int:
    """Add a node."""
    register = lists[REGISTER]
    lists[KIND][register[NODES]] = kind
    register[NODES] += 1
    return int(register[NODES] - 1)


@kernel(f"int64({LISTS_TYPE}, int64)")
def joined(lists: Lists, first: int) -> int:
    """Take the children from `first` on off their stack and return one node that asks for all of them."""
    register, child = lists[REGISTER], lists[CHILD]
    count = register[CHILDREN] - first
    register[CHILDREN] = first
    if count == 0:
        return TRUE_NODE
    if count == 1:
        return int(child[first])
    node = new_node(lists, AND)
    for place in range(first, first + count):
        lists[SOURCE][new_edge(lists, child[place], 0, 0)] = node
    return node


@kernel(f"int64({LISTS_TYPE}, int64)")
def decided(lists: Lists, frame: int) -> int:
    """Return the node of a component both of whose branches are done."""
    one, other = lists[FRAMES][frame + EDGE], lists[FRAMES][frame + EDGE + 1]
    if one == NONE and other == NONE:
        return FALSE_NODE
    node = new_node(lists, AND if one == NONE or other == NONE else OR)
    if one != NONE:
        lists[SOURCE][one] = node
    if other != NONE:
        lists[SOURCE][other] = node
    return node


@kernel(f"void({LISTS_TYPE}, int64)")
def open_frame(lists: Lists, component: int) -> None:
    """Begin to decide a component."""
    register, frames = lists[REGISTER], lists[FRAMES]
    frame = FRAME * register[DEPTH]
    frames[frame + OWN_COMPONENT] = component
    frames[frame + VARIABLE] = chosen(lists, component)
    frames[frame + PHASE] = 0
    frames[frame + UNDER_WAY] = 0
    frames[frame + EDGE] = NONE
    frames[frame + EDGE + 1] = NONE
    register[DEPTH] += 1


@kernel(f"void({LISTS_TYPE}, int64, int64)")
def close_branch(lists: Lists, frame: int, edge: int) -> None:
    """End the branch that is under way, with its edge or without one, and take back what it did."""
    register, frames = lists[REGISTER], lists[FRAMES]
    undo(lists, frames[frame + MARK])
    register[CHILDREN] = frames[frame + CHILD_MARK]
    register[COMPONENTS] = frames[frame + FIRST]
    frames[frame + EDGE + frames[frame + PHASE]] = edge
    frames[frame + PHASE] += 1
    frames[frame + UNDER_WAY] = 0


@kernel(f"void({BOTH_TYPES}, int64)")
def open_branch(lists: Lists, sums: Sums, frame: int) -> None:
    """Try the next value of a frame's variable."""
    register, frames = lists[REGISTER], lists[FRAMES]
    frames[frame + MARK] = register[TRAILED]
    frames[frame + CHILD_MARK] = register[CHILDREN]
    frames[frame + FIRST] = register[COMPONENTS]
    frames[frame + NEXT] = register[COMPONENTS]
    if propagate(lists, 2 * frames[frame + VARIABLE] + frames[frame + PHASE]):
        split(lists, sums, frames[frame + OWN_COMPONENT])
        frames[frame + UNDER_WAY] = 1
    else:
        close_branch(lists, frame, NONE)


@kernel(f"boolean({LISTS_TYPE})")
def has_room(lists: Lists) -> bool:
    """Say whether every list that grows can take what a single step may add."""
    register, variables = lists[REGISTER], len(lists[RANK])
    top = lists[COMPONENT_END][register[COMPONENTS] - 1]
    return bool(
        top + variables < len(lists[MEMBER])
        and register[COMPONENTS] + variables < len(lists[COMPONENT_END])
        and register[CHILDREN] + 1 < len(lists[CHILD])
        and FRAME * (register[DEPTH] + 1) < len(lists[FRAMES])
        and register[NODES] + 2 < len(lists[KIND])
        and register[EDGES] + variables + 2 < len(lists[SOURCE])
        and register[LITERALS] + variables < len(lists[LITERAL])
        and 2 * register[KNOWN] < len(lists[KNOWN_NODE])
    )


@kernel(f"int64({BOTH_TYPES}, int64)")
def search(lists: Lists, sums: Sums, steps: int) -> int:
    """Go on until the first frame is done, room is short, or so many steps have been taken.

    The first frame's node is then the only child on the stack.
    """
    register, frames, child = lists[REGISTER], lists[FRAMES], lists[CHILD]
    for _step in range(steps):
        if not has_room(lists):
            return NO_ROOM
        frame = FRAME * (register[DEPTH] - 1)
        component = frames[frame + OWN_COMPONENT]
        if frames[frame + PHASE] == 2:
            node = decided(lists, frame)
            place = place_of(lists, sums, component)
            lists[KNOWN_NODE][place] = node
            sums[KNOWN_KEY][2 * place] = sums[COMPONENT_KEY][2 * component]
            sums[KNOWN_KEY][2 * place + 1] = sums[COMPONENT_KEY][2 * component + 1]
            register[KNOWN] += 1
            register[DEPTH] -= 1
            if register[DEPTH] == 0:
                child[register[CHILDREN]] = node
                register[CHILDREN] += 1
                return DONE
        elif frames[frame + UNDER_WAY] == 0:
            open_branch(lists, sums, frame)
        elif frames[frame + NEXT] == register[COMPONENTS]:
            mark, below = frames[frame + MARK], joined(lists, frames[frame + CHILD_MARK])
            edge = new_edge(lists, below, mark, register[TRAILED])
            close_branch(lists, frame, edge)
        else:
            next_component = frames[frame + NEXT]
            node = lists[KNOWN_NODE][place_of(lists, sums, next_component)]
            if node == NONE:
                open_frame(lists, next_component)
            elif node == FALSE_NODE:
                close_branch(lists, frame, NONE)
            else:
                child[register[CHILDREN]] = node
                register[CHILDREN] += 1
                frames[frame + NEXT] += 1
    return PAUSED
