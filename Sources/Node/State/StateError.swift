public import Trust

/// What is wrong with a state directory, and what to do.
public enum StateError: Error, Sendable, CustomStringConvertible {
    /// There is no mesh in the directory.
    case noMesh(path: String)
    /// A node is there, and the file that says in which version's form is not.
    case versionLost(path: String)
    /// A join was interrupted before its answer came.
    case unfinishedJoin(path: String)
    /// A mesh or a node was about to be made, and that was interrupted.
    case unfinished(path: String)
    /// There is one already.
    case alreadyInMesh(path: String, name: String, fingerprint: String)
    /// The directory was written by another version of shoal.
    case unsupportedVersion(path: String, found: String)
    /// A file that must be there is not.
    case missing(path: String)
    /// Others than the owner can read a secret.
    case exposed(path: String, mode: String)
    /// Others than the owner can change the directory's files.
    case writable(path: String, mode: String)
    /// A secret, or the directory, belongs to another user.
    case notOwned(path: String)
    /// A file is a link, or not a plain file.
    case notPlain(path: String)
    /// A file is not what it should be.
    case damaged(path: String, reason: String)
    /// There is no model file there.
    case noModel(path: String)
    /// A model file changed while it was read.
    case changed(path: String)
    /// The system refused.
    case system(path: String, operation: String, reason: String)
    /// Another process runs the node of this directory.
    case inUse(path: String)
    /// This node cannot let others in.
    case notAnIssuer(path: String)
    /// The authority's key is not in the directory.
    case noAuthority(path: String)
    /// A certificate is for another node than the directory's.
    case otherNode(path: String)
    /// A key is sealed under a passphrase that was not given.
    case sealed(path: String)
    /// A key is sealed under another passphrase.
    case wrongPassphrase(path: String)
    /// A value that cannot be.
    case invalid(String)
    /// A certificate or ticket is not accepted.
    case trust(TrustError)
    /// The ticket is for another mesh than the directory belongs to.
    case otherMesh(path: String, name: String, ticket: String)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .noMesh(let path):
            "\(path) belongs to no mesh: run `shoal mesh init` to make one, "
                + "or `shoal join TICKET-FILE` to join one"
        case .versionLost(let path):
            "\(path) holds a node, and its file VERSION is missing: restore it from a backup. It is "
                + "one line, '\(StateDirectory.version)' if a shoal of this version wrote the rest"
        case .unfinishedJoin(let path):
            "a join was interrupted in \(path): repeat it, by the same `shoal join` with the same "
                + "ticket. If that is not wanted any more, remove the directory"
        case .unfinished(let path):
            "a mesh was about to be made in \(path), and that was interrupted: run `shoal mesh init` "
                + "there again, or remove the directory"
        case .alreadyInMesh(let path, let name, let fingerprint):
            "\(path) already belongs to the mesh '\(name)' (\(fingerprint)): "
                + "choose another directory with --dir"
        case .unsupportedVersion(let path, let found):
            "\(path) is of version '\(found)', which this shoal does not read: use the shoal that "
                + "wrote it, or make the mesh anew in another directory"
        case .missing(let path):
            "\(path) is missing: restore it from a backup, or join again in another directory"
        case .exposed(let path, let mode):
            "\(path) can be read by others (mode \(mode)): run `chmod 600 \(path)`"
        case .writable(let path, let mode):
            "\(path) can be changed by others (mode \(mode)): run `chmod 700 \(path)`"
        case .notOwned(let path):
            "\(path) belongs to another user: run shoal as that user, or give it to yours by chown"
        case .notPlain(let path): "\(path) is not a plain file; links are not followed for keys"
        case .damaged(let path, let reason): "\(path) is damaged: \(reason)"
        case .noModel(let path): "\(path) is not there, or is not a file"
        case .changed(let path):
            "\(path) changed while it was read: wait until it is whole, then try again"
        case .system(let path, let operation, let reason): "cannot \(operation) \(path): \(reason)"
        case .inUse(let path): "another process is running the node of \(path)"
        case .notAnIssuer(let path):
            "the node of \(path) holds no issuer key, or its right was revoked: use the node where "
                + "`shoal mesh init` was run, or certify this one by `shoal mesh certify --issuer`"
        case .noAuthority(let path):
            "the authority's key is not in \(path): name its file by --authority"
        case .otherNode(let path):
            "the certificate is for another node than that of \(path)"
        case .sealed(let path):
            "\(path) is sealed: name its passphrase's file by --key-passphrase-file or "
                + "$SHOAL_KEY_PASSPHRASE_FILE"
        case .wrongPassphrase(let path):
            "\(path) is sealed under another passphrase, or was changed"
        case .invalid(let what): what
        case .trust(let error): "\(error)"
        case .otherMesh(let path, let name, let ticket):
            "the ticket is for another mesh ('\(ticket)') than \(path) belongs to ('\(name)')"
        }
    }
}
