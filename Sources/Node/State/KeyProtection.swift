import Platform
public import Trust
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How a node's identity, and an authority's key, lie on disk: as they are in a file of mode 0600,
/// or sealed under a passphrase as well.
public struct KeyProtection: Sendable {
    /// The passphrase's bytes; nil for none.
    let passphrase: [UInt8]?

    /// As they are.
    public static let none = KeyProtection(passphrase: nil)

    init(passphrase: [UInt8]?) { self.passphrase = passphrase }

    /// Under the passphrase that a file holds: all of it but line ends at its end. The file is the
    /// user's alone. It may be a link, as those of secret managers are.
    public init(passphraseFile path: String) throws(StateError) {
        // Not blocking, in case the path is a pipe that nobody writes to.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .system(path: path, operation: "read", reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        guard let status = FileStatus(descriptor: descriptor), status.kind == .regular else {
            throw .notPlain(path: path)
        }
        guard status.permissions & 0o077 == 0 else {
            throw .exposed(path: path, mode: String(status.permissions, radix: 8))
        }
        var buffer = [UInt8](repeating: 0, count: TrustLimits.passphraseBytesMax + 2)
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else {
            throw .system(path: path, operation: "read", reason: String(cString: strerror(errno)))
        }
        var bytes = Array(buffer.prefix(count))
        while let last = bytes.last, last == 0x0a || last == 0x0d { bytes.removeLast() }
        guard (1...TrustLimits.passphraseBytesMax).contains(bytes.count) else {
            throw .invalid(
                "\(path) must hold a passphrase of 1 to \(TrustLimits.passphraseBytesMax) bytes")
        }
        passphrase = bytes
    }
}

/// Keys of nodes and authorities in files of their own.
enum KeyFile {
    private static func sealedKind(_ kind: String) -> String { "sealed \(kind)" }

    /// A key's file, with `before` in the clear beside it.
    static func content(
        _ identity: Identity, kind: String, before: [UInt8] = [], _ protection: KeyProtection
    ) throws(StateError) -> [UInt8] {
        guard let passphrase = protection.passphrase else {
            return StateDirectory.sealed(kind, before + identity.seed)
        }
        do {
            let sealed = try SealedIdentity(identity, passphrase: passphrase)
            return StateDirectory.sealed(sealedKind(kind), before + sealed.encoded)
        } catch {
            throw .trust(error)
        }
    }

    /// What a key's file holds.
    enum Found {
        /// A key as it is.
        case plain(Identity)
        /// A key under a passphrase.
        case sealed(SealedIdentity)

        /// Whose key it is.
        var node: NodeID {
            switch self {
            case .plain(let identity): identity.nodeID
            case .sealed(let sealed): sealed.node
            }
        }
    }

    /// Reads a key's file without opening what is sealed.
    ///
    /// - Parameter before: Reads what lies in the clear before the key.
    static func read<T>(
        _ name: String, in files: DirectoryFiles, kind: String,
        before: (inout ByteReader) throws(WireError) -> T
    ) throws(StateError) -> (T, Found) {
        let (found, bytes) = try StateDirectory.load(
            files, name, oneOf: [kind, sealedKind(kind)], secret: true)
        do {
            var reader = ByteReader(bytes)
            let head = try before(&reader)
            if found == kind {
                guard let identity = Identity(seed: Array(reader.readRest())) else {
                    throw WireError.invalid(field: "key")
                }
                return (head, .plain(identity))
            }
            return (head, .sealed(try SealedIdentity(decoding: Array(reader.readRest()))))
        } catch {
            throw .damaged(path: files.path(name), reason: "it is not a key")
        }
    }

    static func read(
        _ name: String, in files: DirectoryFiles, kind: String
    ) throws(StateError) -> Found {
        try read(name, in: files, kind: kind) { (_) throws(WireError) in () }.1
    }

    /// Opens a key, if need be by the passphrase.
    static func open(
        _ found: Found, path: String, _ protection: KeyProtection
    ) throws(StateError) -> Identity {
        switch found {
        case .plain(let identity): return identity
        case .sealed(let sealed):
            guard let passphrase = protection.passphrase else { throw .sealed(path: path) }
            do throws(TrustError) {
                return try sealed.open(passphrase: passphrase)
            } catch .wrongPassphrase {
                throw .wrongPassphrase(path: path)
            } catch {
                throw .trust(error)
            }
        }
    }
}

/// A mesh's authority key in a file, with the mesh's first record: all that certifying takes, so that
/// the file can be kept apart from every node.
public struct AuthorityKey: Sendable {
    /// The mesh.
    public let genesis: Genesis
    /// The key.
    public let identity: Identity

    static let kind = "authority key"

    static func content(
        _ identity: Identity, genesis: Genesis, _ protection: KeyProtection
    ) throws(StateError) -> [UInt8] {
        try KeyFile.content(identity, kind: kind, before: genesis.encoded, protection)
    }

    /// Reads the key from a file anywhere.
    public init(file path: String, _ protection: KeyProtection) throws(StateError) {
        let (files, name) = DirectoryFiles.split(path)
        try self.init(in: files, name: name, protection)
    }

    init(
        in files: DirectoryFiles, name: String, _ protection: KeyProtection
    ) throws(StateError) {
        let (genesis, found) = try KeyFile.read(name, in: files, kind: Self.kind) {
            (reader) throws(WireError) in try Genesis(from: &reader)
        }
        guard found.node == genesis.authority else {
            throw .damaged(path: files.path(name), reason: "the key is not the mesh's authority's")
        }
        self.genesis = genesis
        identity = try KeyFile.open(found, path: files.path(name), protection)
    }

    /// Writes a key where none is, for its owner alone.
    static func write(_ content: [UInt8], toNewFile path: String) throws(StateError) {
        let (files, name) = DirectoryFiles.split(path)
        guard try files.createExclusively(content, at: name) else {
            throw .invalid(
                "\(path) is there already\(description(of: name, in: files)): name a new file for "
                    + "the authority's key")
        }
    }

    /// What a file is that is in the way of an authority's key, if it is such a key itself.
    private static func description(of name: String, in files: DirectoryFiles) -> String {
        let found = try? KeyFile.read(name, in: files, kind: kind) {
            (reader) throws(WireError) in try Genesis(from: &reader)
        }
        guard let genesis = found?.0 else { return "" }
        return ", the authority's key of the mesh '\(genesis.name)' (\(genesis.fingerprint)). If "
            + "that was to be made by an init that was interrupted, no node has it: remove the "
            + "file. Else"
    }

    /// Unfinished files of an authority's key beside where one is to be: an init was interrupted
    /// while it wrote them.
    public static func leftovers(beside path: String) -> [String] {
        let (files, name) = DirectoryFiles.split(path)
        return files.list("").filter { $0.hasPrefix("\(name).new-") }.map(files.path)
    }
}

extension DirectoryFiles {
    /// A file anywhere, as a directory and a name in it.
    static func split(_ path: String) -> (DirectoryFiles, name: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        let root = path.hasPrefix("/") ? (folder.isEmpty ? "/" : folder) : folder
        return (DirectoryFiles(root: root.isEmpty ? "." : root), String(parts.last ?? ""))
    }
}
