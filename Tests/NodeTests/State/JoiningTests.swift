import Foundation
import Testing
import Trust
import Wire

@testable import Node

struct JoiningTests {
    let home: TemporaryDirectory
    let away: TemporaryDirectory
    let issuer: StateDirectory
    let joiner = Identity.generate()

    init() throws {
        home = try TemporaryDirectory()
        away = try TemporaryDirectory()
        issuer = try StateDirectory.sample(at: home.path)
    }

    private func adopt(
        _ admission: JoinResponse.Admission, genesis: Genesis? = nil, identity: Identity? = nil,
        at time: WallTime = now
    ) throws -> StateDirectory {
        try StateDirectory.create(
            at: away.path("node"), genesis: genesis ?? issuer.genesis,
            identity: identity ?? joiner, admission: admission, now: time)
    }

    @Test func aNodeThatJoinedHasAllThatAMemberNeeds() throws {
        _ = try adopt(try issuer.admission(for: joiner))
        let state = try StateDirectory.open(at: away.path("node"))
        #expect(state.genesis == issuer.genesis && state.identity.nodeID == joiner.nodeID)
        #expect(try state.gateKey() == issuer.gateKey())
        #expect(state.peerMemory().entries.map(\.node) == [issuer.identity.nodeID])
        let member = try state.certificate(now: now).verify(
            genesis: issuer.genesis, at: now, trust: nil)
        #expect(member.name == "node-2" && member.roles == [.server, .client])
    }

    @Test func aMemberCannotLetOthersIn() throws {
        let state = try adopt(try issuer.admission(for: joiner))
        #expect(!state.isIssuer)
        for body in [
            { _ = try state.sampleTicket() },
            { _ = try state.issue(to: NodeID(number: 1), name: "n", labels: [], now: now) },
        ] as [() throws -> Void] {
            #expect(refusal(body).contains("holds no issuer key"))
        }
        // Nor does it renew its own certificate.
        let later = now + .seconds(6 * 86_400)
        #expect(try state.certificate(now: later) == state.certificate(now: now))
    }

    @Test func anAdmissionThatDoesNotVerifyLeavesNothingOnDisk() throws {
        let admission = try issuer.admission(for: joiner)
        let otherFolder = try TemporaryDirectory()
        let other = try StateDirectory.sample(at: otherFolder.path, meshName: "other")
        let attempts: [() throws -> Void] = [
            { _ = try adopt(admission, identity: .generate()) },
            { _ = try adopt(admission, genesis: other.genesis) },
            { _ = try adopt(try other.admission(for: joiner)) },
            { _ = try adopt(admission, at: now + .seconds(8 * 86_400)) },
            { _ = try adopt(admission, at: WallTime(seconds: now.seconds - 86_400)) },
        ]
        for attempt in attempts {
            #expect(throws: StateError.self) { try attempt() }
            #expect(!FileManager.default.fileExists(atPath: away.path("node")))
        }
        _ = try adopt(admission)
    }

    @Test func aDirectoryThatIsInAMeshSaysInWhichBeforeAnyoneIsAsked() throws {
        let ticket = try issuer.sampleTicket()
        try StateDirectory.refuseExisting(at: away.path("node"), ticket: ticket)
        _ = try adopt(try issuer.admission(for: joiner))
        let same = refusal {
            try StateDirectory.refuseExisting(at: away.path("node"), ticket: ticket)
        }
        #expect(same.contains("already belongs to the mesh 'lab'"))
        let otherFolder = try TemporaryDirectory()
        let other = try StateDirectory.sample(at: otherFolder.path, meshName: "other")
        let foreign = try other.sampleTicket()
        let words = refusal {
            try StateDirectory.refuseExisting(at: away.path("node"), ticket: foreign)
        }
        #expect(words.contains("the ticket is for another mesh ('other "))
        #expect(words.contains("belongs to ('lab "))
        #expect(refusal { _ = try adopt(try issuer.admission(for: joiner)) }.contains("'lab'"))
    }
}

struct TicketRedemptionTests {
    let folder: TemporaryDirectory
    let state: StateDirectory

    init() throws {
        folder = try TemporaryDirectory()
        state = try StateDirectory.sample(at: folder.path)
    }

    private func node(_ number: Int) -> NodeID { NodeID(number: UInt64(number)) }

    @Test func aTicketLetsOneNodeInAndThenIsUsed() throws {
        let labels = [try Label("region=eu")]
        let ticket = try state.sampleTicket(labels: labels)
        #expect(
            try state.redeem(keyID: ticket.keyID, by: node(1), now: now)
                == .granted(labels: labels, roles: .ordinary))
        #expect(try state.redeem(keyID: ticket.keyID, by: node(2), now: now) == .used)
        #expect(state.ticketRecord(keyID: ticket.keyID)?.preSharedSecret == ticket.preSharedSecret)
    }

    @Test func theNodeWhoseAnswerWasLostMayComeAgain() throws {
        let ticket = try state.sampleTicket()
        let again = try StateDirectory.open(at: folder.path)
        #expect(
            try state.redeem(keyID: ticket.keyID, by: node(1), now: now)
                == .granted(labels: [], roles: .ordinary))
        #expect(
            try again.redeem(keyID: ticket.keyID, by: node(1), now: now)
                == .granted(labels: [], roles: .ordinary))
        #expect(try again.redeem(keyID: ticket.keyID, by: node(2), now: now) == .used)
    }

    @Test func aRestartDoesNotMakeAUsedTicketGood() throws {
        let ticket = try state.sampleTicket(uses: 2)
        _ = try state.redeem(keyID: ticket.keyID, by: node(1), now: now)
        let second = try StateDirectory.open(at: folder.path)
        #expect(
            try second.redeem(keyID: ticket.keyID, by: node(2), now: now)
                == .granted(labels: [], roles: .ordinary))
        let third = try StateDirectory.open(at: folder.path)
        #expect(try third.redeem(keyID: ticket.keyID, by: node(3), now: now) == .used)
    }

    @Test(arguments: [1, 3, 16])
    func ofManyUsesAtOnceAsManyWinAsTheTicketHas(_ uses: Int) async throws {
        let ticket = try state.sampleTicket(uses: UInt16(uses))
        let path = folder.path
        let keyID = ticket.keyID
        let outcomes = try await withThrowingTaskGroup(of: Redemption.self) { group in
            for number in 0..<64 {
                group.addTask {
                    // A directory of its own, as another process would have.
                    try StateDirectory.open(at: path).redeem(
                        keyID: keyID, by: NodeID(number: UInt64(number)), now: now)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .granted(labels: [], roles: .ordinary) } == uses)
        #expect(outcomes.count { $0 == .used } == 64 - uses)
    }

    @Test func anExpiredTicketIsRefusedAsSuch() throws {
        let ticket = try state.sampleTicket()
        let end = now + day
        #expect(try state.redeem(keyID: ticket.keyID, by: node(1), now: end) == .expired)
        let last = WallTime(seconds: end.seconds - 1)
        #expect(
            try state.redeem(keyID: ticket.keyID, by: node(1), now: last)
                == .granted(labels: [], roles: .ordinary))
        #expect(try state.redeem(keyID: ticket.keyID, by: node(1), now: end) == .expired)
        #expect(try state.redeem(keyID: ticket.keyID, by: node(2), now: end) == .used)
    }

    @Test func aTicketOfAnotherMeshIsUnknown() throws {
        let otherFolder = try TemporaryDirectory()
        let other = try StateDirectory.sample(at: otherFolder.path, meshName: "other")
        let ticket = try other.sampleTicket()
        #expect(try state.redeem(keyID: ticket.keyID, by: node(1), now: now) == .unknown)
        #expect(state.ticketRecord(keyID: ticket.keyID) == nil)
        for keyID in [[], [1], [UInt8](repeating: 0, count: 9)] as [[UInt8]] {
            #expect(try state.redeem(keyID: keyID, by: node(1), now: now) == .unknown)
        }
    }

    @Test func aRecordUnderAnothersNameLetsNobodyIn() throws {
        let ticket = try state.sampleTicket()
        let name = hexadecimal(ticket.keyID)
        let stolen = [UInt8](repeating: 7, count: 8)
        try FileManager.default.moveItem(
            atPath: folder.path("tickets/\(name).record"),
            toPath: folder.path("tickets/\(hexadecimal(stolen)).record"))
        #expect(try state.redeem(keyID: stolen, by: node(1), now: now) == .unknown)
    }

    @Test func aDamagedUseCountsAsAUse() throws {
        let ticket = try state.sampleTicket()
        _ = try state.redeem(keyID: ticket.keyID, by: node(1), now: now)
        try folder.overwrite("tickets/\(hexadecimal(ticket.keyID)).use-0", with: [])
        #expect(try state.redeem(keyID: ticket.keyID, by: node(1), now: now) == .used)
    }

    @Test func whatATicketCannotBeIsRefusedAndLeavesNothing() throws {
        let address = try #require(NetworkAddress("127.0.0.1:7433"))
        func make(
            _ addresses: [NetworkAddress], _ lifetime: Duration, _ uses: UInt16,
            _ labels: [Label] = []
        ) -> String {
            refusal {
                _ = try state.createTicket(
                    addresses: addresses, lifetime: lifetime, uses: uses, labels: labels, now: now)
            }
        }
        #expect(make([], day, 1).contains("--address"))
        #expect(make([address], .zero, 1).contains("lives"))
        #expect(make([address], .seconds(31 * 86_400), 1).contains("30 days"))
        #expect(make([address], day, 0).contains("uses"))
        #expect(make([address], day, 1001).contains("uses"))
        let twice = [try Label("a=1"), try Label("a=2")]
        #expect(make([address], day, 1, twice) == "the label 'a' is given twice")
        #expect(try folder.snapshot().keys.allSatisfy { !$0.hasPrefix("tickets/") })
    }
}
