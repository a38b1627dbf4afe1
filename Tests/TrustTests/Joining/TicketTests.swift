import Secrets
import Testing
import Wire

@testable import Trust

struct TicketTests {
    let mesh: SampleMesh

    init() throws { mesh = try SampleMesh() }

    @Test func aTicketComesBackFromItsLine() throws {
        let ticket = try mesh.ticket(labels: [Label("tier=edge"), Label("region=eu")])
        let text = ticket.text
        #expect(text.hasPrefix("shoal1-") && !text.contains { $0.isWhitespace })
        #expect(text.utf8.count <= TrustLimits.ticketTextMax)
        let read = try Ticket(text: text)
        #expect(read == ticket && read.text == text)
        #expect(read.keyID == ticket.keyID && read.preSharedSecret == ticket.preSharedSecret)
        #expect(read.labels.map(\.key) == ["region", "tier"])
        try checkCodec(ticket)
        try checkCodec(ticket.record(created: SampleMesh.now))
    }

    @Test func whiteSpaceAroundAndLineBreaksWithinDoNoHarm() throws {
        let ticket = try mesh.ticket()
        let text = ticket.text
        let broken = text.enumerated().map { $0 > 0 && $0 % 60 == 0 ? "\n\($1)" : "\($1)" }
        #expect(try Ticket(text: "  \(broken.joined())\r\n") == ticket)
    }

    @Test func everyMistypedCharacterIsNoticed() throws {
        let text = Array(try mesh.ticket().text)
        for index in 7..<text.count {
            var changed = text
            changed[index] = changed[index] == "a" ? "b" : "a"
            #expect(throws: TrustError.damagedTicket, "character \(index)") {
                _ = try Ticket(text: String(changed))
            }
        }
        for index in [7, 20, text.count - 2] {
            var swapped = text
            swapped.swapAt(index, index + 1)
            if swapped != text {
                #expect(throws: TrustError.damagedTicket) { _ = try Ticket(text: String(swapped)) }
            }
        }
        for character in ["0", "1", "8", "A", "é", "-", "="] {
            #expect(throws: TrustError.damagedTicket) {
                _ = try Ticket(text: String(text) + character)
            }
        }
    }

    @Test func aTicketCutAnywhereIsRefused() throws {
        let text = try mesh.ticket().text
        for count in 0..<text.count {
            #expect(throws: count < 7 ? TrustError.notATicket : .damagedTicket) {
                _ = try Ticket(text: String(text.prefix(count)))
            }
        }
    }

    @Test func theErrorSaysWhetherItIsNoTicketOrAnotherVersions() throws {
        for text in [
            "", "hello", "shoal", "shoal-abc", "shoalx-abc", "http://example.org/", "shoal+1-a",
        ] {
            #expect(throws: TrustError.notATicket, "\(text)") { _ = try Ticket(text: text) }
        }
        #expect(
            throws: TrustError.malformed(.unsupportedVersion(field: "ticket version", value: 2))
        ) { _ = try Ticket(text: "shoal2-abcdef") }
        #expect(throws: TrustError.notATicket) {
            _ = try Ticket(text: String(repeating: "a", count: 1 << 20))
        }
        #expect(throws: TrustError.notATicket) {
            _ = try Ticket(text: "shoal1-" + String(repeating: "a", count: 5200))
        }
    }

    @Test func aTicketCarriesRolesAndNeverThatOfAnIssuer() throws {
        #expect(try mesh.ticket().roles == [.server, .client])
        let client = Ticket.generate(
            genesis: mesh.genesis, inviter: mesh.issuer.nodeID, addresses: [],
            expires: SampleMesh.now, uses: 1, labels: [], roles: .client)
        #expect(try Ticket(text: client.text).roles == .client)
        let record = client.record(created: SampleMesh.now)
        try checkCodec(record)
        #expect(try TicketRecord(decoding: record.encoded).roles == .client)
        // The roles are the byte before the secret; and the last of a record.
        for roles: UInt8 in [0, 1, 3, 5, 7, 8, 255] {
            var bytes = client.encoded
            bytes[bytes.count - 33] = roles
            #expect(throws: WireError.invalid(field: "roles")) { _ = try Ticket(decoding: bytes) }
            bytes = record.encoded
            bytes[bytes.count - 1] = roles
            #expect(throws: WireError.invalid(field: "roles")) {
                _ = try TicketRecord(decoding: bytes)
            }
        }
    }

    @Test func theLargestTicketStaysWithinItsLimit() throws {
        let host = String(repeating: "h", count: WireLimits.hostNameBytesMax)
        let address = try #require(NetworkAddress(host: .name(host), port: 1))
        let ticket = Ticket.generate(
            genesis: try Genesis(
                name: String(repeating: "m", count: TrustLimits.meshNameBytesMax),
                authority: mesh.authority.nodeID, created: SampleMesh.now),
            inviter: mesh.issuer.nodeID,
            addresses: Array(repeating: address, count: WireLimits.addressesMax),
            expires: SampleMesh.now, uses: 1, labels: try CertificateCodecTests.largestLabels())
        #expect(try Ticket(text: ticket.text) == ticket)
    }

    @Test func nameAndKeyOfATicketFollowFromItsSecretAlone() throws {
        let one = try mesh.ticket()
        let two = try mesh.ticket()
        #expect(one.keyID.count == keyIDBytes && one.preSharedSecret.count == 32)
        #expect(one.keyID != two.keyID && one.preSharedSecret != two.preSharedSecret)
        #expect(!one.preSharedSecret.copy().starts(with: one.keyID))
        let record = one.record(created: SampleMesh.now)
        #expect(record.keyID == one.keyID && record.preSharedSecret == one.preSharedSecret)
        // The record does not hold the secret itself, from which the line could be made again.
        let secret = Array(one.encoded.suffix(32))
        let bytes = record.encoded
        #expect(!(0...bytes.count - 32).contains { Array(bytes[$0..<$0 + 32]) == secret })
    }
}

struct GateKeyTests {
    let mesh: SampleMesh

    init() throws { mesh = try SampleMesh() }

    @Test func aKeyComesBackFromItsBytesAndItsNamesShowNothingOfIt() throws {
        let key = mesh.gateKey()
        try checkCodec(key)
        #expect(try GateKey(decoding: key.encoded) == key)
        #expect(mesh.gateKey() != key)
        #expect(key.keyID.count == keyIDBytes && key.preSharedSecret.count == 32)
        #expect(!key.preSharedSecret.copy().starts(with: key.keyID))
        let hint = key.senderHint(of: mesh.node.nodeID)
        #expect(hint.count == 8 && hint != key.senderHint(of: mesh.issuer.nodeID))
        #expect(hint != mesh.gateKey().senderHint(of: mesh.node.nodeID))
    }

    @Test func aPrefixIsToldByANumberThatOnlyAMemberWhoKnowsItAllCanCheck() {
        let key = mesh.gateKey()
        let model = ModelDigest(number: 7)
        func digest(
            _ key: GateKey, _ model: ModelDigest, _ caller: String, _ tokens: [Int32]
        ) -> UInt64 { key.prefixDigest(model: model, caller: caller, tokens: tokens) }
        let told = digest(key, model, "ab", [1, 2])
        #expect(told == digest(key, model, "ab", [1, 2]))
        let others = [
            digest(mesh.gateKey(), model, "ab", [1, 2]),
            digest(key, ModelDigest(number: 8), "ab", [1, 2]), digest(key, model, "a", [1, 2]),
            digest(key, model, "ab", [1]), digest(key, model, "ab", [2, 1]),
            digest(key, model, "ab", [1, 2, 0]), digest(key, model, "ab", [-1, 2]),
        ]
        #expect(!others.contains(told) && Set(others).count == others.count)
    }
}

struct JoinTests {
    let mesh: SampleMesh
    let hash = [UInt8](repeating: 6, count: 64)

    init() throws { mesh = try SampleMesh() }

    @Test func aRequestCountsInItsOwnSessionAndMeshOnly() throws {
        let request = try JoinRequest(
            identity: mesh.node, name: "node-2", handshakeHash: hash, mesh: mesh.genesis.id)
        try checkCodec(request)
        try request.verify(handshakeHash: hash, mesh: mesh.genesis.id)
        #expect(throws: TrustError.badSignature(of: "join request")) {
            try request.verify(
                handshakeHash: [UInt8](repeating: 7, count: 64), mesh: mesh.genesis.id)
        }
        #expect(throws: TrustError.badSignature(of: "join request")) {
            try request.verify(handshakeHash: hash, mesh: MeshID(number: 1))
        }
        #expect(throws: TrustError.self) {
            _ = try JoinRequest(
                identity: mesh.node, name: "no name", handshakeHash: hash, mesh: mesh.genesis.id)
        }
    }

    @Test func anAdmissionComesBackWhole() throws {
        let address = try #require(NetworkAddress("node.example:7433"))
        let admission = JoinResponse.Admission(
            chain: try mesh.chain(), gateKey: try mesh.signedGateKey(),
            trust: try mesh.trust(),
            seeds: [SeedAddress(node: mesh.issuer.nodeID, addresses: [address])])
        try checkCodec(JoinResponse.admitted(admission))
        guard
            case .admitted(let read) = try JoinResponse(
                decoding: JoinResponse.admitted(admission).encoded)
        else {
            Issue.record("another answer came back")
            return
        }
        #expect(read.chain == admission.chain && read.gateKey == admission.gateKey)
        #expect(read.trust == admission.trust)
        #expect(read.seeds == admission.seeds)
    }

    @Test(arguments: JoinResponse.RefusalCode.allCases)
    func aRefusalSaysWhichAndWhy(_ code: JoinResponse.RefusalCode) throws {
        let response = JoinResponse.refused(code, message: "because")
        try checkCodec(response)
        guard case .refused(let read, let message) = try JoinResponse(decoding: response.encoded)
        else {
            Issue.record("another answer came back")
            return
        }
        #expect(read == code && message == "because")
    }

    @Test func aLongRefusalIsCutBetweenCharacters() throws {
        for count in 1...4 {
            let long = String(repeating: "x", count: count) + String(repeating: "é€", count: 400)
            let response = JoinResponse.refused(.badRequest, message: long)
            guard
                case .refused(_, let message) = try JoinResponse(decoding: response.encoded)
            else {
                Issue.record("another answer came back")
                return
            }
            #expect(long.hasPrefix(message) && message.utf8.count <= TrustLimits.refusalBytesMax)
            #expect(message.utf8.count > TrustLimits.refusalBytesMax - 4)
        }
    }
}
