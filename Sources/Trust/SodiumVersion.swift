import CSodium

/// The version of the libsodium that this process runs with, such as `1.0.18`.
public var libsodiumVersion: String { String(cString: sodium_version_string()) }
