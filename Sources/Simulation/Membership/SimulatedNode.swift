import Gossip
import Wire

/// A datagram on its way.
struct SimulatedDatagram: Sendable {
    var bytes: [UInt8]
    /// The address that it bears.
    var from: NetworkAddress
    /// Whether it was damaged, or made by somebody who is no member: it must change nothing.
    var isBad = false
}

/// What waits to be read by a node's gossip thread.
enum Inbound: Sendable {
    /// From an address.
    case datagram(SimulatedDatagram)
    /// A packet over a link.
    case packet([UInt8], from: Int)
    /// A push–pull's request.
    case request([UInt8], from: Int)
    /// Its answer.
    case answer([UInt8], from: Int)
    /// What the rest of the shell has to say.
    case input(GossipInput)
}

/// One start of a node's key and address.
struct SimulatedIdentity: Sendable, Equatable {
    var generation: UInt64
    var linkKey: LinkKey
    var address: NetworkAddress

    static let first = Self(
        generation: 0, linkKey: LinkKey(number: 0), address: SimulatedAddresses.address(0))
}

extension MembershipSimulation {
    /// Why a process does nothing.
    enum Halt: Sendable, Equatable {
        case paused
        case suspended(since: MonotonicInstant)
    }

    struct Node: Sendable {
        var isUp = false
        /// Whether its host went with it.
        var isLost = false
        /// Counts starts, so that what was meant for an earlier one is dropped.
        var start = 0
        var generation: UInt64 = 0
        var upSince = MonotonicInstant.origin

        var halt: Halt?
        /// Counts halts, so that only the last one's end counts.
        var halts = 0
        /// How long each thing it reads takes; zero for no time.
        var slowness: Duration = .zero
        var slownesses = 0
        var isServing = false
        /// What waits to be read.
        var inbox = Inbox()

        /// When the timer runs, and what it was set for.
        var timerAt: MonotonicInstant?
        var timerFor = MonotonicInstant.origin
        var timerIsOverdue = false
        var deferrals = 0

        /// When it learns that it is not any more at the address that it claims.
        var findsOutAt = MonotonicInstant.origin

        var dials = 0
        /// How far the monotonic clock is behind, and the wall clock ahead.
        var asleep: Duration = .zero
        var wallSeconds = 0
        var keyNumber: UInt64 = 0
        var keyMadeAt = 0
        var updates = 0
        var datagramsSent: UInt64 = 0
        /// Whether it reads nothing any more; see ``Sabotage/deafAfterGarbage``.
        var isDeaf = false
        /// The incarnation of its last claim that the checkers know.
        var claimed: UInt32?
        /// A digest of the last packet that was looked into.
        var inspected: UInt64 = 0
        var remembered: [(node: NodeID, addresses: [NetworkAddress])] = []

        /// Whether it reads what comes as it comes.
        var isFree: Bool { halt == nil && slowness == .zero }
    }

    /// Sockets: datagrams within a bound of bytes, and what came over links.
    struct Inbox: Sendable {
        private var waiting: [Inbound] = []
        private var head = 0
        private var bytes = 0

        var isEmpty: Bool { head == waiting.count }
        var count: Int { waiting.count - head }

        /// False when there is no room.
        mutating func add(_ inbound: Inbound) -> Bool {
            if case .datagram(let datagram) = inbound {
                let cost = datagram.bytes.count + SimulationLimits.socketOverheadBytes
                guard bytes + cost <= SimulationLimits.socketBytesMax else { return false }
                bytes += cost
            } else if count >= SimulationLimits.inboxMax {
                return false
            }
            waiting.append(inbound)
            return true
        }

        mutating func take() -> Inbound? {
            guard !isEmpty else { return nil }
            let first = waiting[head]
            head += 1
            if head == waiting.count {
                waiting.removeAll(keepingCapacity: true)
                head = 0
            } else if head > 64, head > waiting.count / 2 {
                waiting.removeFirst(head)
                head = 0
            }
            if case .datagram(let datagram) = first {
                bytes -= datagram.bytes.count + SimulationLimits.socketOverheadBytes
            }
            return first
        }

        /// How many datagrams from an address wait.
        func datagrams(from address: NetworkAddress) -> Int {
            waiting[head...].count {
                if case .datagram(let datagram) = $0 {
                    datagram.from == address && !datagram.isBad
                } else {
                    false
                }
            }
        }
    }
}
