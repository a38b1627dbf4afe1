import Foundation
import Testing
import Trust
import Wire

@testable import Node

struct StateDirectoryTests {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    // MARK: Making and opening

    @Test func aNewMeshIsThereWhenItIsOpenedAgain() throws {
        let made = try StateDirectory.sample(at: folder.path)
        let opened = try StateDirectory.open(at: folder.path)
        #expect(opened.genesis == made.genesis && opened.genesis.name == "lab")
        #expect(opened.identity.nodeID == made.identity.nodeID)
        #expect(try opened.gateKey() == made.gateKey())
        #expect(opened.isIssuer)
        let member = try opened.certificate(now: now).verify(
            genesis: opened.genesis, at: now, trust: nil)
        #expect(member.nodeID == made.identity.nodeID && member.name == "node-1")
        #expect(member.roles.contains([.server, .client]))
        #expect(member.labels.map(\.key) == ["region"])
    }

    @Test func directoriesAndSecretsAreTheOwnersAlone() throws {
        let state = try StateDirectory.sample(at: folder.path("deep/er/node"))
        _ = try state.sampleTicket()
        for name in ["", "/mesh", "/node", "/tickets"] {
            #expect(try folder.mode(of: "deep/er/node\(name)") == 0o700)
        }
        for (name, _) in try folder.snapshot() { #expect(try folder.mode(of: name) == 0o600) }
    }

    @Test func nothingTemporaryIsLeftBehind() throws {
        let state = try StateDirectory.sample(at: folder.path)
        let ticket = try state.sampleTicket()
        _ = try state.redeem(keyID: ticket.keyID, by: NodeID(number: 1), now: now)
        _ = try state.redeem(keyID: ticket.keyID, by: NodeID(number: 2), now: now)
        #expect(try folder.snapshot().keys.allSatisfy { !$0.contains(".new-") })
    }

    @Test func aPlaceWithoutAMeshSaysWhatToDo() throws {
        for path in [folder.path, folder.path("nowhere")] {
            let words = refusal { _ = try StateDirectory.open(at: path) }
            #expect(words.contains(path))
            #expect(words.contains("shoal mesh init") && words.contains("shoal join"))
        }
    }

    @Test func aDirectoryOfAMeshIsNotMadeIntoAnother() throws {
        let made = try StateDirectory.sample(at: folder.path)
        let before = try folder.snapshot()
        let words = refusal {
            _ = try StateDirectory.sample(at: folder.path, meshName: "other")
        }
        #expect(words.contains("'lab'") && words.contains(made.genesis.fingerprint))
        #expect(try folder.snapshot() == before)
    }

    @Test func aBadNameOrLabelLeavesNothingOnDisk() throws {
        for (mesh, node) in [("a b", "node-1"), ("lab", "a b"), ("", "n"), ("lab", "")] {
            #expect(throws: StateError.self) {
                _ = try StateDirectory.create(
                    at: folder.path("new"), meshName: mesh, nodeName: node, labels: [], now: now)
            }
        }
        #expect(throws: StateError.self) {
            _ = try StateDirectory.create(
                at: folder.path("new"), meshName: "lab", nodeName: "node-1",
                labels: [Label("a=1"), Label("a=2")], now: now)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path("new")))
    }

    // MARK: What is damaged

    @Test(arguments: [
        "mesh/genesis", "mesh/gate.key", "mesh/trust", "node/identity.key", "node/certificate",
    ])
    func aMissingFileIsNamed(_ name: String) throws {
        _ = try StateDirectory.sample(at: folder.path)
        try folder.remove(name)
        let words = refusal {
            let state = try StateDirectory.open(at: folder.path)
            _ = try state.gateKey()
            _ = try state.trust()
            _ = try state.certificate(now: now)
        }
        #expect(words.hasPrefix("\(folder.path(name)) is missing"))
    }

    @Test(arguments: [
        "mesh/genesis", "mesh/gate.key", "mesh/trust", "node/identity.key", "node/certificate",
    ])
    func aFileCutAnywhereOrWithAnyByteChangedIsRefusedByName(_ name: String) throws {
        _ = try StateDirectory.sample(at: folder.path)
        let whole = try folder.bytes(name)
        func read() throws {
            let state = try StateDirectory.open(at: folder.path)
            _ = try state.gateKey()
            _ = try state.trust()
            _ = try state.certificate(now: now)
        }
        for count in 0..<whole.count {
            try folder.overwrite(name, with: Array(whole.prefix(count)))
            #expect(refusal(read).hasPrefix("\(folder.path(name)) is damaged"), "cut to \(count)")
        }
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 1 << (index % 8)
            try folder.overwrite(name, with: changed)
            #expect(refusal(read).hasPrefix("\(folder.path(name)) is damaged"), "byte \(index)")
        }
        try folder.overwrite(name, with: whole + [0])
        #expect(refusal(read).hasPrefix("\(folder.path(name)) is damaged"))
        try folder.overwrite(name, with: whole)
        try read()
    }

    @Test func aFileInAnothersPlaceIsRefused() throws {
        _ = try StateDirectory.sample(at: folder.path)
        try folder.overwrite("mesh/genesis", with: try folder.bytes("node/certificate"))
        let words = refusal { _ = try StateDirectory.open(at: folder.path) }
        #expect(words.contains("it holds a certificate, not a mesh record"))
    }

    @Test func anothersCertificateIsRefused() throws {
        let state = try StateDirectory.sample(at: folder.path)
        let other = try TemporaryDirectory()
        _ = try StateDirectory.sample(at: other.path)
        try folder.overwrite("node/certificate", with: try other.bytes("node/certificate"))
        let words = refusal { _ = try state.certificate(now: now) }
        #expect(words.contains("node/certificate is damaged") && words.contains("another"))
    }

    @Test(arguments: ["node/identity.key", "mesh/gate.key"])
    func aSecretThatOthersCanReadIsRefusedWithTheRemedy(_ name: String) throws {
        _ = try StateDirectory.sample(at: folder.path)
        for mode in [0o640, 0o604, 0o620, 0o644, 0o660] {
            try folder.setMode(mode, of: name)
            let words = refusal {
                _ = try StateDirectory.open(at: folder.path).gateKey()
            }
            #expect(words.contains("chmod 600 \(folder.path(name))"))
            #expect(words.contains("mode \(String(mode, radix: 8))"))
        }
        try folder.setMode(0o400, of: name)
        _ = try StateDirectory.open(at: folder.path).gateKey()
    }

    @Test func aDirectoryThatOthersCanWriteInIsRefusedWithTheRemedy() throws {
        _ = try StateDirectory.sample(at: folder.path)
        for mode in [0o770, 0o707, 0o722] {
            try folder.setMode(mode, of: "")
            let words = refusal { _ = try StateDirectory.open(at: folder.path) }
            #expect(words.contains("chmod 700 \(folder.path)"))
        }
        try folder.setMode(0o755, of: "")
        _ = try StateDirectory.open(at: folder.path)
        let other = try TemporaryDirectory()
        try other.setMode(0o777, of: "")
        #expect(refusal { _ = try StateDirectory.sample(at: other.path) }.contains("chmod 700"))
        #expect(try other.snapshot().isEmpty)
    }

    @Test(arguments: ["node/identity.key", "mesh/gate.key", "mesh/genesis", "VERSION"])
    func aLinkInAFilesPlaceIsNotFollowed(_ name: String) throws {
        _ = try StateDirectory.sample(at: folder.path)
        let elsewhere = folder.path("elsewhere")
        try FileManager.default.moveItem(atPath: folder.path(name), toPath: elsewhere)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path(name), withDestinationPath: elsewhere)
        let words = refusal { _ = try StateDirectory.open(at: folder.path).gateKey() }
        #expect(words.hasPrefix("\(folder.path(name)) is not a plain file"))
    }

    @Test func aDirectoryInAFilesPlaceIsRefused() throws {
        _ = try StateDirectory.sample(at: folder.path)
        try folder.remove("mesh/genesis")
        try FileManager.default.createDirectory(
            atPath: folder.path("mesh/genesis"), withIntermediateDirectories: false)
        let words = refusal { _ = try StateDirectory.open(at: folder.path) }
        #expect(words.contains("mesh/genesis is not a plain file"))
    }

    @Test(arguments: ["shoal-state-1\n", "", "something else", "shoal-state-2x"])
    func anotherVersionIsNeitherReadNorWrittenOver(_ version: String) throws {
        _ = try StateDirectory.sample(at: folder.path)
        try folder.overwrite("VERSION", with: Array(version.utf8))
        let before = try folder.snapshot()
        let words = refusal { _ = try StateDirectory.open(at: folder.path) }
        let name = version.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(words.contains("version '\(name)'"))
        try folder.remove("mesh/genesis")
        #expect(refusal { _ = try StateDirectory.sample(at: folder.path) } == words)
        #expect(try folder.snapshot() == before.filter { $0.key != "mesh/genesis" })
    }

    @Test func aMemberThatLostTheMeshsRecordIsNotWrittenOver() throws {
        _ = try StateDirectory.sample(at: folder.path)
        try folder.remove("mesh/genesis")
        let before = try folder.snapshot()
        let words = refusal { _ = try StateDirectory.sample(at: folder.path) }
        #expect(words.contains("mesh/genesis is missing"))
        #expect(try folder.snapshot() == before)
    }

    @Test func aStartThatWasCutShortCanBeRepeated() throws {
        // As after a crash between the first files and the last.
        _ = try StateDirectory.sample(at: folder.path)
        try folder.remove("mesh/genesis")
        try folder.remove("node/certificate")
        #expect(refusal { _ = try StateDirectory.open(at: folder.path) }.contains("interrupted"))
        let state = try StateDirectory.sample(at: folder.path, meshName: "again")
        #expect(try StateDirectory.open(at: folder.path).genesis == state.genesis)
    }

    // MARK: Starts, certificates, peers

    @Test func everyStartHasANumberOfItsOwn() throws {
        let state = try StateDirectory.sample(at: folder.path)
        let first: UInt64 = 1_795_000_000_000
        #expect(try state.nextGeneration(milliseconds: first) == first)
        // Twice in a millisecond, and with a clock that was set back.
        #expect(try state.nextGeneration(milliseconds: first) == first + 1)
        let again = try StateDirectory.open(at: folder.path)
        #expect(try again.nextGeneration(milliseconds: 5) == first + 2)
        #expect(try again.nextGeneration(milliseconds: first + 60) == first + 60)
        // A directory that lost it, or came back from a backup, begins behind all it ever said.
        try folder.remove("node/generation")
        #expect(try again.nextGeneration(milliseconds: first + 61) == first + 61)
        try folder.overwrite("node/generation", with: [1, 2, 3])
        #expect(
            refusal { _ = try state.nextGeneration(milliseconds: first) }
                .contains("node/generation is damaged"))
    }

    @Test func anIssuerRenewsItsOwnCertificateAtHalfItsLife() throws {
        let state = try StateDirectory.sample(at: folder.path)
        let first = try state.certificate(now: now)
        let life = TrustLimits.memberLifetimeMax.components.seconds
        let before = now + .seconds(life / 2 - 1)
        #expect(try state.certificate(now: before) == first)
        let half = now + .seconds(life / 2)
        let renewed = try state.certificate(now: half)
        #expect(renewed.member.body.epoch > first.member.body.epoch)
        #expect(renewed.member.body.serial != first.member.body.serial)
        #expect(renewed.member.body.notAfter == half + TrustLimits.memberLifetimeMax)
        #expect(renewed.member.body.labels == first.member.body.labels)
        #expect(try StateDirectory.open(at: folder.path).certificate(now: half) == renewed)
        // Long after the end, too.
        _ = try state.certificate(now: now + .seconds(100 * 86_400))
    }

    @Test func anIssuerWhoseOwnTimeIsOverSaysSo() throws {
        let state = try StateDirectory.sample(at: folder.path)
        let late = now + TrustLimits.issuerLifetimeMax
        let words = refusal {
            _ = try state.issue(to: NodeID(number: 1), name: "n", labels: [], now: late)
        }
        #expect(words == "the issuer's certificate has expired")
        // It starts all the same: the authority may certify it anew while it runs.
        #expect(try state.certificate(now: late) == state.certificate())
    }

    @Test func oneProcessAtATimeRunsANode() throws {
        let state = try StateDirectory.sample(at: folder.path)
        var lock: StateLock? = try state.lock()
        for _ in 0..<3 {
            let words = refusal { _ = try StateDirectory.open(at: folder.path).lock() }
            #expect(words.contains("another process is running the node"))
        }
        #expect(lock != nil)
        lock = nil
        _ = try state.lock()
    }

    @Test func theLockIsNotInheritedByANodesChildren() throws {
        let state = try StateDirectory.sample(at: folder.path)
        var lock: StateLock? = try state.lock()
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/sleep")
        child.arguments = ["30"]
        try child.run()
        defer { child.terminate() }
        #expect(lock != nil)
        lock = nil
        _ = try state.lock()
    }
}
