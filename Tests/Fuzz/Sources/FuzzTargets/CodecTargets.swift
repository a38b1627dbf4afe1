import Foundation
import Mesh
import OpenAIAPI
import Trust
import Wire

/// Values that come from strangers or peers in one encoding each: the first byte of an input says
/// which, the rest is the value. What is accepted must come out again byte for byte.
enum CodecTarget {
    private typealias Check = @Sendable ([UInt8]) -> Void

    /// Decodes a value and compares its encoding with what it came from.
    private static func check<T: WireCodable>(_: T.Type) -> Check {
        { bytes in
            guard let value = try? T(decoding: bytes) else { return }
            precondition(value.encoded == bytes, "\(T.self) has two encodings")
        }
    }

    private static let trustChecks: [Check] = [
        check(Genesis.self), check(Certificate.self), check(CertificateChain.self),
        check(LinkProof.self), check(GateKey.self), check(Ticket.self), check(TicketRecord.self),
        check(JoinRequest.self), check(JoinResponse.self), check(SeedAddress.self),
        check(LinkPreamble.self), { text($0) },
        check(Revocation.self), { state($0) }, check(SignedGateKey.self), check(GateKeyRing.self),
        check(TrustBulletin.self), check(TrustQuery.self), check(TrustAnswer.self),
        check(RenewalResponse.self), check(SealedIdentity.self), check(LinkGreeting.self),
        check(CookieAnswer.self),
    ]

    private static let inferenceChecks: [Check] = [
        check(InferenceMessage.self), { framed($0) },
    ]

    static func runTrust(_ bytes: [UInt8]) { run(bytes, trustChecks) }

    static func runInference(_ bytes: [UInt8]) { run(bytes, inferenceChecks) }

    private static func run(_ bytes: [UInt8], _ checks: [Check]) {
        guard let first = bytes.first else { return }
        checks[Int(first) % checks.count](Array(bytes.dropFirst()))
    }

    /// What another member claims to know: merging it must end, and changes nothing when it throws.
    private static func state(_ bytes: [UInt8]) {
        guard let claim = try? TrustState(decoding: bytes) else { return }
        precondition(claim.encoded == bytes, "TrustState has two encodings")
        for chain in CodecSeeds.chains { _ = try? claim.check(chain) }
        var own = TrustState()
        do {
            try own.merge(claim, genesis: CodecSeeds.genesis)
            precondition(own == claim, "what an empty state takes in whole is the claim")
        } catch { precondition(own == TrustState(), "a claim that was refused left something") }
    }

    /// A ticket's text; what it says in other words (white space, line ends) is the same ticket.
    private static func text(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let ticket = try? Ticket(text: text) else { return }
        let again = try? Ticket(text: ticket.text)
        precondition(again == ticket, "a ticket's own text is another ticket")
    }

    /// A stream of messages, in pieces of the length that the first byte says.
    private static func framed(_ bytes: [UInt8]) {
        let step = 1 + Int(bytes.first ?? 0)
        var framer = MessageFramer()
        var rest = bytes.dropFirst()
        while !rest.isEmpty {
            framer.append(Array(rest.prefix(step)))
            rest = rest.dropFirst(step)
            while true {
                guard let message = try? framer.next() else { break }
                _ = message.encoded
            }
        }
    }

    /// The HTTP bodies: the first byte says of which route.
    static func runBodies(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let body = Data(bytes.dropFirst())
        switch first % 3 {
        case 0: _ = try? OpenAIJSON.decode(ChatCompletionRequest.self, from: body)
        case 1: _ = try? OpenAIJSON.decode(CompletionRequest.self, from: body)
        default: _ = try? OpenAIJSON.decode(EmbeddingsRequest.self, from: body)
        }
    }
}
