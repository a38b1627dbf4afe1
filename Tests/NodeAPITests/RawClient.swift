import Dispatch
import Foundation

/// A client down at the socket, since only such a one can go away in mid-answer. Its calls
/// block, so they are made on a queue and not on Swift's own threads.
final class RawClient: Sendable {
    struct CannotConnect: Error {}

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "raw client")

    init(port: Int) async throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        let result = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw CannotConnect() }
        self.descriptor = descriptor
    }

    func send(_ text: String) async {
        await onQueue { [descriptor] in
            let bytes = Array(text.utf8)
            _ = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// All that comes until `end` has come, or the server has closed the connection.
    func read(until end: String) async -> String {
        await onQueue { [descriptor] in
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while !String(decoding: bytes, as: UTF8.self).contains(end) {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                bytes += buffer.prefix(count)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Whether nothing comes for so long, not even the connection's end.
    func isSilent(forMilliseconds limit: Int32) async -> Bool {
        await onQueue { [descriptor] in
            var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&waited, 1, limit) == 0
        }
    }

    func close() { _ = Foundation.close(descriptor) }

    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }
}
