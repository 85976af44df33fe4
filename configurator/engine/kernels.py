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

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK: Final = "Array(int32, 1, 'C', readonly=True)"
WORK: Final = "int32[::1]"
OUT: Final = "int32[::1]"
STAMP_MAX: Final = 1 << 30
Place: Final = np.uint64
"""What an inner loop indexes with: a signed number might count from an array's end, and to ask costs as much again."""
ONE: Final = np.uint64(1)


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
        if begin == end:
            flags[branches + code] = 1
        else:
            group = block[block[at.HOME] + begin]
            work[work[of.NEXT] + code] = work[work[of.WATCHED] + group]
            work[work[of.WATCHED] + group] = code


@kernel(f"void({BLOCK}, {WORK}, int64)")
def _rehome(block: NDArray[np.int32], work: NDArray[np.int32], deaths: int) -> None:
    """Find another live group for every code that watched one of the groups that died; a code without one closes.

    A closed code stays with its dead group, and so finds it again when that comes back. All groups that support a code
    are looked at from the first one on: to remember where one stood costs more than what it spares.
    """
    branches = block[at.BRANCHES]
    flags = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    used, watched = work[work[of.USED] : work[of.USED + 1]], work[work[of.WATCHED] : work[of.WATCHED + 1]]
    following, closed = work[work[of.NEXT] : work[of.NEXT + 1]], work[work[of.CLOSED] : work[of.CLOSED + 1]]
    home_first = block[block[at.HOME_FIRST] : block[at.HOME_FIRST + 1]]
    home = block[block[at.HOME] : block[at.HOME + 1]]
    length = Place(work[of.CLOSED_LENGTH])
    is_closed = flags[branches:]
    for death in range(Place(work[of.SPARE_GROUPS]), Place(work[of.SPARE_GROUPS] + deaths)):
        group = Place(work[death])
        watching = watched[group]
        stays = np.int32(-1)
        while watching >= 0:
            code = Place(watching)
            after = following[code]
            found = np.int32(-1)
            if is_closed[code] == 0:
                for candidate in range(Place(home_first[code]), Place(home_first[code + ONE])):
                    if used[Place(home[candidate])] > 0:
                        found = home[candidate]
                        break
                if found < 0:
                    is_closed[code] = 1
                    closed[length] = watching
                    length += ONE
            if found >= 0:
                following[code] = watched[Place(found)]
                watched[Place(found)] = watching
            else:
                following[code] = stays
                stays = watching
            watching = after
        watched[group] = stays
    work[of.CLOSED_LENGTH] = np.int64(length)


@kernel(f"void({BLOCK}, {WORK}, int64)")
def _rise(block: NDArray[np.int32], work: NDArray[np.int32], head: int) -> None:
    """Follow the branches on the trail from `head` on upwards: a node without a live branch kills those above it."""
    dead = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    trail = work[work[of.TRAIL] : work[of.TRAIL + 1]]
    live, reached = work[work[of.LIVE] : work[of.LIVE + 1]], work[work[of.REACHED] : work[of.REACHED + 1]]
    owner = block[block[at.OWNER] : block[at.OWNER + 1]]
    parent_first = block[block[at.PARENT_FIRST] : block[at.PARENT_FIRST + 1]]
    parent = block[block[at.PARENT] : block[at.PARENT + 1]]
    next_one, length = Place(head), Place(work[of.TRAIL_LENGTH])
    while next_one < length:
        node = Place(owner[Place(trail[next_one])])
        next_one += ONE
        left = live[node] - 1
        live[node] = left
        if left == 0 and reached[node] > 0:
            for index in range(Place(parent_first[node]), Place(parent_first[node + ONE])):
                other = parent[index]
                trail[length] = other
                length += Place(1 - dead[Place(other)])
                dead[Place(other)] = 1
    work[of.TRAIL_LENGTH] = np.int64(length)


@kernel(f"int64({BLOCK}, {WORK}, int64)")
def _fall(block: NDArray[np.int32], work: NDArray[np.int32], head: int) -> int:
    """Follow the branches on the trail from `head` on downwards: a node that no live branch leads to kills its own.

    Returns how many watched groups have died, noted in SPARE_GROUPS; -1, half way, where so much dies that `_count` is
    quicker.
    """
    dead = work[work[of.FLAGS] : work[of.WS_END]].view(np.int8)
    trail = work[work[of.TRAIL] : work[of.TRAIL + 1]]
    live, reached = work[work[of.LIVE] : work[of.LIVE + 1]], work[work[of.REACHED] : work[of.REACHED + 1]]
    used, watched = work[work[of.USED] : work[of.USED + 1]], work[work[of.WATCHED] : work[of.WATCHED + 1]]
    dying = work[work[of.SPARE_GROUPS] : work[of.SPARE_GROUPS + 1]]
    node_first = block[block[at.NODE_FIRST] : block[at.NODE_FIRST + 1]]
    child_first = block[block[at.CHILD_FIRST] : block[at.CHILD_FIRST + 1]]
    child = block[block[at.CHILD] : block[at.CHILD + 1]]
    asserted, free = block[block[at.ASSERTED] : block[at.ASSERTED + 1]], block[block[at.FREE] : block[at.FREE + 1]]
    next_one, length, deaths = Place(head), Place(work[of.TRAIL_LENGTH]), Place(0)
    limit = Place(head + work[of.MANY])
    while next_one < length:
        if length > limit:
            work[of.TRAIL_LENGTH] = np.int64(length)
            return -1
        branch = Place(trail[next_one])
        next_one += ONE
        for index in range(Place(child_first[branch]), Place(child_first[branch + ONE])):
            below = Place(child[index])
            left = reached[below] - 1
            reached[below] = left
            if left == 0 and live[below] > 0:
                live[below] = 0
                for other in range(Place(node_first[below]), Place(node_first[below + ONE])):
                    trail[length] = np.int32(other)
                    length += Place(1 - dead[other])
                    dead[other] = 1
        # Written in any case and counted where a watched group has died: the processor has nothing to guess.
        group = asserted[branch]
        if group >= 0:
            left = used[Place(group)] - 1
            used[Place(group)] = left
            dying[deaths] = group
            deaths += Place((left == 0) & (watched[Place(group)] >= 0))
        group = free[branch]
        if group >= 0:
            left = used[Place(group)] - 1
            used[Place(group)] = left
            dying[deaths] = group
            deaths += Place((left == 0) & (watched[Place(group)] >= 0))
    work[of.TRAIL_LENGTH] = np.int64(length)
    return int(deaths)


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
    length = Place(work[of.TRAIL_LENGTH])
    reached[:] = 0
    used[:] = 0
    reached[0] = 1
    for node in range(Place(block[at.NODES])):
        if live[node] == 0:
            continue
        begin, end = Place(node_first[node]), Place(node_first[node + ONE])
        if reached[node] == 0:
            live[node] = 0
            for branch in range(begin, end):
                trail[length] = np.int32(branch)
                length += Place(1 - dead[branch])
                dead[branch] = 1
            continue
        for branch in range(begin, end):
            if dead[branch]:
                continue
            for index in range(Place(child_first[branch]), Place(child_first[branch + ONE])):
                reached[Place(child[index])] += 1
            if asserted[branch] >= 0:
                used[Place(asserted[branch])] += 1
            if free[branch] >= 0:
                used[Place(free[branch])] += 1
    work[of.TRAIL_LENGTH] = np.int64(length)


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
    head, end = length, Place(length)
    trail, used = work[work[of.TRAIL] : work[of.TRAIL + 1]], work[work[of.USED] : work[of.USED + 1]]
    user_first, user = (
        block[block[at.USER_FIRST] : block[at.USER_FIRST + 1]],
        block[block[at.USER] : block[at.CODE_FIRST]],
    )
    home = block[block[at.HOME] : block[at.HOME + 1]]
    for index in range(Place(block[block[at.HOME_FIRST] + opposite]), Place(block[block[at.HOME_FREE] + opposite])):
        group = Place(home[index])
        if used[group] > 0:
            for place in range(Place(user_first[group]), Place(user_first[group + ONE])):
                branch = user[place]
                trail[end] = branch
                end += Place(1 - flags[Place(branch)])
                flags[Place(branch)] = 1
    work[of.TRAIL_LENGTH] = np.int64(end)
    if end > Place(head):
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
    for index in range(Place(begin), Place(end)):
        branch = Place(trail[index])
        flags[branch] = 0
        live[Place(owner[branch])] += 1
        if many:
            continue
        for place in range(Place(child_first[branch]), Place(child_first[branch + ONE])):
            reached[Place(child[place])] += 1
        if asserted[branch] >= 0:
            used[Place(asserted[branch])] += 1
        if free[branch] >= 0:
            used[Place(free[branch])] += 1
    work[of.TRAIL_LENGTH] = begin
    if many:
        _count(block, work)
    for index in range(Place(work[work[of.CLOSED_MARK] + depth]), Place(work[of.CLOSED_LENGTH])):
        flags[Place(branches + closed[index])] = 0
    work[of.CLOSED_LENGTH] = work[work[of.CLOSED_MARK] + depth]
    work[of.DEPTH] = depth


@kernel(f"uint64({BLOCK}, {OUT}, int64, uint64)")
def _spell(block: NDArray[np.int32], out: NDArray[np.int32], code: int, length: np.uint64) -> np.uint64:
    """Write the features' literals that a closed code closes after the first `length` of `out`; return the length."""
    first, sign = Place(block[at.MEMBER_FIRST] + (code >> 1)), 1 - 2 * (code & 1)
    begin = block[at.MEMBER]
    for index in range(Place(begin + block[first]), Place(begin + block[first + ONE])):
        out[length] = sign * block[index]
        length += ONE
    return length


@kernel(f"int64({BLOCK}, {WORK}, int64, {OUT})")
def decide(block: NDArray[np.int32], work: NDArray[np.int32], code: int, out: NDArray[np.int32]) -> int:
    """Decide a code and write the features' literals that this closes; return how many, -1 where the code is closed."""
    begin = work[of.CLOSED_LENGTH]
    if push(block, work, code) < 0:
        return -1
    length = Place(0)
    closed = work[of.CLOSED]
    for index in range(Place(closed + begin), Place(closed + work[of.CLOSED_LENGTH])):
        length = _spell(block, out, work[index], length)
    return int(length)


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
    length = Place(0)
    for place in range(last - first):
        if marked[opened[place]] == stamp:
            length = _spell(block, out, opened[place], length)
    return int(length)


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
