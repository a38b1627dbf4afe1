import Mesh
import Noise
import Secrets
import Testing
import Trust
import Wire

let superseded = SecretBytes([UInt8](repeating: 4, count: 32), in: .pooled)
let supersededID: [UInt8] = [9, 9, 9, 9, 9, 9, 9, 9]
let ticketKey = SecretBytes([UInt8](repeating: 5, count: 32), in: .pooled)

/// The key ids of tickets begin with these bytes.
let ticketBeginning: [UInt8] = [7, 7, 7, 7, 7, 7, 7]

func source(_ number: Int) -> AdmissionSource {
    AdmissionSource(address: (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) })
}

/// One node's door in simulated time, with the links' side of it: handshakes that were admitted
/// are released when they are over, or at their deadline.
struct DoorWorld {
    let mesh: TestMesh
    let host: TestNode
    let keys: LaneKeys
    var doorman: Doorman
    var now = start
    private var nextConnection: UInt64 = 1
    private var releases: [(at: MonotonicInstant, connection: UInt64)] = []
    private(set) var closed: [UInt64: AdmissionRefusal] = [:]

    init() throws {
        mesh = try TestMesh()
        host = try mesh.member("host")
        keys = LaneKeys(
            member: [gateID: gate], catchUp: [gateID: gate, supersededID: superseded],
            ticket: { $0.starts(with: ticketBeginning) ? ticketKey : nil })
        doorman = Doorman(
            genesis: mesh.genesis, keys: keys,
            trust: TrustState(),
            secret: SecretBytes([UInt8](repeating: 1, count: 32)))
    }

    /// What became of one connection.
    struct Visit {
        let connection: UInt64
        var sent: [UInt8] = []
        var admitted: AdmittedConnection?
    }

    /// Moves time on, and lets what is due happen.
    mutating func advance(_ duration: Duration) {
        now = now + duration
        while let next = releases.first, next.at <= now {
            doorman.released(next.connection)
            releases.removeFirst()
        }
        note(doorman.tick(at: now))
    }

    @discardableResult
    private mutating func note(_ effects: [AdmissionEffect], for connection: UInt64 = 0) -> Visit {
        var visit = Visit(connection: connection)
        for effect in effects {
            switch effect {
            case .send(let bytes, let number):
                if number == connection { visit.sent += bytes }
            case .admit(let admitted):
                if admitted.connection == connection { visit.admitted = admitted }
                releases.append(
                    (admitted.arrivedAt + LinkLimits.handshakeDeadline, admitted.connection))
            case .close(let number, let reason): closed[number] = reason
            }
        }
        return visit
    }

    /// A connection comes and says its first bytes.
    mutating func visit(_ bytes: [UInt8], from source: AdmissionSource) -> Visit {
        let connection = nextConnection
        nextConnection += 1
        note(doorman.arrived(connection, from: source, at: now), for: connection)
        return say(bytes, on: connection)
    }

    mutating func say(_ bytes: [UInt8], on connection: UInt64) -> Visit {
        note(doorman.receive(bytes, on: connection, at: now, wall: wall), for: connection)
    }

    /// The first bytes of a dial by somebody who holds the key.
    func firstBytes(
        lane: LinkLane = .member, id: [UInt8] = gateID, key: SecretBytes = gate
    ) throws -> [UInt8] {
        var dial = try mesh.stranger().dial(lane: lane, id: id, key: key)
        var outcome = Outcome()
        return outcome.take(dial.start())
    }

    /// One whole dial of `node`, its answers `roundTrip` after what they answer. Meanwhile
    /// `others` happens.
    ///
    /// - Returns: The link as the host sees it, or nil when the door or the handshake refused it.
    mutating func dial(
        _ node: TestNode, lane: LinkLane = .member, id: [UInt8] = gateID, key: SecretBytes = gate,
        from source: AdmissionSource, roundTrip: Duration = .zero,
        others: (inout DoorWorld) throws -> Void = { _ in }
    ) throws -> (link: EstablishedLink?, refusal: AdmissionRefusal?) {
        var initiator = try node.dial(lane: lane, id: id, key: key)
        var outcome = Outcome()
        var visit = visit(outcome.take(initiator.start()), from: source)
        if visit.admitted == nil, !visit.sent.isEmpty {
            let answer = outcome.take(initiator.receive(visit.sent))
            let until = now + roundTrip
            while now < until { try others(&self) }
            visit = say(answer, on: visit.connection)
        }
        guard let admitted = visit.admitted else { return (nil, closed[visit.connection]) }
        defer { released(admitted.connection) }
        var responder = LinkHandshake(
            admitted: admitted, local: try host.local(), verifier: host.verifier,
            ephemeral: .generate())
        var here = Outcome()
        let second = here.take(responder.start())
        let third = outcome.take(initiator.receive(second))
        _ = here.take(responder.receive(third))
        return (here.established, nil)
    }

    private mutating func released(_ connection: UInt64) {
        doorman.released(connection)
        releases.removeAll { $0.connection == connection }
    }

    /// Takes all of the open room, from as many sources as that needs.
    mutating func fillOpenRoom() throws {
        for number in 0..<AdmissionLimits.openRoom {
            let from = 1_000_000 + number / AdmissionLimits.openRoomPerSource
            let visit = visit(try firstBytes(), from: source(from))
            try #require(visit.admitted != nil)
        }
    }
}
