import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A wire between two ends that a test can cut: passes on what comes to a port of its own.
final class Proxy: Sendable {
    /// What becomes of the answers.
    enum Answers: Sendable {
        /// They are passed on.
        case pass
        /// The first frame (a 16-bit length and so many bytes) is; what follows is swallowed.
        case holdAfterFirstFrame
        /// The first frame is; then the connection is closed.
        case cutAfterFirstFrame
    }

    let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let mode = Mutex(Answers.pass)
    private let open = Mutex<[Int32]>([])

    init(to target: UInt16) throws {
        self.target = target
        let (descriptor, port) = try Loopback.listener()
        listener = descriptor
        self.port = port
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let server = try? Loopback.stream(to: target) else {
                    close(client)
                    continue
                }
                open.withLock { $0 += [client, server] }
                let answers = mode.withLock { $0 }
                Thread.detachNewThread { self.pass(from: client, to: server, .pass) }
                Thread.detachNewThread { self.pass(from: server, to: client, answers) }
            }
        }
    }

    /// From the next connection on.
    func set(_ answers: Answers) { mode.withLock { $0 = answers } }

    /// Ends everything.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        for descriptor in open.withLock({ $0 }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    private func pass(from source: Int32, to destination: Int32, _ answers: Answers) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var seen: [UInt8] = []
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            var bytes = Array(buffer[..<count])
            if answers != .pass {
                let before = seen.count
                seen += bytes
                guard seen.count >= 2 else { continue }
                let end = 2 + (Int(seen[0]) << 8 | Int(seen[1]))
                bytes = Array(seen[min(before, end)..<min(seen.count, end)])
                if seen.count > end, answers == .cutAfterFirstFrame { break }
            }
            if !bytes.isEmpty, (try? Loopback.sendAll(bytes, to: destination)) == nil { break }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(destination, Int32(SHUT_RDWR))
    }
}
