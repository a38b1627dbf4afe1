import Foundation
import NodeAPI
import Testing
import Trust
import Wire

@testable import Node

/// What is found in a directory and in what a running node says. Who answers at an address is tried
/// with real processes.
struct DoctorTests {
    let folder: TemporaryDirectory
    let state: StateDirectory

    init() throws {
        folder = try TemporaryDirectory()
        state = try StateDirectory.sample(at: folder.path)
        var configuration = NodeConfiguration()
        configuration.peerHost = "127.0.0.1"
        configuration.peerPort = 0
        configuration.httpPort = 0
        try state.save(configuration)
    }

    private func examine(
        at time: WallTime = now, status: NodeStatus? = nil, environment: [String: String] = [:]
    ) async -> DoctorReport {
        await Doctor(
            path: folder.path, environment: environment, now: time, status: status,
            resolver: NameResolver { name throws(ResolutionFailure) in
                throw ResolutionFailure(description: "the name \(name) does not resolve")
            }, probeLimit: .seconds(1), checkModel: { _ in nil }
        ).examine()
    }

    private func check(_ subject: String, in report: DoctorReport) throws -> DoctorReport.Check {
        try #require(report.checks.first { $0.subject == subject }, "\(report.checks)")
    }

    @Test func aHealthyDirectoryHasNoProblemAndIsNotChanged() async throws {
        let before = try folder.snapshot()
        let report = await examine()
        #expect(report.isHealthy, "\(report.checks)")
        #expect(report.mesh?.hasPrefix("lab ") == true)
        #expect(report.node == "node-1")
        // Past half of its certificate's life, when a start would renew it.
        _ = await examine(at: now + .seconds(5 * 86_400))
        #expect(try folder.snapshot() == before)
    }

    @Test(arguments: [
        ("node/identity.key", 0o640, "chmod 600"), ("mesh/gate.key", 0o604, "chmod 600"),
        ("mesh/authority.key", 0o666, "chmod 600"), ("", 0o777, "chmod 700"),
    ])
    func whatOthersMayReadOrWriteIsAProblem(_ name: String, _ mode: Int, _ remedy: String)
        async throws
    {
        try folder.setMode(mode, of: name)
        let found = try check(name.isEmpty ? "directory" : name, in: await examine())
        #expect(found.level == .problem)
        #expect(found.remedy?.contains(remedy) == true)
        try folder.setMode(name.isEmpty ? 0o700 : 0o600, of: name)
    }

    @Test(arguments: ["mesh/genesis", "mesh/gate.key", "node/identity.key", "node/certificate"])
    func aFileThatIsDamagedOrMissingIsNamedAndTheRestIsExamined(_ name: String) async throws {
        try folder.overwrite(name, with: Array(try folder.bytes(name).dropLast()))
        var report = await examine()
        #expect(try check(name, in: report).level == .problem)
        #expect(try check(name, in: report).remedy != nil)
        #expect(try check("configuration", in: report).level == .ok)
        try folder.remove(name)
        report = await examine()
        #expect(try check(name, in: report).found.contains("missing"))
    }

    @Test func aDamagedPeerListIsAProblemThatCanBeThrownAway() async throws {
        try state.save(PeerMemory([], at: now))
        try folder.overwrite("peers/known", with: [1, 2, 3])
        let found = try check("peers/known", in: await examine())
        #expect(found.level == .problem)
        #expect(found.remedy?.hasPrefix("remove it") == true)
    }

    // MARK: Certificates and the clock

    @Test func anIssuerRenewsItsOwnCertificateAndAJoinedNodeAsksForIt() async throws {
        let late = now + TrustLimits.memberLifetimeMax + .seconds(60)
        #expect(try check("certificate", in: await examine(at: late)).level == .ok)
        try folder.remove("mesh/issuer")
        #expect(try check("certificate", in: await examine(at: late)).level == .problem)
        let soon = now + TrustLimits.memberLifetimeMax + .seconds(-86_400)
        let found = try check("certificate", in: await examine(at: soon))
        #expect(found.level == .warning)
        #expect(found.remedy?.contains("it asks an issuer for the next one") == true)
        #expect(try check("certificate", in: await examine()).level == .ok)
    }

    @Test func theEndOfTheRightToLetOthersInIsWarnedOf() async throws {
        let end = now + TrustLimits.issuerLifetimeMax
        #expect(try check("issuer", in: await examine()).level == .ok)
        #expect(
            try check("issuer", in: await examine(at: end + .seconds(-86_400))).level == .warning)
        #expect(try check("issuer", in: await examine(at: end)).level == .problem)
    }

    @Test func aClockBeforeWhatHasHappenedIsAProblem() async throws {
        #expect(try check("clock", in: await examine()).level == .ok)
        // As far as clocks may differ.
        #expect(
            try check("clock", in: await examine(at: now + .seconds(-200))).level == .ok)
        let found = try check("clock", in: await examine(at: now + .seconds(-86_400)))
        #expect(found.level == .problem)
        #expect(found.remedy?.contains("NTP") == true)
    }

    // MARK: The running node

    private func member(
        _ name: String, _ state: NodeStatus.MemberState = .alive, isSelf: Bool = false,
        path: String? = "datagram", reachability: String = "direct", isIssuer: Bool = false
    ) -> NodeStatus.Member {
        var member = NodeStatus.Member(
            name: name, id: "", state: state, isSelf: isSelf, addresses: [],
            reachability: reachability, models: [], roundTripMilliseconds: nil, load: nil,
            stateSinceSeconds: 600, hasLink: false)
        member.path = path
        member.isIssuer = isIssuer
        return member
    }

    private func status(
        _ members: [NodeStatus.Member], counters: [String: UInt64] = [:]
    ) -> NodeStatus {
        NodeStatus(
            node: NodeStatus.Node(
                name: "node-1", id: "", meshName: "lab", meshFingerprint: "", version: "",
                numerics: "", http: "", peerAddresses: [], uptimeSeconds: 600,
                reachability: "direct", reachabilityReason: ""),
            members: members, models: [], links: [], counters: counters)
    }

    @Test func theDeadAndThoseWhoseDatagramsAreLostAreNamed() async throws {
        let report = await examine(
            status: status([
                member("node-1", isSelf: true, path: nil), member("node-2"),
                member("node-3", .dead, path: nil), member("node-4", path: "relay via node-2"),
                member("node-5", path: "link", reachability: "outbound only"),
            ]))
        let states = try check("states", in: report)
        #expect(states.level == .warning)
        #expect(states.found.contains("node-3 dead since 10 min"))
        #expect(!states.found.contains("node-2"))
        let datagrams = try check("datagrams", in: report)
        #expect(datagrams.level == .warning)
        #expect(datagrams.found.contains("node-4 (by relay via node-2)"))
        #expect(!datagrams.found.contains("node-3") && !datagrams.found.contains("node-5"))
        let walled = try check("dial out only", in: report)
        #expect(walled.level == .ok)
        #expect(walled.found.contains("node-5"))
    }

    @Test func oneIssuerIsWarnedOfWhereThereAreOthersAndTwoAreNot() async throws {
        func level() async -> DoctorReport.Level? {
            await examine().checks.first { $0.subject == "issuers" }?.level
        }
        // A mesh of one node: the warning would be of no use.
        #expect(await level() == .ok)
        let state = try StateDirectory.open(at: folder.path)
        _ = try state.issue(to: NodeID(number: 2), name: "node-2", labels: [], now: now)
        #expect(await level() == .warning)
        _ = try state.issueIssuer(
            to: NodeID(number: 2), name: "node-2", authority: nil, keys: .none, now: now)
        #expect(await level() == .ok)
        _ = try state.revoke(
            .issuer(NodeID(number: 2), honouredThrough: 0), reason: "", authority: nil,
            keys: .none, now: now)
        #expect(await level() == .warning)
    }

    @Test func issuersThatCannotBeReachedAreWarnedOfUnlessAMemberIsNotKnownYet() async throws {
        func reached(_ members: [NodeStatus.Member]) async -> DoctorReport.Check? {
            await examine(status: status(members)).checks.first {
                $0.subject == "issuers reached"
            }
        }
        let own = member("node-1", isSelf: true, isIssuer: false)
        let other = member("node-2", isIssuer: false)
        #expect(await reached([own]) == nil)
        #expect(await reached([own, other])?.level == .warning)
        #expect(await reached([own, member("node-2", isIssuer: true)]) == nil)
        var unknown = other
        unknown.isIssuer = nil
        #expect(await reached([own, unknown]) == nil)
    }

    @Test func whatTheRunningNodeCannotStoreIsAProblem() async throws {
        var told = status([member("node-1", isSelf: true)])
        #expect(!(await examine(status: told)).checks.contains { $0.subject == "stored" })
        told.node.storageFault = "cannot write trust: No space left on device"
        let found = try check("stored", in: await examine(status: told))
        #expect(found.level == .problem)
        #expect(found.found.contains("No space left"))
    }

    @Test func whoSaysThatThisNodeWasRevokedIsNamedAndBelievedWhereNobodyElseIsThere() async throws
    {
        var told = status([member("node-1", isSelf: true), member("node-2")])
        #expect(!(await examine(status: told)).checks.contains { $0.subject == "revoked" })
        told.node.saidRevoked = [
            NodeStatus.SaidRevoked(by: "node-9", id: "", text: "lost", secondsAgo: 1)
        ]
        let found = try check("revoked", in: await examine(status: told))
        #expect(found.level == .warning)
        #expect(found.found.contains("node-9 says") && found.found.contains("lost"))
        #expect(found.remedy?.contains("shoal join") == true)
        told.members = [member("node-1", isSelf: true), member("node-2", .dead)]
        #expect(try check("revoked", in: await examine(status: told)).level == .problem)
    }

    @Test func aMemberThatRefusesThisNodeForItsClockIsNamed() async throws {
        var told = status([member("node-1", isSelf: true)])
        told.node.clocks = ["node-2", "node-3"].map { name in
            NodeStatus.ClockBeside(
                member: name, id: "", aheadSeconds: 3600,
                text: "this machine's clock is 60 min ahead of that of \(name)", secondsAgo: 1)
        }
        let found = try check("clock beside others", in: await examine(status: told))
        #expect(found.level == .problem)
        #expect(found.found.contains("60 min ahead of that of node-2; 1 more"))
        #expect(found.remedy?.contains("date -u") == true)
    }

    @Test func whatACrashLeftBehindIsNamed() async throws {
        let name = "node/identity.key.new-1-2"
        try Data([1]).write(to: URL(fileURLWithPath: folder.path(name)))
        // By a clock that is later: what is being written now is none.
        let young = await examine(at: WallTime(seconds: UInt64(Date().timeIntervalSince1970)))
        #expect(!young.checks.contains { $0.subject == "leftovers" })
        let old = await examine(
            at: WallTime(seconds: UInt64(Date().timeIntervalSince1970) + 3600))
        #expect(try check("leftovers", in: old).found.contains(name))
    }

    @Test func countersAreWarnedOfWhenTheyAreManyAndMuch() async throws {
        func level(_ counters: [String: UInt64]) async throws -> DoctorReport.Level {
            let members = [member("node-1", isSelf: true)]
            return try check(
                "counters", in: await examine(status: status(members, counters: counters))
            ).level
        }
        #expect(try await level([:]) == .ok)
        #expect(try await level(["datagrams_malformed": 5]) == .ok)
        #expect(try await level(["datagrams_malformed": 25]) == .warning)
        #expect(
            try await level(["datagrams_malformed": 25, "gossip_datagrams_received": 100_000])
                == .ok)
        #expect(
            try await level(["gossip_claims_forged": 2000, "gossip_datagrams_received": 100_000])
                == .warning)
    }

    // MARK: The rest

    @Test func whatNobodyServesAndWhatNobodyKnowsIsSaid() async throws {
        var configuration = try state.configuration()
        configuration.seeds = ["home.example:7433"]
        try state.save(configuration)
        let report = await examine()
        #expect(report.tried.map(\.unresolved) == ["the name home.example does not resolve"])
        #expect(try check("anyone there", in: report).level == .problem)
        #expect(try check("anyone there", in: report).remedy?.contains("correct the name") == true)
        #expect(try check("seed home.example:7433", in: report).level == .warning)
        #expect(
            try check("kernels", in: await examine(environment: ["SHOAL_ISA": "abacus"])).level
                == .problem)
        #expect(
            try check(
                "configuration", in: await examine(environment: ["SHOAL_SEEDS": "nowhere"])
            ).level == .problem)
    }
}
