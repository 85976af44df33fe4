"""The walks that a decision and its withdrawal take through a circuit, as compiled kernels without any allocation.

A decision kills the branches that assert the opposite. A node without a live branch kills the branches above it, a node
that no live branch leads to kills its own, a group that no live branch has is dead. Each code that is still possible
watches one live group that supports it; only when that one dies another is sought, and where there is none the code
closes. So the work follows what changes; only where a large part dies at once one pass over all is quicker. What
died is on a trail and comes back from it, the last thing first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from configurator.engine import circuit as at
from configurator.engine import workspace as of
from configurator.engine.jit import kernel
from configurator.engine.reduction import ALWAYS, NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK: Final = "Array(int32, 1, 'C', readonly=True)"
WORK: Final = "int32[::1]"
OUT: Final = "int32[::1]"
STAMP_MAX: Final = 1 << 30


@kernel(f"void({BLOCK}, {WORK}, int64, int64)")
def _watch(block: NDArray[np.int32], work: NDArray[np.int32], code: int, place: int) -> None:
    """Let a code watch the group at a place of HOME."""
    group = block[block[at.HOME] + place]
    work[work[of.PLACE] + code] = place
    work[work[of.NEXT] + code] = work[work[of.WATCHED] + group]
    work[work[of.WATCHED] + group] = code


@kernel(f"void({BLOCK}, {WORK})")
def prepare(block: NDArray[np.int32], work: NDArray[np.int32]) -> None:
    """Fill a workspace of zeros: everything lives, nothing is decided."""
    nodes, branches, groups = block[at.NODES], block[at.BRANCHES], block[at.GROUPS]
    for node in range(nodes):
        work[work[of.LIVE] + node] = block[block[at.NODE_FIRST] + node + 1] - block[block[at.NODE_FIRST] + node]
        work[work[of.REACHED] + node] = block[block[at.PARENT_FIRST] + node + 1] - block[block[at.PARENT_FIRST] + node]
    work[work[of.REACHED]] = 1
    for group in range(groups):
        work[work[of.USED] + group] = block[block[at.USER_FIRST] + group + 1] - block[block[at.USER_FIRST] + group]
        work[work[of.WATCHED] + group] = -1
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    for code in range(2 * block[at.CLASSES]):
        begin, end = block[block[at.HOME_FIRST] + code], block[block[at.HOME_FIRST] + code + 1]
        work[work[of.PLACE] + code] = begin
        if begin == end:
            flags[branches + code] = 1
        else:
            _watch(block, work, code, begin)


@kernel(f"void({BLOCK}, {WORK}, int64)")
def _rehome(block: NDArray[np.int32], work: NDArray[np.int32], deaths: int) -> None:
    """Find another live group for every code that watched one of the groups that died; a code without one closes.

    A closed code stays with its dead group, and so finds it again when that comes back.
    """
    branches = block[at.BRANCHES]
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    used, watched = work[work[of.USED] : work[of.USED + 1]], work[work[of.WATCHED] : work[of.WATCHED + 1]]
    following, place = work[work[of.NEXT] : work[of.NEXT + 1]], work[work[of.PLACE] : work[of.PLACE + 1]]
    closed = work[work[of.CLOSED] : work[of.CLOSED + 1]]
    home_first = block[block[at.HOME_FIRST] : block[at.HOME_FIRST + 1]]
    home = block[block[at.HOME] : block[at.HOME + 1]]
    length = int(work[of.CLOSED_LENGTH])
    for death in range(deaths):
        group = work[work[of.SPARE_GROUPS] + death]
        code = watched[group]
        stays = -1
        while code >= 0:
            after = following[code]
            found = -1
            if flags[branches + code] == 0:
                begin, end = home_first[code], home_first[code + 1]
                for candidate in range(place[code] + 1, end):
                    if used[home[candidate]] > 0:
                        found = candidate
                        break
                if found < 0:
                    for candidate in range(begin, place[code]):
                        if used[home[candidate]] > 0:
                            found = candidate
                            break
                if found < 0:
                    flags[branches + code] = 1
                    closed[length] = code
                    length += 1
            if found >= 0:
                place[code] = found
                following[code] = watched[home[found]]
                watched[home[found]] = code
            else:
                following[code] = stays
                stays = code
            code = after
        watched[group] = stays
    work[of.CLOSED_LENGTH] = length


@kernel(f"int64({WORK}, {WORK}, int64, int64)")
def _release(used: NDArray[np.int32], dying: NDArray[np.int32], group: int, deaths: int) -> int:
    """Take one branch from a group (-1 is none), and note it after the first `deaths` where it was the last one."""
    if group >= 0:
        used[group] -= 1
        if used[group] == 0:
            dying[deaths] = group
            return deaths + 1
    return deaths


@kernel(f"void({BLOCK}, {WORK}, int64)")
def _rise(block: NDArray[np.int32], work: NDArray[np.int32], head: int) -> None:
    """Follow the branches on the trail from `head` on upwards: a node without a live branch kills those above it."""
    dead = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    trail = work[work[of.TRAIL] : work[of.TRAIL + 1]]
    live, reached = work[work[of.LIVE] : work[of.LIVE + 1]], work[work[of.REACHED] : work[of.REACHED + 1]]
    owner = block[block[at.OWNER] : block[at.OWNER + 1]]
    parent_first = block[block[at.PARENT_FIRST] : block[at.PARENT_FIRST + 1]]
    parent = block[block[at.PARENT] : block[at.PARENT + 1]]
    length = int(work[of.TRAIL_LENGTH])
    while head < length:
        node = owner[trail[head]]
        head += 1
        live[node] -= 1
        if live[node] == 0 and reached[node] > 0:
            for index in range(parent_first[node], parent_first[node + 1]):
                other = parent[index]
                if dead[other] == 0:
                    dead[other] = 1
                    trail[length] = other
                    length += 1
    work[of.TRAIL_LENGTH] = length


@kernel(f"int64({BLOCK}, {WORK}, int64)")
def _fall(block: NDArray[np.int32], work: NDArray[np.int32], head: int) -> int:
    """Follow the branches on the trail from `head` on downwards: a node that no live branch leads to kills its own.

    Returns how many groups have died, noted in SPARE_GROUPS; -1, half way, where so much dies that `_count` is quicker.
    """
    dead = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    trail = work[work[of.TRAIL] : work[of.TRAIL + 1]]
    live, reached = work[work[of.LIVE] : work[of.LIVE + 1]], work[work[of.REACHED] : work[of.REACHED + 1]]
    used, dying = work[work[of.USED] : work[of.USED + 1]], work[work[of.SPARE_GROUPS] : work[of.SPARE_GROUPS + 1]]
    node_first = block[block[at.NODE_FIRST] : block[at.NODE_FIRST + 1]]
    child_first = block[block[at.CHILD_FIRST] : block[at.CHILD_FIRST + 1]]
    child = block[block[at.CHILD] : block[at.CHILD + 1]]
    asserted, free = block[block[at.ASSERTED] : block[at.ASSERTED + 1]], block[block[at.FREE] : block[at.FREE + 1]]
    length, deaths = int(work[of.TRAIL_LENGTH]), 0
    limit = head + work[of.MANY]
    while head < length:
        if length > limit:
            work[of.TRAIL_LENGTH] = length
            return -1
        branch = trail[head]
        head += 1
        for index in range(child_first[branch], child_first[branch + 1]):
            below = child[index]
            reached[below] -= 1
            if reached[below] == 0 and live[below] > 0:
                live[below] = 0
                for other in range(node_first[below], node_first[below + 1]):
                    if dead[other] == 0:
                        dead[other] = 1
                        trail[length] = other
                        length += 1
        deaths = _release(used, dying, asserted[branch], deaths)
        deaths = _release(used, dying, free[branch], deaths)
    work[of.TRAIL_LENGTH] = length
    return deaths


@kernel(f"void({BLOCK}, {WORK})")
def _count(block: NDArray[np.int32], work: NDArray[np.int32]) -> None:
    """Pass once over the circuit and count what lives above every node and in every group; LIVE is right already.

    What no live branch leads to dies on the way, for children have higher numbers than their parents.
    """
    dead = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    trail = work[work[of.TRAIL] : work[of.TRAIL + 1]]
    live, reached = work[work[of.LIVE] : work[of.LIVE + 1]], work[work[of.REACHED] : work[of.REACHED + 1]]
    used = work[work[of.USED] : work[of.USED + 1]]
    node_first = block[block[at.NODE_FIRST] : block[at.NODE_FIRST + 1]]
    child_first = block[block[at.CHILD_FIRST] : block[at.CHILD_FIRST + 1]]
    child = block[block[at.CHILD] : block[at.CHILD + 1]]
    asserted, free = block[block[at.ASSERTED] : block[at.ASSERTED + 1]], block[block[at.FREE] : block[at.FREE + 1]]
    length = int(work[of.TRAIL_LENGTH])
    reached[:] = 0
    used[:] = 0
    reached[0] = 1
    for node in range(block[at.NODES]):
        if live[node] == 0:
            continue
        if reached[node] == 0:
            live[node] = 0
            for branch in range(node_first[node], node_first[node + 1]):
                if dead[branch] == 0:
                    dead[branch] = 1
                    trail[length] = branch
                    length += 1
            continue
        for branch in range(node_first[node], node_first[node + 1]):
            if dead[branch]:
                continue
            for index in range(child_first[branch], child_first[branch + 1]):
                reached[child[index]] += 1
            if asserted[branch] >= 0:
                used[asserted[branch]] += 1
            if free[branch] >= 0:
                used[free[branch]] += 1
    work[of.TRAIL_LENGTH] = length


@kernel(f"int64({BLOCK}, {WORK})")
def _dead_groups(block: NDArray[np.int32], work: NDArray[np.int32]) -> int:
    """Note in SPARE_GROUPS the dead groups that codes watch, and return how many they are."""
    used, watched = work[work[of.USED] : work[of.USED + 1]], work[work[of.WATCHED] : work[of.WATCHED + 1]]
    dying = work[work[of.SPARE_GROUPS] : work[of.SPARE_GROUPS + 1]]
    deaths = 0
    for group in range(block[at.GROUPS]):
        if used[group] == 0 and watched[group] >= 0:
            dying[deaths] = group
            deaths += 1
    return deaths


@kernel(f"void({BLOCK}, {WORK}, int64)")
def _spread(block: NDArray[np.int32], work: NDArray[np.int32], head: int) -> None:
    """Follow the branches on the trail from `head` on, until nothing more dies; then let codes watch elsewhere."""
    _rise(block, work, head)
    deaths = _fall(block, work, head)
    if deaths < 0:
        _count(block, work)
        deaths = _dead_groups(block, work)
    _rehome(block, work, deaths)


@kernel(f"int64({BLOCK}, {WORK}, int64)")
def push(block: NDArray[np.int32], work: NDArray[np.int32], code: int) -> int:
    """Decide a code; -1 where it is closed, and then nothing has changed."""
    branches = block[at.BRANCHES]
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    if flags[branches + code]:
        return -1
    depth, length = work[of.DEPTH], int(work[of.TRAIL_LENGTH])
    work[work[of.DECIDED] + depth] = code
    work[work[of.TRAIL_MARK] + depth] = length
    work[work[of.CLOSED_MARK] + depth] = work[of.CLOSED_LENGTH]
    work[of.DEPTH] = depth + 1
    opposite = code ^ 1
    if flags[branches + opposite]:
        return 0
    head = length
    trail, used = work[work[of.TRAIL] : work[of.TRAIL + 1]], work[work[of.USED] : work[of.USED + 1]]
    user_first, user = (
        block[block[at.USER_FIRST] : block[at.USER_FIRST + 1]],
        block[block[at.USER] : block[at.CODE_FIRST]],
    )
    home = block[block[at.HOME] : block[at.HOME + 1]]
    for index in range(block[block[at.HOME_FIRST] + opposite], block[block[at.HOME_FREE] + opposite]):
        group = home[index]
        if used[group] > 0:
            for place in range(user_first[group], user_first[group + 1]):
                branch = user[place]
                if flags[branch] == 0:
                    flags[branch] = 1
                    trail[length] = branch
                    length += 1
    work[of.TRAIL_LENGTH] = length
    if length > head:
        _spread(block, work, head)
    if flags[branches + opposite] == 0:
        flags[branches + opposite] = 1
        work[work[of.CLOSED] + work[of.CLOSED_LENGTH]] = opposite
        work[of.CLOSED_LENGTH] += 1
    return 0


@kernel(f"void({BLOCK}, {WORK}, int64)")
def retreat(block: NDArray[np.int32], work: NDArray[np.int32], depth: int) -> None:
    """Take the last decisions back until only `depth` are left."""
    if depth >= work[of.DEPTH]:
        return
    branches = block[at.BRANCHES]
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    trail, closed = work[work[of.TRAIL] : work[of.TRAIL + 1]], work[work[of.CLOSED] : work[of.CLOSED + 1]]
    live, reached = work[work[of.LIVE] : work[of.LIVE + 1]], work[work[of.REACHED] : work[of.REACHED + 1]]
    used = work[work[of.USED] : work[of.USED + 1]]
    owner = block[block[at.OWNER] : block[at.OWNER + 1]]
    child_first = block[block[at.CHILD_FIRST] : block[at.CHILD_FIRST + 1]]
    child = block[block[at.CHILD] : block[at.CHILD + 1]]
    asserted, free = block[block[at.ASSERTED] : block[at.ASSERTED + 1]], block[block[at.FREE] : block[at.FREE + 1]]
    begin, end = work[work[of.TRAIL_MARK] + depth], work[of.TRAIL_LENGTH]
    many = end - begin > work[of.MANY]
    for index in range(begin, end):
        branch = trail[index]
        flags[branch] = 0
        live[owner[branch]] += 1
        if many:
            continue
        for place in range(child_first[branch], child_first[branch + 1]):
            reached[child[place]] += 1
        if asserted[branch] >= 0:
            used[asserted[branch]] += 1
        if free[branch] >= 0:
            used[free[branch]] += 1
    work[of.TRAIL_LENGTH] = begin
    if many:
        _count(block, work)
    for index in range(work[work[of.CLOSED_MARK] + depth], work[of.CLOSED_LENGTH]):
        flags[branches + closed[index]] = 0
    work[of.CLOSED_LENGTH] = work[work[of.CLOSED_MARK] + depth]
    work[of.DEPTH] = depth


@kernel(f"int64({BLOCK}, {OUT}, int64, int64)")
def _spell(block: NDArray[np.int32], out: NDArray[np.int32], code: int, length: int) -> int:
    """Write the features' literals that a closed code closes after the first `length` of `out`; return the length."""
    for index in range(block[block[at.MEMBER_FIRST] + (code >> 1)], block[block[at.MEMBER_FIRST] + (code >> 1) + 1]):
        member = block[block[at.MEMBER] + index]
        out[length] = -member if code & 1 else member
        length += 1
    return length


@kernel(f"int64({BLOCK}, {WORK}, int64, {OUT})")
def decide(block: NDArray[np.int32], work: NDArray[np.int32], code: int, out: NDArray[np.int32]) -> int:
    """Decide a code and write the features' literals that this closes; return how many, -1 where the code is closed."""
    begin = work[of.CLOSED_LENGTH]
    if push(block, work, code) < 0:
        return -1
    length = 0
    for index in range(begin, work[of.CLOSED_LENGTH]):
        length = _spell(block, out, work[work[of.CLOSED] + index], length)
    return length


@kernel(f"int64({WORK})")
def _next_stamp(work: NDArray[np.int32]) -> int:
    """Return a stamp that no code bears, nor the one after it."""
    if work[of.STAMP] >= STAMP_MAX:
        work[work[of.MARKED] : work[of.MARKED + 1]] = 0
        work[of.STAMP] = 0
    work[of.STAMP] += 2
    return int(work[of.STAMP])


@kernel(f"int64({BLOCK}, {WORK}, int64, {OUT})")
def withdraw(block: NDArray[np.int32], work: NDArray[np.int32], code: int, out: NDArray[np.int32]) -> int:
    """Take a decided code back and write the features' literals that this opens; return how many."""
    depth, decided = work[of.DEPTH], work[of.DECIDED]
    index = depth - 1
    while work[decided + index] != code:
        index -= 1
    closed, opened = work[work[of.CLOSED] : work[of.CLOSED + 1]], work[work[of.SPARE_CODES] : work[of.SPARE_CODES + 1]]
    marked = work[work[of.MARKED] : work[of.MARKED + 1]]
    first, last = work[work[of.CLOSED_MARK] + index], work[of.CLOSED_LENGTH]
    stamp = _next_stamp(work)
    for place in range(first, last):
        opened[place - first] = closed[place]
        marked[closed[place]] = stamp
    retreat(block, work, index)
    for later in range(index + 1, depth):
        push(block, work, work[decided + later])
    for place in range(first, work[of.CLOSED_LENGTH]):
        marked[closed[place]] = 0
    length = 0
    for place in range(last - first):
        if marked[opened[place]] == stamp:
            length = _spell(block, out, opened[place], length)
    return length


@kernel(f"int64({BLOCK}, {WORK}, {OUT}, int64)")
def bring(block: NDArray[np.int32], work: NDArray[np.int32], codes: NDArray[np.int32], count: int) -> int:
    """Bring the workspace to exactly these decisions, keeping what it can; -1, or the place of the first that clashes.

    Where one clashes those before it are decided, so the workspace can be used on.
    """
    marked = work[work[of.MARKED] : work[of.MARKED + 1]]
    stamp = _next_stamp(work)
    for index in range(count):
        marked[codes[index]] = stamp
    kept = 0
    while kept < work[of.DEPTH] and marked[work[work[of.DECIDED] + kept]] == stamp:
        marked[work[work[of.DECIDED] + kept]] = stamp + 1
        kept += 1
    retreat(block, work, kept)
    for index in range(count):
        if marked[codes[index]] == stamp:
            marked[codes[index]] = stamp + 1
            if push(block, work, codes[index]) < 0:
                return index
    return -1


@kernel(f"void({BLOCK}, {WORK}, uint8[::1], uint8[::1])")
def domains(
    block: NDArray[np.int32], work: NDArray[np.int32], can: NDArray[np.uint8], cannot: NDArray[np.uint8]
) -> None:
    """Set bit v of `can` where some car has feature v, and of `cannot` where some car has it not."""
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    branches = block[at.BRANCHES]
    can[:] = 0
    cannot[:] = 0
    for feature in range(1, block[at.FEATURES] + 1):
        code = block[block[at.CODE_OF] + feature]
        bit = np.uint8(1 << (feature & 7))
        if code == ALWAYS or (code >= 0 and flags[branches + code] == 0):
            can[feature >> 3] |= bit
        if code == NEVER or (code >= 0 and flags[branches + (code ^ 1)] == 0):
            cannot[feature >> 3] |= bit


@kernel(f"int64({BLOCK}, {WORK}, {OUT}, int64, {OUT})")
def cause(
    block: NDArray[np.int32], work: NDArray[np.int32], codes: NDArray[np.int32], count: int, out: NDArray[np.int32]
) -> int:
    """Write the places of a minimal set of codes that clash with what is decided; return how many, -1 for no clash.

    Decide them in turn until one is closed: that one is part of the cause, what comes after it is not needed. Keep it,
    take the others back and begin again before it (a linear search for transitions: Marques-Silva, ISMVL 2010).
    Afterwards the workspace stands where it stood.
    """
    before = int(work[of.DEPTH])
    base, found, limit = before, 0, count
    while True:
        place = 0
        while place < limit and push(block, work, codes[place]) == 0:
            place += 1
        retreat(block, work, base)
        if place == limit:
            return -1
        out[found] = place
        found += 1
        limit = place
        if push(block, work, codes[place]) < 0:
            retreat(block, work, before)
            return found
        base += 1
