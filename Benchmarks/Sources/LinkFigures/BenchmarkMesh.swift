import Foundation
import Logging
import Mesh
import MeshTransport
import Synchronization
import Trust
import Wire

/// A mesh that several processes of one run can make members of: whoever has its text can.
struct BenchmarkMesh: Sendable {
    let genesis: Genesis
    let gateKeys: GateKeyRing
    private let authority: Identity
    private let seed: [UInt8]
    private let names = Counter()

    private final class Counter: Sendable {
        private let count = Mutex(0)
        func next() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }
    }

    init() throws {
        var random = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        guard let authority = Identity(seed: seed) else { throw LinkFiguresError("no identity") }
        let genesis = try Self.genesis(of: authority)
        try self.init(
            seed: seed, gateKeys: .first(by: authority, certificate: nil, mesh: genesis.id))
    }

    private static func genesis(of authority: Identity) throws -> Genesis {
        try Genesis(
            name: "benchmark", authority: authority.nodeID,
            created: WallTime(seconds: 1_700_000_000))
    }

    private init(seed: [UInt8], gateKeys: GateKeyRing) throws {
        guard let authority = Identity(seed: seed) else { throw LinkFiguresError("no identity") }
        self.seed = seed
        self.authority = authority
        self.gateKeys = gateKeys
        genesis = try Self.genesis(of: authority)
    }

    /// All of it, secrets included.
    var text: String {
        (seed + gateKeys.encoded).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    init(text: String) throws {
        var bytes: [UInt8] = []
        var rest = Substring(text)
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        guard bytes.count > 32 else { throw LinkFiguresError("no mesh") }
        try self.init(
            seed: Array(bytes.prefix(32)),
            gateKeys: GateKeyRing(decoding: Array(bytes.dropFirst(32))))
    }

    func credentials() throws -> LinkCredentials {
        let identity = Identity.generate()
        let now = wallNow()
        let chain = CertificateChain(
            member: try Certificate(
                .init(
                    kind: .member, mesh: genesis.id, subject: identity.nodeID,
                    name: "node-\(names.next())", roles: [.server, .client], labels: [],
                    serial: .random(in: 1...UInt64.max), epoch: 1, notBefore: now,
                    notAfter: now + .seconds(86_400), issuer: authority.nodeID),
                signedBy: authority),
            issuer: nil)
        return LinkCredentials(
            identity: identity, chain: chain, genesis: genesis, gateKeys: gateKeys,
            trust: TrustState(),
            linkKey: .generate(now: now))
    }

    /// A member of its own, or one with the credentials given.
    func node(_ credentials: LinkCredentials? = nil) async throws -> LinkTransport {
        try await LinkTransport(
            credentials: try credentials ?? self.credentials(),
            logger: Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() }),
            wallClock: wallNow)
    }
}

func wallNow() -> WallTime { WallTime(seconds: UInt64(Date().timeIntervalSince1970)) }

/// What the figures stop with.
public struct LinkFiguresError: Error, CustomStringConvertible {
    /// What went wrong.
    public let description: String

    init(_ description: String) { self.description = description }
}
