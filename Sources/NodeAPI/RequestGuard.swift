import HTTPTypes
import Hummingbird
import NIOCore

/// Where a page of a browser came from: `scheme://host` or `scheme://host:port`, as the header
/// `Origin` says it (RFC 6454).
public struct HTTPOrigin: Hashable, Sendable {
    let scheme: String
    let place: HostAndPort

    /// Parses an origin; nil if the text is none. `null` is none: it stands for no place.
    public init?(_ text: String) {
        guard text.utf8.count <= NodeAPILimits.originBytesMax,
            let mark = text.firstRange(of: "://")
        else { return nil }
        scheme = text[..<mark.lowerBound].lowercased()
        guard !scheme.isEmpty,
            let place = HostAndPort(String(text[mark.upperBound...]), scheme: scheme)
        else { return nil }
        self.place = place
    }
}

/// A host and its port, as a request names them.
struct HostAndPort: Hashable, Sendable {
    /// In lower case, without the brackets of an IPv6 address and without a final dot.
    let host: String
    let port: Int?

    init?(_ text: String, scheme: String) {
        var name = text.lowercased()[...]
        var number: Substring?
        if name.hasPrefix("[") {
            guard let end = name.firstIndex(of: "]") else { return nil }
            let rest = name[name.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            if !rest.isEmpty { number = rest.dropFirst() }
            name = name[name.index(after: name.startIndex)..<end]
        } else if let colon = name.firstIndex(of: ":") {
            number = name[name.index(after: colon)...]
            name = name[..<colon]
        }
        if name.hasSuffix(".") { name = name.dropLast() }
        guard !name.isEmpty, !name.contains(where: { "/?#@\\ ".contains($0) }) else { return nil }
        let standard: Int? =
            switch scheme {
            case "http": 80
            case "https": 443
            default: nil
            }
        switch number {
        case nil: port = standard
        case let digits?:
            guard digits.utf8.count <= 5, let value = UInt16(digits) else { return nil }
            port = Int(value)
        }
        host = String(name)
    }

    /// Whether only this machine has the place, whoever resolves the name.
    var isLoopback: Bool { NodeHTTPConfiguration.isLoopback(host: host) }
}

extension NodeHTTPConfiguration {
    /// Whether what listens at `host`, a name or a numeric address, is reached from this machine
    /// alone. `localhost` and all under it is, by RFC 6761, never anybody else's name.
    public static func isLoopback(host: String) -> Bool {
        let name = host.lowercased()
        if name == "localhost" || name.hasSuffix(".localhost") { return true }
        return (try? SocketAddress(ipAddress: name, port: 0))?.isLoopback ?? false
    }
}

extension SocketAddress {
    /// By the address as inet_ntop(3) writes it, which writes each in one way.
    var isLoopback: Bool {
        guard let text = ipAddress else { return false }
        return text.hasPrefix("127.") || text == "::1" || text.hasPrefix("::ffff:127.")
    }
}

/// Keeps pages of the user's browser out, which reach whatever the user reaches:
///
/// - What comes to a loopback address names a loopback host. Else a page could give its own name
///   that address (DNS rebinding), and its requests would count as its own.
/// - What says from which page it comes (`Origin`) comes from this interface itself, or from a
///   page that the node was told of.
///
/// Programs that are no browsers send no `Origin`, and the host that they were told.
struct RequestGuard: RouterMiddleware {
    /// Whether the listener's own address is loopback.
    let isLoopback: Bool
    /// The pages that may ask besides.
    let origins: Set<HTTPOrigin>

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        let authority = request.head.authority
        let place = authority.flatMap { HostAndPort($0, scheme: "http") }
        try checkHost(authority, place, of: context.channel)
        guard let text = request.headers[.origin] else { return try await next(request, context) }
        guard let origin = HTTPOrigin(text) else { throw Self.foreign(text) }
        if origins.contains(origin) {
            var response =
                Self.isPreflight(request)
                ? Response(status: .noContent, headers: Self.preflightHeaders)
                : try await next(request, context)
            response.headers[.accessControlAllowOrigin] = text
            response.headers[.vary] = "Origin"
            return response
        }
        // The scheme may differ where something before this adds TLS; with it the standard port.
        let same = authority.flatMap { HostAndPort($0, scheme: origin.scheme) }
        guard let same, same == origin.place else { throw Self.foreign(text) }
        return try await next(request, context)
    }

    private func checkHost(
        _ authority: String?, _ place: HostAndPort?, of channel: any Channel
    ) throws {
        // Also where it listens at all addresses: the connection is to one of them.
        guard isLoopback || channel.localAddress?.isLoopback == true else { return }
        // Every browser names a host.
        guard let authority, !authority.isEmpty else { return }
        let named = origins.map(\.place.host)
        guard let place, place.isLoopback || named.contains(place.host) else {
            throw APIFailure(
                .forbidden, code: "host_not_allowed",
                message: "this address is asked by a loopback name, such as 127.0.0.1 or "
                    + "localhost, and not as '\(authority.prefix(256))'; a name that is to be "
                    + "allowed is listed under httpOrigins in the node's config.json")
        }
    }

    private static func foreign(_ origin: String) -> APIFailure {
        APIFailure(
            .forbidden, code: "origin_not_allowed",
            message: "a page of '\(origin.prefix(256))' may not ask this node; if it is to, its "
                + "origin is listed under httpOrigins in the node's config.json")
    }

    private static func isPreflight(_ request: Request) -> Bool {
        request.method == .options && request.headers[.accessControlRequestMethod] != nil
    }

    private static let preflightHeaders: HTTPFields = [
        .accessControlAllowMethods: "GET, HEAD, POST",
        .accessControlAllowHeaders: "authorization, content-type, idempotency-key, x-shoal-request",
        .accessControlMaxAge: "600",
    ]
}
