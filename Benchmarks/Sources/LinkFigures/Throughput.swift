import CSodium
import Foundation
import Mesh
import MeshTransport
import Wire

/// How fast one stream is, beside the cipher alone in the same run.
public struct ThroughputFigure: Sendable, Encodable {
    /// Bytes that each round moves.
    public let bytesPerRound: Int
    /// Of the stream, a megabyte being 10^6 bytes.
    public let megabytesPerSecond: Double
    /// Of libsodium's ChaCha20-Poly1305 sealing messages of 16 KiB on one core.
    public let libsodiumMegabytesPerSecond: Double
    /// The median over the rounds of the one in percent of the other.
    public let sharePercent: Double
    /// What the processor time of the busier of the two processes would allow, if each had a core
    /// of its own and nothing in it ran beside something else: a figure that other work on the
    /// machine changes little.
    public let processorMegabytesPerSecond: Double
    /// The same in percent of libsodium's.
    public let processorSharePercent: Double

    static func measure(
        over link: Link, service: LinkService, plan: LinkFigures.Plan, server: Server
    ) async throws -> ThroughputFigure {
        var cipher = CipherAlone()
        var (streams, ciphers, shares) = ([Double](), [Double](), [Double]())
        var (processors, processorShares) = ([Double](), [Double]())
        // The first round warms up and does not count.
        for round in 0...plan.rounds {
            let alone = cipher.rate(bytes: plan.bytesPerRound)
            let (here, there) = (processSeconds(), try server.usage().processorSeconds)
            let rate = try await Self.rate(link, service, plan.bytesPerRound)
            let spent = max(
                processSeconds() - here, try server.usage().processorSeconds - there)
            guard round > 0 else { continue }
            let allowed = Double(plan.bytesPerRound) / 1e6 / spent
            streams.append(rate)
            ciphers.append(alone)
            shares.append(100 * rate / alone)
            processors.append(allowed)
            processorShares.append(100 * allowed / alone)
        }
        return ThroughputFigure(
            bytesPerRound: plan.bytesPerRound, megabytesPerSecond: median(streams),
            libsodiumMegabytesPerSecond: median(ciphers), sharePercent: median(shares),
            processorMegabytesPerSecond: median(processors),
            processorSharePercent: median(processorShares))
    }

    private static func rate(_ link: Link, _ service: LinkService, _ count: Int) async throws
        -> Double
    {
        let piece = [UInt8](repeating: 0x5a, count: 1 << 20)
        let stream = try await link.open(service: service)
        let begin = monotonicNanoseconds()
        var sent = 0
        while sent < count {
            try await stream.send(piece)
            sent += piece.count
        }
        stream.finish()
        let said = String(decoding: try await stream.readAll(limit: 100), as: UTF8.self)
        let seconds = Double(monotonicNanoseconds() - begin) / 1e9
        guard said == "\(sent)" else { throw LinkFiguresError("\(said) bytes of \(sent) came") }
        return Double(sent) / 1e6 / seconds
    }
}

/// libsodium's cipher, with nothing around it.
private struct CipherAlone {
    private let key = [UInt8](repeating: 7, count: 32)
    private var nonce = [UInt8](repeating: 0, count: 12)
    private let plaintext = [UInt8](repeating: 0x5a, count: 16_384)
    private var ciphertext = [UInt8](repeating: 0, count: 16_400)

    /// Megabytes per second of one core, by the time that the thread ran.
    mutating func rate(bytes: Int) -> Double {
        let messages = bytes / plaintext.count
        let begin = threadSeconds()
        for message in 0..<messages {
            nonce[4] = UInt8(truncatingIfNeeded: message)
            crypto_aead_chacha20poly1305_ietf_encrypt(
                &ciphertext, nil, plaintext, UInt64(plaintext.count), nil, 0, nil, nonce, key)
        }
        return Double(messages * plaintext.count) / 1e6 / (threadSeconds() - begin)
    }
}

func threadSeconds() -> Double { seconds(of: CLOCK_THREAD_CPUTIME_ID) }

func processSeconds() -> Double { seconds(of: CLOCK_PROCESS_CPUTIME_ID) }

private func seconds(of clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
