import Gossip
import Mesh
import Testing
import Wire

@testable import Simulation

private let offer = ModelOffer(
    digest: ModelDigest(number: 1), name: "model", contextLength: 2048)
private let requestID = RequestID(high: 3, low: 4)

private func seconds(_ seconds: Int) -> MonotonicInstant { .origin + .seconds(seconds) }

private func frame(_ index: UInt32, choice: UInt32 = 0) -> TokenFrame {
    TokenFrame(
        request: requestID, choice: choice, index: index,
        token: SimulatedAnswer.token(requestID, choice: choice, index: index), bytes: [])
}

/// The end that choice 0 must have.
private let right = SimulatedAnswer.end(
    requestID, choice: 0, limit: SimulationLimits.answerTokensMax)

private let allFrames = (0..<right.tokens).map { frame(UInt32($0)) }

/// Node 0 asks; nodes 1 and 2 hold the model, 1 nearer; node 3 is dead to node 0.
private func known(
    here: Bool = false, routable: Set<Int> = [1, 2], offers: Bool = true
) -> [KnownMember] {
    (0..<4).map { node in
        KnownMember(
            node: node, isEntry: node == 0, isRoutable: node == 0 || routable.contains(node),
            roundTrip: node == 0 ? nil : .milliseconds(10 * node),
            models: offers && (node > 0 || here) ? [offer] : [])
    }
}

private func asked(_ known: [KnownMember] = known(), model: String? = "model")
    -> RoutingObservation
{
    .asked(0, id: requestID, choices: 1, entry: 0, model: model, known: known)
}

private let accepted = RoutingObservation.answered(0, node: 1, hops: 1, refusal: nil)
private let finished = RoutingObservation.finished(0, choice: 0, right.reason)
private let completed = RoutingObservation.ended(
    0, .completed(generatedTokens: right.tokens))
private func failed(_ failure: RequestCore.Failure) -> RoutingObservation {
    .ended(0, .failed(failure))
}
private let interrupted = failed(.interrupted(by: "node-1", message: "gone"))

/// What the checkers find in a trace. All nodes start at 0 s; the trace begins at 200 s, one
/// observation in a second.
private func found(
    _ trace: [RoutingObservation], lateNodes: Set<Int> = [], convergence: Duration? = nil
) -> Set<String> {
    var checkers = RoutingCheckers(
        placement: [[], [offer], [offer], [offer]],
        bounds: RoutingCheckers.Bounds(convergence: convergence))
    for node in 0..<4 where !lateNodes.contains(node) {
        checkers.observe(.started(node), at: seconds(0))
    }
    for node in lateNodes.sorted() { checkers.observe(.started(node), at: seconds(190)) }
    for (index, observation) in trace.enumerated() {
        checkers.observe(observation, at: seconds(200 + index))
    }
    checkers.finish(at: seconds(300))
    return Set(checkers.violations.map(\.checker))
}

/// Proof that each checker bites: a trace that is right passes, and broken in one place it does not.
@Suite struct RoutingCheckersTests {
    private let good: [RoutingObservation] = [
        asked(), .attempted(0, node: 1), accepted, .delivered(0, allFrames), finished, completed,
    ]

    @Test func aRightTracePasses() {
        #expect(right.tokens > 2)
        #expect(found(good) == [])
    }

    @Test func aRequestWithoutAnEndIsFound() {
        #expect(found(Array(good.dropLast())) == ["one end"])
    }

    @Test func aSecondEndIsFound() {
        #expect(found(good + [completed]) == ["one end"])
        #expect(found(good + [.ended(0, .cancelled)]) == ["one end"])
    }

    @Test func whatComesAfterTheEndIsFound() {
        #expect(found(good + [.delivered(0, [frame(0)])]) == ["one end"])
        #expect(found(good + [finished]) == ["one end"])
        #expect(found(good + [.attempted(0, node: 2)]) == ["one end"])
    }

    @Test func aDoubledMissingSwappedOrWrongTokenIsFound() {
        func answer(_ frames: [TokenFrame]) -> Set<String> {
            var trace = good
            trace[3] = .delivered(0, frames)
            return found(trace)
        }
        #expect(answer(allFrames) == [])
        #expect(answer(allFrames + [frame(0)]) == ["answer"])
        #expect(answer(Array(allFrames.dropFirst())) == ["answer"])
        #expect(answer(Array(allFrames.dropLast())) == ["answer"])
        #expect(answer(allFrames.reversed()) == ["answer"])
        var wrong = allFrames
        wrong[1].token ^= 1
        #expect(answer(wrong) == ["answer"])
        wrong = allFrames
        wrong[1].request = RequestID(high: 9, low: 9)
        #expect(answer(wrong) == ["answer"])
        wrong = allFrames
        wrong[1].choice = 1
        #expect(answer(wrong) == ["answer"])
    }

    @Test func aWrongEndOfAChoiceIsFound() {
        var trace = good
        trace[4] = .finished(0, choice: 0, .stopString)
        #expect(found(trace) == ["answer"])
        trace = good
        trace.insert(finished, at: 5)
        #expect(found(trace) == ["answer"])
        trace = good
        trace.remove(at: 4)
        #expect(found(trace) == ["answer"])
        trace = good
        trace[5] = .ended(0, .completed(generatedTokens: right.tokens + 1))
        #expect(found(trace) == ["answer"])
        trace = good
        trace.swapAt(3, 4)
        #expect(found(trace) == ["answer"])
    }

    @Test func aProtocolViolationIsFound() {
        #expect(
            found([
                asked(), .attempted(0, node: 1), accepted,
                failed(.protocolViolation(by: "node-1", message: "skipped a token")),
            ]) == ["answer"])
    }

    @Test func aForwardedRequestForAModelThatIsHereIsFound() {
        var trace = good
        trace[0] = asked(known(here: true))
        #expect(found(trace) == ["local first"])
        trace[1] = .attempted(0, node: 0)
        trace[2] = .answered(0, node: 0, hops: 0, refusal: nil)
        #expect(found(trace) == [])
    }

    @Test func aChoiceThatIsNotTheNearestIsFound() {
        var trace = good
        trace[1] = .attempted(0, node: 2)
        trace[2] = .answered(0, node: 2, hops: 1, refusal: nil)
        #expect(found(trace) == ["nearest"])
        // Nor one that was not measured, one that cannot be asked, or the same one twice.
        var members = known()
        members[1].roundTrip = nil
        trace[0] = asked(members)
        trace[1] = .attempted(0, node: 1)
        trace[2] = accepted
        #expect(found(trace) == ["nearest"])
        trace[0] = asked(known(routable: [2]))
        #expect(found(trace) == ["nearest"])
        trace = good
        trace.insert(.attempted(0, node: 1), at: 2)
        #expect(found(trace) == ["nearest"])
    }

    @Test func aSecondHopIsFound() {
        var trace = good
        trace[2] = .answered(0, node: 1, hops: 2, refusal: nil)
        #expect(found(trace) == ["hops"])
        trace[2] = .answered(0, node: 1, hops: 0, refusal: nil)
        #expect(found(trace) == ["hops"])
    }

    @Test func tooManyAttemptsAndTooLongAQueueAreFound() {
        let members = (0..<7).map {
            KnownMember(
                node: $0, isEntry: $0 == 0, isRoutable: true,
                roundTrip: .milliseconds(10 * $0), models: $0 == 0 ? [] : [offer])
        }
        let attempts = (1...MeshLimits.attemptsMax + 1).map {
            RoutingObservation.attempted(0, node: $0)
        }
        #expect(found([asked(members)] + attempts + [.ended(0, .cancelled)]) == ["bounds"])
        #expect(
            found([asked(members)] + attempts.dropLast() + [.ended(0, .cancelled)]) == [])
        #expect(found(good + [.queued(node: 1, count: 5, limit: 4)]) == ["bounds"])
    }

    @Test func givingUpWhileAHolderStandsIsFound() {
        let start = [asked(), .attempted(0, node: 1), accepted, .crashed(1)]
        // One holder died; the other was never asked.
        #expect(found(start + [failed(.exhausted([]))]) == ["failover"])
        // It was asked, and nothing was wrong with it.
        #expect(
            found(start + [.attempted(0, node: 2), failed(.exhausted([]))]) == ["failover"])
        // It refused, or died too.
        #expect(
            found(
                start + [
                    .attempted(0, node: 2),
                    .answered(0, node: 2, hops: 1, refusal: .overloaded),
                    failed(.exhausted([])),
                ]) == [])
        #expect(
            found(start + [.attempted(0, node: 2), .crashed(2), failed(.exhausted([]))]) == [])
        // Back again, but not there all the time.
        #expect(
            found(
                start + [
                    .attempted(0, node: 2), .crashed(2), .started(2), failed(.exhausted([])),
                ]) == [])
    }

    @Test func anInterruptionWithoutCauseOrBeforeTheFirstTokenIsFound() {
        let begun = [asked(), .attempted(0, node: 1), accepted, .delivered(0, [frame(0)])]
        #expect(found(begun + [.crashed(1), interrupted]) == [])
        #expect(found(begun + [interrupted]) == ["failover"])
        #expect(found([asked(), .attempted(0, node: 1), .crashed(1), interrupted]) == ["failover"])
        #expect(
            found(begun + [.crashed(1), .crashed(2), failed(.exhausted([]))]) == ["failover"])
    }

    @Test func aRefusalThatNobodyGaveIsFound() {
        func refused(_ code: InferenceRefusal.Code, by executor: InferenceRefusal.Code?)
            -> Set<String>
        {
            found([
                asked(), .attempted(0, node: 1),
                .answered(0, node: 1, hops: 1, refusal: executor),
                failed(.refused(InferenceRefusal(code: code, message: ""))),
            ])
        }
        #expect(refused(.promptTooLong, by: .promptTooLong) == [])
        #expect(refused(.promptTooLong, by: nil) == ["failover"])
        #expect(refused(.overloaded, by: .overloaded) == ["failover"])
    }

    @Test func aLostEntryNodeThatIsUpIsFound() {
        let start = [asked(), .attempted(0, node: 1)]
        #expect(found(start + [.ended(0, .entryLost)]) == ["failover"])
        #expect(found(start + [.crashed(0), .ended(0, .entryLost)]) == [])
    }

    @Test func anUnknownModelMustBeUnknown() {
        func ended(_ known: [KnownMember], _ failure: RouteFailure) -> Set<String> {
            found([asked(known), .ended(0, .unroutable(failure))])
        }
        let unknown = RouteFailure.unknownModel(name: "model", available: [])
        let noHolder = RouteFailure.noLiveHolder(name: "model", holders: [])
        #expect(ended(known(offers: false), unknown) == [])
        #expect(ended(known(), unknown) == ["model"])
        #expect(ended(known(routable: []), noHolder) == [])
        #expect(ended(known(), noHolder) == ["model"])
        #expect(ended(known(here: true, routable: []), noHolder) == ["model"])
        #expect(ended(known(offers: false), noHolder) == ["model"])
        #expect(ended(known(), .noModels) == ["model"])
    }

    @Test func aModelThatStandsIsKnownInTime() {
        let trace: [RoutingObservation] = [
            asked(known(offers: false)),
            .ended(0, .unroutable(.unknownModel(name: "model", available: []))),
        ]
        #expect(found(trace, convergence: .seconds(90)) == ["model"])
        // Neither the holders' start nor the entry's is long enough ago.
        #expect(found(trace, lateNodes: [1, 2, 3], convergence: .seconds(90)) == [])
        #expect(found(trace, lateNodes: [0], convergence: .seconds(90)) == [])
    }
}

/// The same on the traces of real runs: right as they are, and wrong when one thing is changed.
@Suite struct RoutingTraceTests {
    @Test func aRealTraceWithOneThingBrokenIsFound() throws {
        var configuration = RoutingSimulation.Configuration(
            nodes: 6, seed: 11, duration: .seconds(20))
        configuration.crashes = 2
        var simulation = RoutingSimulation(configuration)
        simulation.observations = []
        simulation.runToEnd()
        let trace = try #require(simulation.observations)
        let placement = simulation.placement.map { $0.map(ModelOffer.init) }

        func violations(_ trace: [(at: MonotonicInstant, RoutingObservation)]) -> Int {
            var checkers = RoutingCheckers(
                placement: placement, bounds: .init(convergence: .seconds(90)))
            for (at, observation) in trace { checkers.observe(observation, at: at) }
            checkers.finish(at: trace.last?.at ?? .origin)
            return checkers.violationCount
        }
        #expect(violations(trace) == 0)
        var random = SeededRandom(seed: 11)
        var tried = 0
        for index in trace.indices.shuffled(using: &random) where tried < 30 {
            // What a client never saw because it left, or its request failed, is no loss.
            guard isOfACompletedRequest(trace[index].1, simulation.requests) else { continue }
            var twice = trace
            twice.insert(trace[index], at: index)
            #expect(violations(twice) > 0, "doubled: \(trace[index])")
            var without = trace
            without.remove(at: index)
            #expect(violations(without) > 0, "left out: \(trace[index])")
            tried += 1
        }
        #expect(tried == 30)
    }

    private func isOfACompletedRequest(
        _ observation: RoutingObservation, _ requests: [RoutingSimulation.Request]
    ) -> Bool {
        switch observation {
        case .delivered(let number, _), .finished(let number, _, _), .ended(let number, _):
            if case .completed? = requests[number].outcome { true } else { false }
        default: false
        }
    }
}
