/// What an examination found. The body of `shoal doctor --json`.
public struct DoctorReport: Codable, Sendable, Equatable {
    /// How bad something is.
    public enum Level: String, Codable, Sendable, CaseIterable {
        /// As it should be, or not worth acting on.
        case ok
        /// It works, and will not always, or not as well as it could.
        case warning
        /// Something does not work.
        case problem
    }

    /// What a check is about.
    public enum Area: String, Codable, Sendable, CaseIterable {
        /// The files of the node.
        case directory
        /// Certificates, keys and the clock by which they are judged.
        case trust
        /// Ports and the addresses by which others reach this node.
        case network
        /// Other members: where they are looked for, who answers, how they are.
        case members
        /// Models, memory and the rest of this machine.
        case machine
    }

    /// One thing that was looked at.
    public struct Check: Codable, Sendable, Equatable {
        /// What it is about.
        public var area: Area
        /// What was looked at, in a few words.
        public var subject: String
        /// How bad it is.
        public var level: Level
        /// What was found.
        public var found: String
        /// What to do about it, if something is to be done.
        public var remedy: String?
    }

    /// An address at which members were looked for.
    public struct Tried: Codable, Sendable, Equatable {
        /// The address, as `host:port`.
        public var address: String
        /// Where it comes from: `seed`, `ticket` or `remembered`.
        public var origin: String
        /// Whose address it is, where that is remembered: the beginning of the node's id.
        public var node: String?
        /// Why its name has no address; nil for one that resolved, and for a numeric address.
        public var unresolved: String?
        /// What answered at each address it resolved to.
        public var answers: [Answer]
    }

    /// What one numeric address answered.
    public struct Answer: Codable, Sendable, Equatable {
        /// The address, as `host:port`.
        public var address: String
        /// One of `member`, `self`, `peer_refused`, `connection_refused`, `no_answer`,
        /// `unreachable`, `closed_silently`, `silent`, `other_protocol`.
        public var result: String
        /// What that means.
        public var meaning: String
        /// How long the answer took, in milliseconds.
        public var milliseconds: Double
    }

    /// The node's directory.
    public var directory: String
    /// The node's name, if its certificate can be read.
    public var node: String?
    /// The mesh's name and fingerprint, if its record can be read.
    public var mesh: String?
    /// The process that runs the node, if one does.
    public var process: Int32?
    /// Everything that was looked at.
    public var checks: [Check] = []
    /// Every address that was tried.
    public var tried: [Tried] = []

    /// How many checks are of a level.
    public func count(_ level: Level) -> Int { checks.count { $0.level == level } }

    /// Whether no check found a problem.
    public var isHealthy: Bool { count(.problem) == 0 }

    mutating func add(
        _ area: Area, _ subject: String, _ level: Level, _ found: String, remedy: String? = nil
    ) {
        checks.append(
            Check(area: area, subject: subject, level: level, found: found, remedy: remedy))
    }
}
