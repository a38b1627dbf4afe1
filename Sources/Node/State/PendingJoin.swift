import Synchronization
import Trust
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The identity with which a ticket is about to be used, or was used without an answer that came.
///
/// The inviter remembers which node used a ticket. A joiner that crashed, or whose answer was lost,
/// comes again as the same node and is let in; as another it would find its ticket used up. So the
/// identity is on disk before the first request is sent, and goes when the answer is known.
final class PendingJoin: Sendable {
    /// The new node's.
    let identity: Identity
    /// Whether an earlier attempt kept it.
    let isResumed: Bool
    private let files: DirectoryFiles
    private let keys: KeyProtection
    private let name: String
    private let kept = Mutex<Result<Bool, StateError>>(.success(false))

    private static let folder = "joining"
    private static let kind = "joining identity"

    /// The identity for this ticket in a directory: that of an earlier attempt, else a new one,
    /// which is not written yet.
    init(at path: String, ticket: Ticket, keys: KeyProtection) throws(StateError) {
        self.keys = keys
        files = DirectoryFiles(root: path)
        name = "\(Self.folder)/\(hexadecimal(ticket.keyID))"
        isResumed = files.exists(name)
        if isResumed {
            let found = try KeyFile.read(name, in: files, kind: Self.kind)
            identity = try KeyFile.open(found, path: files.path(name), keys)
        } else {
            identity = Identity.generate()
        }
    }

    /// Whether an attempt with this ticket has begun here.
    static func exists(in files: DirectoryFiles, ticket: Ticket?) -> Bool {
        ticket.map { files.exists("\(folder)/\(hexadecimal($0.keyID))") } ?? false
    }

    /// Whether an attempt with any ticket has begun here.
    static func existsAny(in files: DirectoryFiles) -> Bool {
        files.list(folder).contains { !$0.contains(".new-") }
    }

    /// Writes the identity. Returns whether it is on disk now.
    func keep() -> Bool {
        let result: Result<Bool, StateError> = Result { () throws(StateError) in
            if !isResumed {
                try files.makeDirectory()
                try files.checkRoot()
                try files.makeDirectory(Self.folder)
                try files.write(KeyFile.content(identity, kind: Self.kind, keys), to: name)
            }
            return true
        }
        kept.withLock { $0 = result }
        return (try? result.get()) ?? false
    }

    /// Whether it was kept in this attempt, or why it could not be.
    var isKept: Bool {
        get throws(StateError) { try kept.withLock { $0 }.get() }
    }

    /// Forgets it: the answer is known. Directories that are empty then go too.
    func forget() {
        files.remove(name)
        // Neither is removed while something is in it.
        rmdir(files.path(Self.folder))
        rmdir(files.root)
    }

    /// Removes what is left of attempts, in the directory of a node that has joined.
    static func forgetAll(in files: DirectoryFiles) {
        for name in files.list(folder) { files.remove("\(folder)/\(name)") }
        rmdir(files.path(folder))
    }
}
