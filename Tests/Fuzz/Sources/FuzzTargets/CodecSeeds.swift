import Mesh
import Trust
import Wire

/// One valid value for each kind that ``CodecTarget`` knows.
enum CodecSeeds {
    private static let now = WallTime(seconds: 1_800_000_000)

    static let trust: [(name: String, bytes: [UInt8])] = (try? trustValues()) ?? []

    /// The same in every run, so that seeds of an earlier one are still signed by their authority.
    private static let authority = fixed(1)
    private static let node = fixed(2)

    private static func fixed(_ byte: UInt8) -> Identity {
        guard let identity = Identity(seed: [UInt8](repeating: byte, count: 32)) else {
            fatalError("32 bytes are a seed")
        }
        return identity
    }

    /// The mesh of all that is signed here.
    static let genesis: Genesis = {
        guard
            let genesis = try? Genesis(name: "lab", authority: authority.nodeID, created: now)
        else { fatalError("'lab' is a name") }
        return genesis
    }()

    /// Chains to ask a state about.
    static let chains: [CertificateChain] = trust.compactMap {
        try? CertificateChain(decoding: Array($0.bytes.dropFirst()))
    }

    private static func trustValues() throws -> [(name: String, bytes: [UInt8])] {
        func certificate(_ kind: Certificate.Kind, _ signer: Identity) throws -> Certificate {
            try Certificate(
                .init(
                    kind: kind, mesh: genesis.id, subject: node.nodeID, name: "n",
                    roles: kind == .issuer ? [.issuer] : [.server, .client],
                    labels: kind == .issuer
                        ? [] : [try Label("region=eu"), try Label("tier=core")],
                    serial: 7, epoch: 1, notBefore: now, notAfter: now + .seconds(86_400),
                    issuer: signer.nodeID), signedBy: signer)
        }
        let chain = CertificateChain(
            member: try certificate(.member, node), issuer: try certificate(.issuer, authority))
        let address = NetworkAddress("192.0.2.1:7433")
        let addresses = [address].compactMap { $0 }
        let gate = GateKey.generate(epoch: .init(counter: 1, issuer: node.nodeID))
        let signed = SignedGateKey(
            gate, signedBy: node, certificate: chain.issuer, mesh: genesis.id)
        var ring = GateKeyRing(signed)
        var state = TrustState()
        if let issuer = chain.issuer {
            try state.merge(TrustState(issuers: [issuer]), genesis: genesis)
        }
        try state.revoke(
            .member(authority.nodeID), reason: "lost", signedBy: node, genesis: genesis, at: now)
        try state.revoke(.certificate(serial: 3), signedBy: node, genesis: genesis, at: now)
        try state.revoke(
            .issuer(node.nodeID, honouredThrough: 1), signedBy: authority, genesis: genesis,
            at: now)
        try ring.roll(
            by: authority, certificate: nil, genesis: genesis, at: now, trust: state)
        let ticket = Ticket.generate(
            genesis: genesis, inviter: node.nodeID, addresses: addresses, expires: now, uses: 1,
            labels: [try Label("region=eu")])
        let seed = SeedAddress(node: node.nodeID, addresses: addresses)
        let bulletin = TrustBulletin(state: state, gateKey: signed, seeds: [seed])
        let proof = LinkProof(
            identity: node, chain: chain, linkKey: .generate(now: now), mesh: genesis.id)
        let request = try JoinRequest(
            identity: node, name: "n", handshakeHash: [UInt8](repeating: 1, count: 64),
            mesh: genesis.id)
        let preamble = LinkPreamble(lane: .join, keyID: ticket.keyID)
        let values: [[UInt8]] = [
            genesis.encoded, chain.member.encoded, chain.encoded, proof.encoded, gate.encoded,
            ticket.encoded, ticket.record(created: now).encoded, request.encoded,
            JoinResponse.admitted(
                .init(chain: chain, gateKey: signed, trust: state, seeds: [seed])
            ).encoded,
            seed.encoded, preamble?.encoded ?? [], Array(ticket.text.utf8),
            state.revocations[0].encoded, state.encoded, signed.encoded, ring.encoded,
            bulletin.encoded, TrustQuery.exchange(digest: state.digest).encoded,
            TrustAnswer.bulletin(bulletin).encoded, RenewalResponse.renewed(chain).encoded,
            try SealedIdentity(node, passphrase: [65]).encoded,
            LinkGreeting(purpose: .bulk, proof: proof.encoded).encoded,
            [UInt8](repeating: 1, count: LinkLimits.cookieBytes) + chain.encoded
                + [UInt8](repeating: 2, count: 64),
        ]
        return numbered(values, "trust")
    }

    static let inference: [(name: String, bytes: [UInt8])] = {
        let id = RequestID(high: 3, low: 4)
        let frame = TokenFrame(
            request: id, choice: 0, index: 2, token: 300, bytes: [0xc3],
            logprobs: TokenLogprobs(
                logprob: -0.25, top: [.init(token: 3, logprob: -1, bytes: [0x61])]))
        let request = InferenceRequest(
            id: id, model: ModelDigest(number: 5),
            numerics: "n1",
            prompt: .chat([.init(role: "user", content: "Hi")]), generated: [[7, 8], []],
            sampling: .init(temperature: 0.8, topK: 40, topP: 0.9, minP: 0.05, seed: 99),
            maxTokens: 20, stop: ["\n"], kvType: 1, hops: 1)
        let messages: [InferenceMessage] = [
            .request(request), .tokens([frame]), .accepted(promptTokens: [1, 2]),
            .finished(request: id, choice: 1, reason: .stopString),
            .refused(.init(code: .overloaded, retryAfterMilliseconds: 500, message: "full")),
        ]
        return messages.enumerated().flatMap { index, message in
            [
                ("message-\(index)", [0] + message.encoded),
                ("framed-\(index)", [1, 9] + MessageFramer.frame(message)),
            ]
        }
    }()

    static let bodies: [(name: String, bytes: [UInt8])] = [
        #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"é\u0041"}]}],"#
            + #""stream":true,"temperature":0.5,"stop":["a"],"logit_bias":{"3":-1},"n":2}"#,
        #"{"model":"m","prompt":[1,2,3],"max_tokens":5,"seed":7,"logprobs":2,"echo":false}"#,
        #"{"model":"m","input":["a",[1,2]],"encoding_format":"base64"}"#,
    ].enumerated().map { ("body-\($0)", [UInt8($0)] + Array($1.utf8)) }

    /// Each with the byte before it that names its kind.
    private static func numbered(
        _ values: [[UInt8]], _ name: String
    ) -> [(name: String, bytes: [UInt8])] {
        values.enumerated().map { ("\(name)-\($0)", [UInt8($0)] + $1) }
    }
}
