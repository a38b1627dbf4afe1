import Foundation
import Trust
import Wire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The node's files.
extension Doctor {
    /// Reads what can be read of the directory.
    func examineDirectory(_ report: inout DoctorReport) -> Subject {
        var subject = Subject(files: DirectoryFiles(root: path))
        guard examineRoot(subject.files, &report) else { return subject }
        examineKeys(&subject, &report)
        examineLock(&subject, &report)
        examineConfiguration(&subject, &report)
        report.mesh = subject.genesis.map { "\($0.name) \($0.fingerprint)" }
        report.node = subject.chain?.member.body.name
        return subject
    }

    private func examineRoot(_ files: DirectoryFiles, _ report: inout DoctorReport) -> Bool {
        let objection = StateDirectory.objection(to: files)
        guard files.exists("VERSION") else {
            if let objection { add(objection, "directory", &report) }
            examineLeftovers(files, &report)
            return false
        }
        do {
            try files.checkRoot()
            try StateDirectory.checkVersion(files)
        } catch {
            add(error, "directory", &report)
            // What others may write in is still examined; another version's files are not.
            if case .unsupportedVersion = error { return false }
        }
        switch objection {
        case .unfinishedJoin?, .unfinished?:
            if let objection { add(objection, "directory", &report) }
            examineLeftovers(files, &report)
            return false
        default: return true
        }
    }

    private func add(_ error: StateError, _ subject: String, _ report: inout DoctorReport) {
        let (found, remedy) = error.parts
        report.add(.directory, subject, .problem, found, remedy: remedy)
    }

    private func examineKeys(_ subject: inout Subject, _ report: inout DoctorReport) {
        let files = subject.files
        examineLeftovers(files, &report)
        let before = report.checks.count(where: { $0.level != .ok })
        var count = 0
        func read<T>(_ name: String, _ body: () throws(StateError) -> T) -> T? {
            do {
                count += 1
                return try body()
            } catch {
                add(error, name, &report)
                return nil
            }
        }
        subject.genesis = read("mesh/genesis") { () throws(StateError) in
            try StateDirectory.load(files, "mesh/genesis", "mesh record", as: Genesis.self)
        }
        subject.gateKeys = read("mesh/gate.key") { () throws(StateError) in
            try StateDirectory.load(
                files, "mesh/gate.key", "gate key", secret: true, as: GateKeyRing.self)
        }
        let genesis = subject.genesis
        subject.trust = read("mesh/trust") { () throws(StateError) in
            let claim = try StateDirectory.load(
                files, "mesh/trust", "trust state", as: TrustState.self)
            // What was decoded is a claim: only merged is it believed.
            var trust = TrustState()
            do {
                if let genesis { try trust.merge(claim, genesis: genesis) }
            } catch {
                throw .damaged(path: files.path("mesh/trust"), reason: "\(error)")
            }
            return trust
        }
        let kind = StateDirectory.identityKind
        let identity = read("node/identity.key") { () throws(StateError) in
            try KeyFile.read("node/identity.key", in: files, kind: kind)
        }
        subject.node = identity?.node
        if let identity {
            do throws(StateError) {
                subject.identity = try KeyFile.open(
                    identity, path: files.path("node/identity.key"), keys)
            } catch .sealed {
                report.add(
                    .directory, "identity", .ok,
                    "it is sealed under a passphrase: what needs it was not examined",
                    remedy: "name the passphrase's file by --key-passphrase-file to examine all")
            } catch {
                add(error, "node/identity.key", &report)
            }
        }
        subject.chain = read("node/certificate") { () throws(StateError) in
            try StateDirectory.load(
                files, "node/certificate", "certificate", as: CertificateChain.self)
        }
        if files.exists("mesh/issuer") {
            subject.issuer = read("mesh/issuer") { () throws(StateError) in
                try StateDirectory.load(
                    files, "mesh/issuer", "issuer certificate", as: Certificate.self)
            }
        }
        if files.exists("mesh/authority.key") {
            _ = read("mesh/authority.key") { () throws(StateError) in
                try KeyFile.read("mesh/authority.key", in: files, kind: AuthorityKey.kind) {
                    (reader) throws(WireError) in try Genesis(from: &reader)
                }
            }
        }
        for name in files.list("tickets") where name.hasSuffix(".record") {
            _ = read("tickets/\(name)") { () throws(StateError) in
                try StateDirectory.load(
                    files, "tickets/\(name)", "ticket", secret: true, as: TicketRecord.self)
            }
        }
        if files.exists("peers/known") {
            _ = read("peers/known") { () throws(StateError) in
                try StateDirectory.load(files, "peers/known", "peer list", as: PeerMemory.self)
            }
        }
        if report.checks.count(where: { $0.level != .ok }) == before {
            report.add(
                .directory, "files", .ok, "\(count) files, whole; those with keys are the owner's")
        }
    }

    /// Files that a crash left behind: begun, never given their name. They may hold keys.
    private func examineLeftovers(_ files: DirectoryFiles, _ report: inout DoctorReport) {
        let left = StateDirectory.leftovers(in: files).filter { name in
            // One that is being written now is younger.
            files.changed(name).map {
                WallTime(seconds: $0) + DoctorLimits.temporaryAge < now
            } ?? false
        }
        guard !left.isEmpty else { return }
        let paths = left.map(files.path).joined(separator: " ")
        report.add(
            .directory, "leftovers", .warning,
            "\(left.count) half-written files are left from a crash: "
                + left.prefix(8).joined(separator: ", "),
            remedy: "remove them: `rm \(paths)`")
    }

    // MARK: The lock

    private func examineLock(_ subject: inout Subject, _ report: inout DoctorReport) {
        subject.isLocked = Self.isLocked(subject.files.path("run/lock"))
        subject.running = StateDirectory.runningNode(at: path)
        let process = subject.running.map { "process \($0.pid)" }
        switch (subject.isLocked, subject.running) {
        case (true, let running?):
            report.process = running.pid
            if status != nil {
                report.add(.directory, "node", .ok, "it runs, \(process ?? "")")
            } else {
                report.add(
                    .directory, "node", .problem,
                    "\(process ?? "") runs the node, and does not answer at \(running.http): "
                        + (silence ?? "nobody asked it"),
                    remedy: "look in its log; if it hangs, stop it (`kill \(running.pid)`) and "
                        + "start it again")
            }
        case (true, nil):
            report.add(
                .directory, "node", .ok,
                "a process has the directory and is not ready yet: it "
                    + "loads its models")
        case (false, _?):
            report.add(
                .directory, "node", .warning,
                "it does not run; the last one (\(process ?? "")) ended without stopping in order",
                remedy: "look in its log for why; then start it: `shoal node run --dir \(path)`")
        case (false, nil): report.add(.directory, "node", .ok, "it does not run")
        }
    }

    /// Whether a process holds the node's lock. It is shared for a moment to find out; the file is
    /// not made when it is not there.
    private static func isLocked(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    // MARK: The configuration

    private func examineConfiguration(_ subject: inout Subject, _ report: inout DoctorReport) {
        do throws(StateError) {
            var configuration = try StateDirectory.configuration(subject.files)
            subject.configuration = configuration
            try configuration.apply(environment: environment)
            subject.configuration = configuration
            _ = try configuration.parsedAddresses()
            _ = try configuration.parsedSeeds()
            _ = try configuration.parsedOrigins()
            try configuration.checkPorts()
            guard subject.files.exists("config.json") else {
                return report.add(
                    .directory, "configuration", .warning,
                    "config.json is missing: its defaults hold, and what was chosen when the node "
                        + "was made (ports, models, seeds) is lost",
                    remedy: "restore it from a backup, or write it anew ({} for the defaults)")
            }
            report.add(.directory, "configuration", .ok, "config.json is understood")
        } catch {
            let (found, remedy) = error.parts
            report.add(
                .directory, "configuration", .problem, found,
                remedy: remedy ?? "correct it in \(subject.files.path("config.json"))")
        }
    }
}

extension StateError {
    /// What is wrong, and what to do, apart.
    var parts: (found: String, remedy: String?) {
        switch self {
        case .noMesh(let path):
            (
                "\(path) belongs to no mesh",
                "run `shoal mesh init` to make one, `shoal join TICKET-FILE` to join one, or name "
                    + "another directory by --dir"
            )
        case .versionLost(let path):
            (
                "\(path) holds a node, and its file VERSION is missing",
                "restore it from a backup, or, if a shoal of this version wrote the rest, run "
                    + "`echo \(StateDirectory.version) > \(path)/VERSION`"
            )
        case .unfinishedJoin(let path):
            (
                "a join was interrupted in \(path)",
                "repeat it, by the same `shoal join` with the same ticket; if that is not wanted any "
                    + "more, remove the directory"
            )
        case .unfinished(let path):
            (
                "a mesh was about to be made in \(path), and that was interrupted",
                "run `shoal mesh init` there again, or remove the directory"
            )
        case .missing(let path):
            (
                "\(path) is missing",
                "restore it from a backup, or join again in another directory"
            )
        case .exposed(let path, let mode):
            ("\(path) can be read by others (mode \(mode))", "run `chmod 600 \(path)`")
        case .writable(let path, let mode):
            ("\(path) can be changed by others (mode \(mode))", "run `chmod 700 \(path)`")
        case .notOwned(let path):
            (
                "\(path) belongs to another user",
                "run shoal as that user, or give it to yours by chown"
            )
        case .damaged(let path, _) where path.hasSuffix("/config.json"): ("\(self)", nil)
        case .damaged(let path, _) where path.hasSuffix("/peers/known"):
            ("\(self)", "remove it: the node makes a new one, and needs a seed until then")
        case .damaged:
            ("\(self)", "restore it from a backup, or join again in another directory")
        case .wrongPassphrase:
            ("\(self)", "name the file of the passphrase that the keys were made with")
        case .unsupportedVersion:
            ("\(self)", "use the version of shoal that wrote it")
        default: ("\(self)", nil)
        }
    }
}
