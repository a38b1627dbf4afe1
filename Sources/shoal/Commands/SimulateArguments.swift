import ArgumentParser
import Simulation
import Wire

/// A decimal number of seconds, minutes or hours, read exactly.
struct SimulatedTime: ExpressibleByArgument, Equatable {
    var duration: Duration

    init?(argument: String) {
        guard let duration = Duration(decimalSeconds: argument) else { return nil }
        self.duration = duration
    }
}

/// `FROM...TO`, in decimal seconds, or one number for both.
struct SimulatedRange: ExpressibleByArgument, Equatable {
    var range: ClosedRange<Duration>

    init?(argument: String) {
        let ends = argument.split(separator: "...", omittingEmptySubsequences: false)
            .compactMap { Duration(decimalSeconds: String($0)) }
        guard let first = ends.first, let last = ends.last, ends.count <= 2, first <= last,
            argument.split(separator: "...").count == ends.count
        else { return nil }
        range = first...last
    }
}

/// `1-1,1-2`: ranges of protocol versions.
struct SimulatedVersions: ExpressibleByArgument, Equatable {
    var ranges: [ClosedRange<UInt8>] = []

    init?(argument: String) {
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
                .compactMap { UInt8($0) }
            guard ends.count == 2, ends[0] <= ends[1] else { return nil }
            ranges.append(ends[0]...ends[1])
        }
    }
}

extension MembershipSimulation.Hostility: ExpressibleByArgument {}

extension MembershipSimulation.Fault: ExpressibleByArgument {
    /// A fault from the command line.
    public init?(argument: String) { self.init(argument) }
}
