import Wire

/// All members known but this node, by slot: a small number that stays a member's own while it is
/// known. Finding and changing one takes the same time whatever their number. Nothing here depends
/// on a dictionary's order, which differs from run to run.
///
/// Members are kept in small blocks: of two cores that began with the same knowledge, each has
/// copies only of the blocks that it changed.
struct MemberTable: Sendable {
    typealias Slot = UInt32

    /// The lists that each member is on one of.
    enum List: Int, CaseIterable {
        /// Takes part.
        case active
        /// There, but speaks no common version.
        case apart
        case dead
        case left
    }

    private var blocks: [[Member]] = []
    private var slots = 0
    /// The slot of this node itself, where the table was another's; it counts for nothing.
    private var hidden: Slot?
    private var free: [Slot] = []
    private var lists: [[Slot]] = Array(repeating: [], count: List.allCases.count)
    /// In order of ids.
    private(set) var order: [Slot] = []
    /// In the order in which they came under suspicion.
    private(set) var suspects: [Slot] = []
    /// Open addressing: the upper half of a key, and the slot + 1; 0 is free.
    private var index: [UInt64] = Array(repeating: 0, count: 16)

    private static let blockBits: Slot = 1
    private static let blockMask: Slot = 1 << blockBits - 1

    /// How many there are.
    var count: Int { order.count }

    subscript(slot: Slot) -> Member {
        _read { yield blocks[Int(slot >> Self.blockBits)][Int(slot & Self.blockMask)] }
        _modify { yield &blocks[Int(slot >> Self.blockBits)][Int(slot & Self.blockMask)] }
    }

    /// Whether a slot is some member's.
    func contains(_ slot: Slot) -> Bool { slot < slots && slot != hidden && !free.contains(slot) }

    func id(_ slot: Slot) -> NodeID { self[slot].aliveClaim.author }

    /// Those on a list, in no particular but in a repeatable order.
    subscript(list: List) -> [Slot] { lists[list.rawValue] }

    // MARK: Finding

    func slot(of id: NodeID) -> Slot? {
        guard let slot = find(id)?.slot, slot != hidden else { return nil }
        return slot
    }

    private func find(_ id: NodeID) -> (place: Int, slot: Slot)? {
        let key = id.folded
        var place = Int(truncatingIfNeeded: key) & (index.count - 1)
        while index[place] != 0 {
            let entry = index[place]
            if entry >> 32 == key >> 32 {
                let slot = Slot(truncatingIfNeeded: entry) - 1
                if self.id(slot) == id { return (place, slot) }
            }
            place = (place + 1) & (index.count - 1)
        }
        return nil
    }

    // MARK: Changing

    mutating func insert(_ member: Member) -> Slot {
        let id = member.aliveClaim.author
        if 3 * (count + 1) > 2 * index.count { grow() }
        let slot: Slot
        if let last = free.popLast() {
            slot = last
            self[slot] = member
        } else {
            slot = Slot(slots)
            slots += 1
            if slot & Self.blockMask == 0 { blocks.append([]) }
            blocks[Int(slot >> Self.blockBits)].append(member)
        }
        order.insert(slot, at: orderPlace(of: id))
        enter(id.folded, slot)
        append(slot)
        if member.state == .suspect { suspects.append(slot) }
        return slot
    }

    /// Changes what a member is believed to be, and its version.
    mutating func change(_ slot: Slot, _ change: (inout Member) -> Void) {
        let before = list(of: slot)
        let wasSuspect = self[slot].state == .suspect
        change(&self[slot])
        let after = list(of: slot)
        if before != after {
            remove(slot, from: before)
            append(slot)
        }
        let isSuspect = self[slot].state == .suspect
        if wasSuspect, !isSuspect { suspects.removeAll { $0 == slot } }
        if isSuspect, !wasSuspect { suspects.append(slot) }
    }

    /// Leaves out this node itself, which others know of.
    mutating func hide(_ id: NodeID) {
        guard hidden == nil, let slot = slot(of: id) else { return }
        remove(slot, from: list(of: slot))
        suspects.removeAll { $0 == slot }
        order.remove(at: orderPlace(of: id))
        hidden = slot
    }

    mutating func remove(_ slot: Slot) {
        let id = id(slot)
        guard let found = find(id) else { return }
        vacate(found.place)
        remove(slot, from: list(of: slot))
        suspects.removeAll { $0 == slot }
        order.remove(at: orderPlace(of: id))
        self[slot].suspicion = nil
        self[slot].dealings = nil
        free.append(slot)
    }

    // MARK: Lists

    private func list(of slot: Slot) -> List {
        let member = self[slot]
        switch member.state {
        case .alive, .suspect: return member.version > 0 ? .active : .apart
        case .dead: return .dead
        case .left: return .left
        }
    }

    private mutating func append(_ slot: Slot) {
        let list = list(of: slot).rawValue
        self[slot].place = UInt32(lists[list].count)
        lists[list].append(slot)
    }

    private mutating func remove(_ slot: Slot, from list: List) {
        let place = Int(self[slot].place)
        guard let last = lists[list.rawValue].popLast(), last != slot else { return }
        lists[list.rawValue][place] = last
        self[last].place = UInt32(place)
    }

    /// The member that comes next in order of ids; nil after the last. After nil comes the first.
    func first(after id: NodeID?) -> Slot? {
        guard let id else { return order.first }
        var place = orderPlace(of: id)
        if place < order.count, self.id(order[place]) == id { place += 1 }
        return place < order.count ? order[place] : nil
    }

    private func orderPlace(of id: NodeID) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if self.id(order[middle]) < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: The index

    private mutating func enter(_ key: UInt64, _ slot: Slot) {
        var place = Int(truncatingIfNeeded: key) & (index.count - 1)
        while index[place] != 0 { place = (place + 1) & (index.count - 1) }
        index[place] = (key >> 32) << 32 | UInt64(slot + 1)
    }

    private mutating func grow() {
        index = Array(repeating: 0, count: 2 * index.count)
        for slot in order { enter(id(slot).folded, slot) }
        if let hidden { enter(id(hidden).folded, hidden) }
    }

    /// Frees a place, and moves up what was pushed past it.
    private mutating func vacate(_ freed: Int) {
        let mask = index.count - 1
        var gap = freed
        var place = freed
        index[gap] = 0
        while true {
            place = (place + 1) & mask
            guard index[place] != 0 else { return }
            let slot = Slot(truncatingIfNeeded: index[place]) - 1
            let home = Int(truncatingIfNeeded: id(slot).folded) & mask
            // It may move to the gap unless its home lies after the gap.
            if (place - home) & mask >= (place - gap) & mask {
                index[gap] = index[place]
                index[place] = 0
                gap = place
            }
        }
    }
}
