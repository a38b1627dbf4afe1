import Mesh
import Noise
import Secrets
import Testing
import Trust
import Wire

let wall = WallTime(seconds: 1_800_000_000)

/// A mesh of one authority and as many members as a test wants.
struct TestMesh {
    let authority = Identity.generate()
    let genesis: Genesis

    init() throws {
        genesis = try Genesis(name: "test", authority: authority.nodeID, created: wall)
    }

    func member(_ name: String, from notBefore: WallTime = wall) throws -> TestNode {
        let identity = Identity.generate()
        let certificate = try Certificate(
            .init(
                kind: .member, mesh: genesis.id, subject: identity.nodeID, name: name,
                roles: [.server, .client], labels: [], serial: 1, epoch: 1, notBefore: notBefore,
                notAfter: notBefore + .seconds(86_400), issuer: authority.nodeID),
            signedBy: authority)
        return TestNode(
            identity: identity, chain: CertificateChain(member: certificate, issuer: nil),
            genesis: genesis)
    }

    func stranger() -> TestNode {
        TestNode(identity: .generate(), chain: nil, genesis: genesis)
    }
}

struct TestNode {
    let identity: Identity
    let chain: CertificateChain?
    let genesis: Genesis
    let linkKey = LinkKeyPair.generate(now: wall)

    func local() throws -> LinkHandshake.Local {
        try LinkHandshake.Local(
            identity: identity, chain: chain, linkKey: linkKey, mesh: genesis.id)
    }

    var verifier: MemberVerifier { MemberVerifier(genesis: genesis, trust: nil) { wall } }

    func dial(
        lane: LinkLane = .member, id: [UInt8] = gateID, key: SecretBytes = gate,
        purpose: LinkPurpose = .primary, expecting: NodeID? = nil
    ) throws -> LinkHandshake {
        let preamble = try #require(LinkPreamble(lane: lane, keyID: id))
        return try LinkHandshake(
            initiating: preamble, purpose: purpose, preSharedKey: key, local: try local(),
            expecting: expecting,
            verifier: verifier, ephemeral: .generate(), at: start)
    }

    func answer(
        key: SecretBytes = gate, lanes: Set<LinkLane> = [.member, .join]
    ) throws -> LinkHandshake {
        LinkHandshake(
            responding: { $0.keyID == gateID && lanes.contains($0.lane) ? key : nil },
            local: try local(), verifier: verifier, ephemeral: .generate(), at: start)
    }
}

let gate = SecretBytes([UInt8](repeating: 3, count: 32), in: .pooled)
let gateID: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

struct Outcome {
    var established: EstablishedLink?
    var error: LinkError?
    var sent: [UInt8] = []

    mutating func take(_ effects: [HandshakeEffect]) -> [UInt8] {
        var bytes: [UInt8] = []
        for effect in effects {
            switch effect {
            case .send(let sent): bytes += sent
            case .established(let link): established = link
            case .fail(let reason): error = reason
            }
        }
        sent += bytes
        return bytes
    }
}

/// Runs a handshake, the bytes cut into pieces of at most `piece`.
func run(
    _ initiator: LinkHandshake, _ responder: LinkHandshake, piece: Int = .max,
    tamper: (_ direction: Int, [UInt8]) -> [UInt8] = { $1 }
) -> (Outcome, Outcome) {
    var sides = [initiator, responder]
    var outcomes = [Outcome(), Outcome()]
    var direction = 0
    var bytes = outcomes[0].take(sides[0].start())
    while !bytes.isEmpty {
        bytes = tamper(direction, bytes)
        let receiver = 1 - direction
        var answer: [UInt8] = []
        for first in stride(from: 0, to: bytes.count, by: min(piece, bytes.count)) {
            let end = piece == .max ? bytes.count : min(first + piece, bytes.count)
            answer += outcomes[receiver].take(sides[receiver].receive(Array(bytes[first..<end])))
        }
        bytes = answer
        direction = receiver
    }
    return (outcomes[0], outcomes[1])
}
