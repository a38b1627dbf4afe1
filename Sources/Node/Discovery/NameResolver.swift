import Foundation
import Synchronization
public import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Why a name gave no address.
public struct ResolutionFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// For a person.
    public let description: String
}

/// Resolves names, anew each time.
public struct NameResolver: Sendable {
    private let lookUp: @Sendable (String) async throws(ResolutionFailure) -> [NetworkAddress.Host]

    /// A resolver as given; for tests.
    init(
        _ lookUp:
            @escaping @Sendable (String) async throws(ResolutionFailure) -> [NetworkAddress.Host]
    ) { self.lookUp = lookUp }

    /// The system's, which reads `/etc/hosts` too.
    ///
    /// - Parameter limit: A look-up that takes longer fails.
    public static func system(
        within limit: Duration = DiscoveryLimits.lookupTimeout
    ) -> NameResolver {
        NameResolver { name throws(ResolutionFailure) in
            try await SystemLookup.run(name, within: limit)
        }
    }

    /// All addresses of a name, IPv6 and IPv4, in the system's order of preference; a numeric
    /// address is its own.
    public func addresses(
        of address: NetworkAddress
    ) async throws(ResolutionFailure) -> [NetworkAddress] {
        guard case .name(let name) = address.host else { return [address] }
        let found = try await lookUp(name).compactMap {
            NetworkAddress(host: $0, port: address.port)
        }
        guard !found.isEmpty else {
            throw ResolutionFailure(description: "the name \(name) has no address")
        }
        return found
    }
}

/// One call of getaddrinfo(3) on a thread of its own: it may block for minutes, and neither tasks
/// nor the pool for files may wait for it.
private enum SystemLookup {
    private static let running = Mutex(0)

    static func run(
        _ name: String, within limit: Duration
    ) async throws(ResolutionFailure) -> [NetworkAddress.Host] {
        let isStarted = running.withLock { count in
            guard count < DiscoveryLimits.lookupsMax else { return false }
            count += 1
            return true
        }
        guard isStarted else {
            throw ResolutionFailure(description: "too many names are being looked up")
        }
        let result: Result<[NetworkAddress.Host], ResolutionFailure> =
            await withCheckedContinuation { continuation in
                let once = OneAnswer(continuation)
                let thread = Thread {
                    let result = Result { () throws(ResolutionFailure) in try addresses(of: name) }
                    running.withLock { $0 -= 1 }
                    once.give(result)
                }
                thread.start()
                Task {
                    try? await Task.sleep(for: limit)
                    once.give(
                        .failure(
                            ResolutionFailure(
                                description: "the name \(name) was looked up in vain for "
                                    + "\(limit.components.seconds) s: no name server answers")))
                }
            }
        return try result.get()
    }

    private static func addresses(
        of name: String
    ) throws(ResolutionFailure) -> [NetworkAddress.Host] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, &hints, &list)
        guard code == 0 else {
            throw ResolutionFailure(description: reason(code, name))
        }
        defer { freeaddrinfo(list) }
        var hosts: [NetworkAddress.Host] = []
        var entry = list
        while let current = entry?.pointee {
            if let host = host(current.ai_addr), !hosts.contains(host) { hosts.append(host) }
            entry = current.ai_next
        }
        return hosts
    }

    private static func reason(_ code: Int32, _ name: String) -> String {
        switch code {
        case EAI_NONAME: "the name \(name) does not resolve: there is no such name"
        case EAI_AGAIN: "the name \(name) does not resolve now: the name server does not answer"
        default: "the name \(name) does not resolve: \(String(cString: gai_strerror(code)))"
        }
    }

    /// The address of a socket address that getaddrinfo(3) made; nil for one that needs a scope,
    /// which does not travel.
    private static func host(
        _ address: UnsafeMutablePointer<sockaddr>?
    ) -> NetworkAddress.Host? {
        guard let address else { return nil }
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            // The family says that the memory holds a sockaddr_in.
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin_addr) { .v4(Array($0)) }
            }
        case AF_INET6:
            // The family says that the memory holds a sockaddr_in6.
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                guard pointer.pointee.sin6_scope_id == 0 else { return nil }
                return withUnsafeBytes(of: pointer.pointee.sin6_addr) { .v6(Array($0)) }
            }
        default: return nil
        }
    }
}

/// The first answer counts; later ones are dropped.
private final class OneAnswer<Value: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Value, Never>?>

    init(_ continuation: CheckedContinuation<Value, Never>) {
        self.continuation = Mutex(continuation)
    }

    func give(_ value: Value) {
        let waiting = continuation.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        waiting?.resume(returning: value)
    }
}
