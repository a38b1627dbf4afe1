import NIOCore
import Wire

/// The addresses by which other machines may reach this one.
enum LocalAddresses {
    /// Candidates for a node that listens on `host` and `port`, best first. On all interfaces: each
    /// address of each, loopback only when there is no other, and at most
    /// ``WireLimits/addressesMax``.
    static func candidates(host: String, port: UInt16) -> [NetworkAddress] {
        guard host == "0.0.0.0" || host == "::" else {
            return [NetworkAddress(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")]
                .compactMap { $0 }
        }
        let usable = all(host: host, port: port)
        let outside = usable.filter { !$0.isLoopback }
        let chosen = outside.isEmpty ? usable : outside
        return Array(Set(chosen).sorted { "\($0)" < "\($1)" }.prefix(WireLimits.addressesMax))
    }

    /// Every address by which this machine reaches a node of its own that listens on `host` and
    /// `port`, loopback too.
    static func all(host: String, port: UInt16) -> [NetworkAddress] {
        guard host == "0.0.0.0" || host == "::" else {
            return [NetworkAddress(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)")]
                .compactMap { $0 }
        }
        let found = ((try? System.enumerateDevices()) ?? []).compactMap { device in
            device.address?.ipAddress
        }
        let addresses = found.compactMap { text -> NetworkAddress? in
            // Link-local addresses need a scope, which does not travel.
            if text.lowercased().hasPrefix("fe80") || text.contains("%") { return nil }
            return NetworkAddress(text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)")
        }
        return addresses.filter { host == "::" || $0.isIPv4 }
    }
}

extension NetworkAddress {
    fileprivate var isIPv4: Bool {
        if case .v4 = host { true } else { false }
    }
}
