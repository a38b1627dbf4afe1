/// Which models leave so that another fits. Pure.
enum HostPlan {
    /// A model in memory.
    struct Resident: Sendable, Equatable {
        var name: String
        var bytes: Int
        /// Grows with each use of any model.
        var lastUse: Int
        var isBusy: Bool
    }

    /// The models to unload, in order, for `needed` bytes within `budget`: the least recently used
    /// of those that are idle, no more than must. nil where even all of them are not enough.
    static func victims(needed: Int, residents: [Resident], budget: Int) -> [String]? {
        var used = residents.reduce(0) { $0 + $1.bytes }
        var victims: [String] = []
        for resident in residents.filter({ !$0.isBusy }).sorted(by: { $0.lastUse < $1.lastUse }) {
            if used + needed <= budget { break }
            used -= resident.bytes
            victims.append(resident.name)
        }
        return used + needed <= budget ? victims : nil
    }
}
