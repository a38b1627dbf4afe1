import Mesh
import Trust
import Wire

/// One valid value for each kind that ``CodecTarget`` knows.
enum CodecSeeds {
    private static let now = WallTime(seconds: 1_800_000_000)

    static let trust: [(name: String, bytes: [UInt8])] = (try? trustValues()) ?? []

    private static func trustValues() throws -> [(name: String, bytes: [UInt8])] {
        let authority = Identity.generate()
        let node = Identity.generate()
        let genesis = try Genesis(name: "lab", authority: authority.nodeID, created: now)
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
        let ticket = Ticket.generate(
            genesis: genesis, inviter: node.nodeID, addresses: addresses, expires: now, uses: 1,
            labels: [try Label("region=eu")])
        let seed = SeedAddress(node: node.nodeID, addresses: addresses)
        let proof = LinkProof(
            identity: node, chain: chain, linkKey: .generate(now: now), mesh: genesis.id)
        let request = try JoinRequest(
            identity: node, name: "n", handshakeHash: [UInt8](repeating: 1, count: 64),
            mesh: genesis.id)
        let preamble = LinkPreamble(lane: .join, keyID: ticket.keyID)
        let values: [[UInt8]] = [
            genesis.encoded, chain.member.encoded, chain.encoded, proof.encoded, gate.encoded,
            ticket.encoded, ticket.record(created: now).encoded, request.encoded,
            JoinResponse.admitted(.init(chain: chain, gateKey: gate, seeds: [seed])).encoded,
            seed.encoded, preamble?.encoded ?? [], Array(ticket.text.utf8),
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
