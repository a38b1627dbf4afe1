import Gossip
import Testing
import Wire

@testable import Mesh

private let requestID = RequestID(high: 1, low: 2)

private func request(choices: Int = 1) -> InferenceRequest {
    InferenceRequest(
        id: requestID, model: small.digest, numerics: "n1", prompt: .text("hello"),
        generated: Array(repeating: [], count: choices),
        sampling: .init(temperature: 0, topK: 0, topP: 1, minP: 0, seed: 7), maxTokens: 4,
        stop: [], kvType: 0, hops: 0)
}

private func frame(_ index: UInt32, choice: UInt32 = 0, token: Int32 = 5) -> TokenFrame {
    TokenFrame(request: requestID, choice: choice, index: index, token: token, bytes: [65])
}

private let usage = InferenceUsage(
    promptTokens: 2, generatedTokens: 1, prefillMicroseconds: 1, decodeMicroseconds: 1)

private func core(peers: Int = 2, choices: Int = 1) throws -> RequestCore {
    let plan = try Router.plan(
        model: "small", local: member(9),
        peers: (1...UInt64(peers)).map { member($0, models: [small], milliseconds: Int($0)) })
    return RequestCore(request: request(choices: choices), plan: plan)
}

private func attempts(in effects: [RequestCore.Effect]) -> [(Int, String, InferenceRequest)] {
    effects.compactMap {
        if case .attempt(let number, let target, let request) = $0 {
            (number, target.name, request)
        } else {
            nil
        }
    }
}

@Suite struct RequestCoreTests {
    @Test func aRequestRunsToItsEnd() throws {
        var core = try core()
        #expect(attempts(in: core.start()).map(\.1) == ["node-1"])
        _ = core.handle(.message(.accepted(promptTokens: [1, 2])), attempt: 0)
        #expect(core.handle(.message(.tokens([frame(0)])), attempt: 0) == [.deliver([frame(0)])])
        let finished = InferenceMessage.finished(request: requestID, choice: 0, reason: .length)
        #expect(
            core.handle(.message(finished), attempt: 0) == [.finished(choice: 0, reason: .length)])
        let completed = InferenceMessage.completed(request: requestID, usage: usage)
        #expect(core.handle(.message(completed), attempt: 0) == [.completed(usage)])
        #expect(core.handle(.lost(reason: "closed"), attempt: 0).isEmpty)
    }

    @Test func anExecutorLostBeforeTheFirstTokenIsReplacedByTheNext() throws {
        var core = try core()
        _ = core.start()
        _ = core.handle(.message(.accepted(promptTokens: [1, 2])), attempt: 0)
        let next = attempts(in: core.handle(.lost(reason: "link closed"), attempt: 0))
        #expect(next.map(\.1) == ["node-2"])
        // The text was tokenised once: the second executor gets ids.
        #expect(next.first?.2.prompt == .tokens([1, 2]))
    }

    @Test func aLateFrameOfAnAbandonedAttemptIsIgnored() throws {
        var core = try core()
        _ = core.start()
        _ = core.handle(.message(.accepted(promptTokens: [1])), attempt: 0)
        _ = core.handle(.lost(reason: "link closed"), attempt: 0)
        #expect(core.handle(.message(.tokens([frame(0)])), attempt: 0).isEmpty)
        _ = core.handle(.message(.accepted(promptTokens: [1])), attempt: 1)
        #expect(core.handle(.message(.tokens([frame(0)])), attempt: 1) == [.deliver([frame(0)])])
    }

    @Test func anExecutorLostAfterTheFirstTokenEndsTheRequestWithAnError() throws {
        var core = try core()
        _ = core.start()
        _ = core.handle(.message(.accepted(promptTokens: [1])), attempt: 0)
        _ = core.handle(.message(.tokens([frame(0)])), attempt: 0)
        #expect(
            core.handle(.lost(reason: "gone"), attempt: 0) == [
                .failed(.interrupted(by: "node-1", message: "gone"))
            ])
        #expect(core.journal == [[5]])
    }

    @Test func aFullQueueSendsTheRequestOnButABadRequestEndsIt() throws {
        var first = try core()
        _ = first.start()
        let busy = InferenceRefusal(code: .overloaded, message: "queue full")
        #expect(
            attempts(in: first.handle(.message(.refused(busy)), attempt: 0)).map(\.1) == ["node-2"])
        let long = InferenceRefusal(code: .promptTooLong, message: "too long")
        #expect(first.handle(.message(.refused(long)), attempt: 1) == [.failed(.refused(long))])
    }

    @Test func whenEveryTargetFailsAllReasonsAreTold() throws {
        var core = try core()
        _ = core.start()
        _ = core.handle(.lost(reason: "a"), attempt: 0)
        #expect(
            core.handle(.lost(reason: "b"), attempt: 1) == [
                .failed(
                    .exhausted([
                        .init(node: "node-1", reason: "a", refusal: nil),
                        .init(node: "node-2", reason: "b", refusal: nil),
                    ]))
            ])
    }

    @Test func aRepeatedTokenIsDeliveredOnceAndASkippedOneIsAViolation() throws {
        var core = try core()
        _ = core.start()
        _ = core.handle(.message(.accepted(promptTokens: [1])), attempt: 0)
        _ = core.handle(.message(.tokens([frame(0)])), attempt: 0)
        #expect(
            core.handle(.message(.tokens([frame(0), frame(1)])), attempt: 0)
                == [.deliver([frame(1)])])
        let effects = core.handle(.message(.tokens([frame(3)])), attempt: 0)
        #expect(effects.first == .abandon(number: 0))
        guard case .failed(.protocolViolation(by: "node-1", _)) = effects.last else {
            Issue.record("not refused: \(effects)")
            return
        }
    }

    @Test func everyMessageOutOfPlaceIsAViolation() throws {
        let outOfPlace: [InferenceMessage] = [
            .tokens([frame(0)]), .request(request()),
            .finished(request: requestID, choice: 0, reason: .length),
            .completed(request: requestID, usage: usage),
        ]
        for message in outOfPlace {
            var core = try core()
            _ = core.start()
            let effects = core.handle(.message(message), attempt: 0)
            #expect(effects.first == .abandon(number: 0), "\(message)")
        }
    }

    @Test func cancellingFreesTheExecutorAndEndsTheRequest() throws {
        var core = try core()
        _ = core.start()
        #expect(core.handle(.cancelled, attempt: 0) == [.abandon(number: 0)])
        #expect(core.handle(.message(.accepted(promptTokens: [])), attempt: 0).isEmpty)
    }
}
