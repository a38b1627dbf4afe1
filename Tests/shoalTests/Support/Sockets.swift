import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Plain sockets to 127.0.0.1: for bytes that no client library would send.
enum Loopback {
    #if canImport(Glibc)
        private static let stream = Int32(SOCK_STREAM.rawValue)
        private static let datagram = Int32(SOCK_DGRAM.rawValue)
    #else
        private static let stream = SOCK_STREAM
        private static let datagram = SOCK_DGRAM
    #endif

    /// Sends bytes over a new connection, and gives what comes back until the other end closes,
    /// and how it ended.
    static func exchange(
        _ bytes: [UInt8], port: UInt16, waitsSeconds: Int = 60
    ) async throws -> (answer: [UInt8], end: String) {
        try await blocking {
            let descriptor = try connected(stream, port: port)
            defer { close(descriptor) }
            var limit = timeval(tv_sec: waitsSeconds, tv_usec: 0)
            setsockopt(
                descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit,
                socklen_t(MemoryLayout<timeval>.size))
            // The other end may close before it has read all.
            _ = try? sendAll(bytes, to: descriptor)
            var answer: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = recv(descriptor, &buffer, buffer.count, 0)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    return (answer, count == 0 ? "closed" : String(cString: strerror(errno)))
                }
                answer += buffer[..<count]
            }
        }
    }

    /// Opens a connection and closes it without a byte.
    static func touch(port: UInt16) async throws {
        try await blocking { _ = close(try connected(stream, port: port)) }
    }

    /// Sends one datagram.
    static func send(datagram bytes: [UInt8], port: UInt16) async throws {
        try await blocking {
            let descriptor = try connected(datagram, port: port)
            defer { close(descriptor) }
            _ = try? sendAll(bytes, to: descriptor)
        }
    }

    private static func blocking<T: Sendable>(
        _ body: @escaping @Sendable () throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// A connection, as a descriptor of the caller's.
    static func stream(to port: UInt16) throws -> Int32 { try connected(stream, port: port) }

    /// A socket that listens at a free port, as a descriptor of the caller's.
    static func listener() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, stream, 0)
        guard descriptor >= 0 else { throw Problem("no socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isListening else {
            close(descriptor)
            throw Problem("cannot listen")
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private static func connected(_ type: Int32, port: UInt16) throws -> Int32 {
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { throw Problem("no socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Problem("cannot connect to port \(port): \(reason)")
        }
        return descriptor
    }

    static func sendAll(_ bytes: [UInt8], to descriptor: Int32) throws {
        #if canImport(Glibc)
            let flags = Int32(MSG_NOSIGNAL)
        #else
            let flags: Int32 = 0
        #endif
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, flags)
            }
            guard count > 0 else { throw Problem("the connection closed") }
            rest = rest.dropFirst(count)
        }
    }
}

/// An answer over HTTP.
struct HTTPAnswer {
    let status: Int
    let body: String

    /// The `data` of each server-sent event.
    var events: [String] {
        body.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map {
            String($0.dropFirst(6)).trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    /// What `error.message` of the body says.
    var errorMessage: String? {
        struct Body: Decodable {
            struct Detail: Decodable { var message: String }
            var error: Detail
        }
        return try? JSONDecoder().decode(Body.self, from: Data(body.utf8)).error.message
    }

    /// Sends one request to `base`, as `http://127.0.0.1:PORT`; a POST if there is a body.
    static func of(_ base: String, _ path: String, body: String? = nil) async throws -> HTTPAnswer {
        guard let port = URL(string: base)?.port.flatMap({ UInt16(exactly: $0) }) else {
            throw Problem("'\(base)' has no port")
        }
        var head = "\(body == nil ? "GET" : "POST") \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        head += "Connection: close\r\n"
        if let body {
            head += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
        }
        let (bytes, end) = try await Loopback.exchange(
            Array((head + "\r\n" + (body ?? "")).utf8), port: port)
        guard !bytes.isEmpty else { throw Problem("no answer at all from \(base)\(path): \(end)") }
        return try HTTPAnswer(bytes)
    }

    private init(_ bytes: [UInt8]) throws {
        let text = Data(bytes)
        guard let end = text.firstRange(of: Data("\r\n\r\n".utf8)) else {
            throw Problem("no HTTP answer: \(String(decoding: bytes.prefix(500), as: UTF8.self))")
        }
        let head = String(decoding: text[..<end.lowerBound], as: UTF8.self)
        guard let code = Int(head.split(separator: " ").dropFirst().first ?? "") else {
            throw Problem("no status in: \(head)")
        }
        status = code
        var rest = text[end.upperBound...]
        guard head.lowercased().contains("transfer-encoding: chunked") else {
            body = String(decoding: rest, as: UTF8.self)
            return
        }
        var whole = Data()
        while let line = rest.firstRange(of: Data("\r\n".utf8)),
            let count = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16),
            count > 0
        {
            let data = rest[line.upperBound...]
            whole += data.prefix(count)
            rest = data.dropFirst(count + 2)
        }
        body = String(decoding: whole, as: UTF8.self)
    }
}

/// Bytes that look random and are the same in every run (SplitMix64).
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    var bytes: [UInt8] = []
    while bytes.count < count {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        word ^= word >> 31
        withUnsafeBytes(of: word.littleEndian) { bytes += $0 }
    }
    return Array(bytes.prefix(count))
}
