import Foundation
import Testing
import Trust
import Wire

@testable import Node

struct IssuingTests {
    let home: TemporaryDirectory
    let away: TemporaryDirectory

    init() throws {
        home = try TemporaryDirectory()
        away = try TemporaryDirectory()
    }

    /// A node that has joined the sample's mesh.
    private func joined(_ issuer: StateDirectory, _ name: String = "node-2") throws
        -> StateDirectory
    {
        let identity = Identity.generate()
        return try StateDirectory.create(
            at: away.path(name), genesis: issuer.genesis, identity: identity,
            admission: try issuer.admission(for: identity, name: name), now: now)
    }

    @Test func aSealedIdentityOpensUnderItsPassphraseAlone() throws {
        try Data("correct horse\n".utf8).write(to: URL(fileURLWithPath: home.path("passphrase")))
        try home.setMode(0o600, of: "passphrase")
        let keys = try KeyProtection(passphraseFile: home.path("passphrase"))
        let made = try StateDirectory.create(
            at: home.path("node"), meshName: "lab", nodeName: "node-1", labels: [], keys: keys,
            now: now)
        let opened = try StateDirectory.open(at: home.path("node"), keys: keys)
        #expect(opened.identity.nodeID == made.identity.nodeID)
        let file = try home.bytes("node/node/identity.key")
        #expect(file.firstRange(of: made.identity.seed) == nil)
        let without = refusal { _ = try StateDirectory.open(at: home.path("node")) }
        #expect(without.contains("--key-passphrase-file"))
        let other = refusal {
            _ = try StateDirectory.open(
                at: home.path("node"), keys: KeyProtection(passphrase: Array("wrong".utf8)))
        }
        #expect(other.contains("another passphrase"))
        try home.setMode(0o644, of: "passphrase")
        let exposed = refusal { _ = try KeyProtection(passphraseFile: home.path("passphrase")) }
        #expect(exposed.contains("chmod 600"))
    }

    @Test func theAuthoritysKeyCanBeKeptElsewhere() throws {
        let file = home.path("authority")
        let state = try StateDirectory.create(
            at: home.path("node"), meshName: "lab", nodeName: "node-1", labels: [],
            authorityFile: file, now: now)
        #expect(!state.holdsAuthorityKey)
        #expect(try home.mode(of: "authority") == 0o600)
        let node = NodeID(number: 2)
        #expect(
            refusal {
                _ = try state.issueIssuer(
                    to: node, name: "n", authority: nil, keys: .none, now: now)
            }.contains("--authority"))
        let key = try AuthorityKey(file: file, .none)
        _ = try state.issueIssuer(to: node, name: "n", authority: key, keys: .none, now: now)
        #expect(try state.trust().issuer(node)?.body.name == "n")
        // Never over a file that is there.
        #expect(
            refusal {
                _ = try StateDirectory.create(
                    at: home.path("other"), meshName: "lab", nodeName: "node-1", labels: [],
                    authorityFile: file, now: now)
            }.contains("is there already"))
        #expect(!FileManager.default.fileExists(atPath: home.path("other")))
        let other = try StateDirectory.sample(at: away.path("other"))
        #expect(
            refusal {
                _ = try other.issueIssuer(
                    to: node, name: "n", authority: key, keys: .none, now: now)
            }.contains("another mesh"))
    }

    @Test func aSecondIssuerIsMadeByAGrantThatItAloneCanInstall() throws {
        let first = try StateDirectory.sample(at: home.path)
        let second = try joined(first)
        let grant = Grant(
            genesis: first.genesis,
            issuer: try first.issueIssuer(
                to: second.identity.nodeID, name: "node-2", authority: nil, keys: .none, now: now))
        let text = try Grant(text: grant.text)
        #expect(text == grant)
        let third = try joined(first, "node-3")
        #expect(refusal { try third.install(text, now: now) }.contains("another node"))
        #expect(!third.isIssuer)

        try second.install(text, now: now)
        #expect(second.isIssuer)
        #expect(try second.certificate().member.body.roles == [.issuer, .server, .client])
        let chain = try second.issue(to: NodeID(number: 9), name: "n", labels: [], now: now)
        let member = try chain.verify(genesis: first.genesis, at: now, trust: try first.trust())
        #expect(member.nodeID == NodeID(number: 9))

        for damaged in ["", "shoalcert1-", String(grant.text.dropLast(2)), "shoal1-abc"] {
            #expect(throws: StateError.self) { try Grant(text: damaged) }
        }
    }

    @Test func aRevocationIsBelievedByOthersAndRollsTheGateKey() throws {
        let first = try StateDirectory.sample(at: home.path)
        let second = try joined(first)
        let before = try first.gateKey()
        let revoked = try first.revoke(
            .member(second.identity.nodeID), reason: "lost", authority: nil, keys: .none, now: now)
        #expect(revoked.gateKey.counter == before.epoch.counter + 1)
        #expect(try first.gateKeys().superseded.map(\.key) == [before])
        let third = try joined(first, "node-3")
        let (state, keys) = (try first.trust(), try first.gateKeys())
        try third.updateTrust { (trust, ring) throws(TrustError) in
            try trust.merge(state, genesis: first.genesis)
            try ring.merge(keys.current, genesis: first.genesis, at: now, trust: trust)
        }
        #expect(try third.trust().isRevoked(second.identity.nodeID))
        #expect(throws: TrustError.self) {
            try second.certificate().verify(
                genesis: first.genesis, at: now, trust: try third.trust())
        }
        // Whoever is no issuer can't revoke, and no issuer another.
        #expect(
            refusal {
                _ = try third.revoke(
                    .member(first.identity.nodeID), reason: "", authority: nil, keys: .none,
                    now: now)
            }.contains("no issuer key"))
    }

    @Test func changesByTwoAtOnceAreBothKept() async throws {
        let first = try StateDirectory.sample(at: home.path)
        await withTaskGroup(of: Void.self) { group in
            for number in 1...16 {
                group.addTask {
                    _ = try? first.revoke(
                        .member(NodeID(number: UInt64(number))), reason: "", authority: nil,
                        keys: .none, now: now)
                }
            }
        }
        #expect(try first.trust().revocations.count == 16)
        #expect(try first.gateKey().epoch.counter == 17)
    }

    @Test func aRevokedIssuerIssuesNoMore() throws {
        let first = try StateDirectory.sample(at: home.path)
        let second = try joined(first)
        let node = second.identity.nodeID
        try second.install(
            Grant(
                genesis: first.genesis,
                issuer: try first.issueIssuer(
                    to: node, name: "node-2", authority: nil, keys: .none, now: now)), now: now)
        _ = try first.revoke(
            .issuer(node, honouredThrough: 0), reason: "", authority: nil, keys: .none, now: now)
        let told = try first.trust()
        try second.updateTrust { (trust, _) throws(TrustError) in
            try trust.merge(told, genesis: first.genesis)
        }
        #expect(!second.isIssuer)
        #expect(
            refusal {
                _ = try second.issue(to: NodeID(number: 9), name: "n", labels: [], now: now)
            }.contains("no issuer key"))
    }
}
