import Testing
import Wire

@testable import Mesh

private let samples: [InferenceMessage] = {
    let id = RequestID(high: 3, low: 4)
    let sampling = InferenceRequest.Sampling(
        temperature: 0.8, topK: 40, topP: 0.9, minP: 0.05, seed: 99)
    let prompts: [InferenceRequest.Prompt] = [
        .tokens([1, 2, 3]), .text("Il était une fois"),
        .chat([.init(role: "system", content: "Be kind."), .init(role: "user", content: "Hi")]),
    ]
    let requests = prompts.map {
        InferenceMessage.request(
            InferenceRequest(
                id: id, model: ModelDigest(number: 5), numerics: "n1", prompt: $0,
                generated: [[7, 8], []], sampling: sampling, maxTokens: 20, stop: ["\n\n"],
                kvType: 1, hops: 1))
    }
    var constrained = InferenceRequest(
        id: id, model: ModelDigest(number: 5), numerics: "n1", prompt: .text("a"),
        generated: [[]], sampling: sampling, maxTokens: nil, stop: [], kvType: 1, hops: 1)
    constrained.sampling.typicalP = 0.5
    constrained.sampling.repetitionPenalty = 1.1
    constrained.sampling.presencePenalty = -0.5
    constrained.sampling.frequencyPenalty = 0.25
    constrained.sampling.logitBias = [.init(token: 3, bias: -100), .init(token: 9, bias: 2)]
    constrained.sampling.logprobs = 5
    constrained.priority = -7
    constrained.deadlineMilliseconds = 1500
    let constraints: [InferenceRequest.Constraint] = [
        .jsonObject, .jsonSchema(#"{"type":"object"}"#), .grammar("root ::= \"a\""),
    ]
    let constrainedRequests = constraints.map { constraint in
        constrained.constraint = constraint
        return InferenceMessage.request(constrained)
    }
    let likely = TokenLogprobs(
        logprob: -0.25, top: [.init(token: 300, logprob: -0.25, bytes: [0xc3])])
    return requests + constrainedRequests + [
        .tokens([
            TokenFrame(
                request: id, choice: 0, index: 2, token: 300, bytes: [0xc3], logprobs: likely)
        ]),
        .accepted(promptTokens: [1, 2]),
        .tokens([TokenFrame(request: id, choice: 0, index: 2, token: 300, bytes: [0xc3])]),
        .finished(request: id, choice: 1, reason: .stopString),
        .completed(
            request: id,
            usage: .init(
                promptTokens: 1, generatedTokens: 2, prefillMicroseconds: 3, decodeMicroseconds: 4)),
        .refused(.init(code: .overloaded, retryAfterMilliseconds: 500, message: "queue full")),
    ]
}()

@Suite struct InferenceMessageTests {
    @Test func everyMessageSurvivesItsEncoding() throws {
        for message in samples {
            #expect(try InferenceMessage(decoding: message.encoded) == message)
        }
    }

    @Test func everyTruncationIsRefused() {
        for message in samples {
            let bytes = message.encoded
            for length in 0..<bytes.count {
                #expect(throws: WireError.self, "\(message) cut to \(length)") {
                    try InferenceMessage(decoding: Array(bytes.prefix(length)))
                }
            }
        }
    }

    @Test func everyAcceptedFlipOfABitIsACanonicalEncoding() {
        for message in samples {
            let bytes = message.encoded
            for position in bytes.indices {
                for bit in 0..<8 {
                    var flipped = bytes
                    flipped[position] ^= 1 << bit
                    guard let decoded = try? InferenceMessage(decoding: flipped) else { continue }
                    #expect(decoded.encoded == flipped, "\(message), byte \(position), bit \(bit)")
                }
            }
        }
    }

    @Test func aFramerFindsTheMessagesInAnyChunking() throws {
        let stream = samples.flatMap(MessageFramer.frame)
        for chunk in [1, 2, 3, 7, 64, stream.count] {
            var framer = MessageFramer()
            var found: [InferenceMessage] = []
            for start in stride(from: 0, to: stream.count, by: chunk) {
                framer.append(Array(stream[start..<min(start + chunk, stream.count)]))
                while let message = try framer.next() { found.append(message) }
            }
            #expect(found == samples, "chunks of \(chunk)")
            #expect(framer.isAtBoundary)
        }
    }

    @Test func biasesOutOfOrderAreRefused() {
        guard case .request(var request) = samples[3] else { return }
        request.sampling.logitBias = [.init(token: 9, bias: 1), .init(token: 3, bias: 1)]
        #expect(throws: WireError.nonCanonical(field: "logit bias")) {
            try InferenceMessage(decoding: InferenceMessage.request(request).encoded)
        }
    }

    @Test func aLengthAboveTheLimitIsRefusedAtOnce() {
        var framer = MessageFramer()
        framer.append([0xff, 0xff, 0xff, 0xff])
        #expect(throws: WireError.self) { try framer.next() }
    }

    @Test func aCountThatPromisesMoreThanFollowsAllocatesNothing() {
        var writer = ByteWriter()
        writer.writeInteger(UInt8(2))
        writer.writeInteger(UInt32(MeshLimits.tokensMax))
        #expect(throws: WireError.truncated) { try InferenceMessage(decoding: writer.bytes) }
    }
}
