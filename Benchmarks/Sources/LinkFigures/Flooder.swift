import Foundation
import Mesh
import MeshTransport
import Noise
import Trust
import Wire

/// What a flood consists of.
enum FloodKind: String, Sendable, CaseIterable, Encodable {
    /// Bytes of chance behind a preamble of the mesh.
    case random
    /// First messages that are right, as whoever holds the gate key can make them.
    case valid
    /// One right first message again and again.
    case replayed
}

/// Sends first messages to a port at a rate, each on a connection of its own, and waits for no
/// answer.
enum Flooder {
    /// Connections that are kept until the other side ends them.
    private static let openMax = 3000

    /// `KIND PORT PER-SECOND SECONDS MESH`. Says how many were sent, after the line `go`.
    static func run(_ words: [String]) throws {
        guard words.count == 5, let kind = FloodKind(rawValue: words[0]),
            let port = UInt16(words[1]), let rate = Int(words[2]), let seconds = Int(words[3])
        else { throw LinkFiguresError("no flood") }
        let mesh = try BenchmarkMesh(text: words[4])
        let messages = try messages(of: kind, mesh, count: kind == .valid ? rate * seconds : 1)
        raiseDescriptors()
        LinkPeerProcess.say("ready")
        _ = LineReader(.standardInput).next()
        let begin = monotonicNanoseconds()
        var (sent, failed) = (0, 0)
        var open: [Int32] = []
        while true {
            let elapsed = Double(monotonicNanoseconds() - begin) / 1e9
            guard elapsed < Double(seconds) else { break }
            let due = Int(elapsed * Double(rate))
            while sent + failed < due {
                var message = messages[sent % messages.count]
                if kind == .random {
                    for index in 12..<message.count { message[index] = .random(in: 0...255) }
                }
                if let descriptor = send(message, to: port) {
                    open.append(descriptor)
                    sent += 1
                } else {
                    failed += 1
                }
                if open.count >= openMax { close(first: openMax / 2, of: &open) }
            }
            usleep(500)
        }
        close(first: open.count, of: &open)
        LinkPeerProcess.say("\(sent) \(failed)")
    }

    private static func messages(
        of kind: FloodKind, _ mesh: BenchmarkMesh, count: Int
    ) throws -> [[UInt8]] {
        let key = mesh.gateKeys.current.key
        guard let preamble = LinkPreamble(lane: .member, keyID: key.keyID) else { return [] }
        if kind == .random {
            return [preamble.encoded + [0, 48] + [UInt8](repeating: 0, count: 48)]
        }
        let credentials = try mesh.credentials()
        let identity = credentials.identity
        let local = try LinkHandshake.Local(
            identity: identity, chain: credentials.chain, linkKey: credentials.linkKey,
            mesh: mesh.genesis.id)
        return try (0..<count).map { _ in
            var handshake = try LinkHandshake(
                initiating: preamble, preSharedKey: key.preSharedSecret, local: local,
                expecting: nil,
                verifier: MemberVerifier(genesis: mesh.genesis, trust: nil, now: wallNow),
                ephemeral: .generate(), at: .origin)
            for case .send(let bytes) in handshake.start() { return bytes }
            return []
        }
    }

    private static func raiseDescriptors() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Connects, which loopback does at once, and sends.
    private static func send(_ message: [UInt8], to port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        // No waiting after the end: ports are used again.
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, length)
            }
        }
        guard result == 0 || errno == EINPROGRESS else {
            Glibc.close(descriptor)
            return nil
        }
        _ = Glibc.send(descriptor, message, message.count, Int32(MSG_NOSIGNAL))
        return descriptor
    }

    private static func close(first count: Int, of open: inout [Int32]) {
        for descriptor in open.prefix(count) { Glibc.close(descriptor) }
        open.removeFirst(count)
    }
}
