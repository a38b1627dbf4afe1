import Gossip
import Mesh
import Testing
import Wire

@testable import Simulation

/// A run that is small enough for a debug build, and busy enough that things go wrong in it.
private func configuration(seed: UInt64) -> RoutingSimulation.Configuration {
    var configuration = RoutingSimulation.Configuration(
        nodes: 7, seed: seed, duration: .seconds(30))
    configuration.loss = seed % 3 == 0 ? 0.1 : 0.02
    configuration.crashes = 5
    configuration.requestsPerSecond = 8
    configuration.models = 4
    configuration.refusesAfterCrash = seed % 4 != 0
    return configuration
}

@Suite struct RoutingSimulationTests {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func everyRequestGetsWhatItIsOwed(seed: UInt64) {
        let report = RoutingSimulation.run(configuration(seed: seed))
        #expect(report.isClean, "\(report.text)")
        #expect(report.crashes > 0)
        #expect(report.answeredHere > 0)
        #expect(report.forwarded > 0)
        let failed = report.failures.reduce(0) { $0 + $1.count }
        #expect(report.requests == report.answeredHere + report.forwarded + failed)
    }

    @Test func theRunsReachWhatTheyAreMeantToTest() {
        var kinds: Set<String> = []
        var saved = 0
        for seed in 1...3 as ClosedRange<UInt64> {
            let report = RoutingSimulation.run(configuration(seed: seed))
            kinds.formUnion(report.failures.map(\.kind))
            saved += report.retriedAndAnswered
        }
        #expect(saved > 0)
        #expect(
            kinds.isSuperset(of: [
                "cancelled", "entry lost", "exhausted", "interrupted", "refused: promptTooLong",
                "unknown model",
            ]), "\(kinds)")
    }

    @Test func theSameSeedGivesTheSameRunAndAnotherOneAnother() {
        var configuration = configuration(seed: 5)
        configuration.duration = .seconds(10)
        let first = RoutingSimulation.run(configuration)
        #expect(RoutingSimulation.run(configuration) == first)
        configuration.seed = 6
        #expect(RoutingSimulation.run(configuration).traceDigest != first.traceDigest)
    }

    @Test func withoutFaultsNothingIsRetriedOrLost() {
        var configuration = RoutingSimulation.Configuration(
            nodes: 10, seed: 3, duration: .seconds(30))
        configuration.failures = 0
        configuration.cancellations = 0
        configuration.queueLimit = 1000
        let report = RoutingSimulation.run(configuration)
        #expect(report.isClean, "\(report.text)")
        #expect(report.retried == 0)
        let kinds = Set(report.failures.map(\.kind))
        #expect(kinds.isSubset(of: ["refused: promptTooLong", "unknown model"]), "\(kinds)")
    }

    @Test func oneNodeAloneServesItself() {
        var configuration = RoutingSimulation.Configuration(
            nodes: 1, seed: 1, duration: .seconds(60))
        configuration.requestsPerSecond = 0.2
        let report = RoutingSimulation.run(configuration)
        #expect(report.isClean, "\(report.text)")
        #expect(report.forwarded == 0)
        #expect(report.answeredHere > 0)
    }

    @Test func aConfigurationThatCannotRunSaysWhy() {
        let good = configuration(seed: 1)
        #expect(good.problem == nil)
        let changes: [(String, (inout RoutingSimulation.Configuration) -> Void)] = [
            ("nodes", { $0.nodes = 0 }),
            ("nodes", { $0.nodes = SimulationLimits.routingNodesMax + 1 }),
            ("models", { $0.models = 0 }),
            ("models", { $0.models = SimulationLimits.modelsMax + 1 }),
            ("requests per second", { $0.requestsPerSecond = 0 }),
            ("requests per second", { $0.requestsPerSecond = .nan }),
            ("at most", { $0.duration = .seconds(1_000_000) }),
            ("duration", { $0.duration = .zero }),
            ("executor", { $0.queueLimit = 0 }),
            ("shares", { $0.failures = 1.5 }),
            ("shares", { $0.loss = -0.1 }),
            ("span", { $0.span = .seconds(-1) }),
            ("crashes", { $0.crashes = -1 }),
        ]
        for (word, change) in changes {
            var bad = good
            change(&bad)
            #expect(bad.problem?.contains(word) == true, "\(word): \(bad.problem ?? "no problem")")
        }
    }

    @Test func theReplayCommandNamesEverythingTheCommandLineHas() {
        var configuration = RoutingSimulation.Configuration(
            nodes: 20, seed: 9, duration: .seconds(90))
        configuration.loss = 0.05
        configuration.crashes = 3
        #expect(
            configuration.replayCommand
                == "shoal simulate routing --nodes 20 --seed 9 --minutes 1.5 --loss 0.05 "
                + "--crashes 3")
    }
}

@Suite struct SimulatedExecutorTests {
    private func executor(queueLimit: Int = 2, failures: Double = 0) -> SimulatedExecutor {
        SimulatedExecutor(
            models: [offer], queueLimit: queueLimit, failures: failures,
            random: SeededRandom(seed: 4))
    }

    private let offer = ModelOffer(
        digest: ModelDigest(number: 1), name: "model", contextLength: 100)

    private func request(_ number: UInt64, model: UInt64 = 1, bytes: Int = 5) -> InferenceRequest {
        InferenceRequest(
            id: RequestID(high: 1, low: number), model: ModelDigest(number: model),
            numerics: "n", prompt: .text(String(repeating: "a", count: bytes)),
            generated: [[], []],
            sampling: .init(temperature: 0, topK: 0, topP: 1, minP: 0, seed: 0), maxTokens: 8,
            stop: [], kvType: 0, hops: 0)
    }

    private func code(_ message: InferenceMessage) -> InferenceRefusal.Code? {
        if case .refused(let refusal) = message { refusal.code } else { nil }
    }

    @Test func aFullQueueRefusesAndAFreePlaceDoesNot() {
        var executor = executor()
        let answers = (1...3).map { executor.take(request(UInt64($0)), stream: $0) }
        #expect(answers.map(code) == [nil, nil, .overloaded])
        let wasFirst = executor.cancel(stream: 1)
        #expect(wasFirst)
        let again = executor.take(request(3), stream: 3)
        #expect(code(again) == nil)
        let isFirst = executor.cancel(stream: 3)
        #expect(!isFirst)
    }

    @Test func whatItCannotRunIsRefused() {
        var executor = executor()
        var circling = request(1)
        circling.hops = 2
        let requests = [request(1, model: 2), request(1, bytes: 100), circling]
        let answers = requests.map { executor.take($0, stream: 1) }
        #expect(answers.map(code) == [.modelNotHere, .promptTooLong, .badRequest])
    }

    @Test func twoExecutorsGiveTheSameTokensInTheirOwnTime() {
        func tokens(seed: UInt64) -> [[Int32]] {
            var executor = SimulatedExecutor(
                models: [offer], queueLimit: 1, failures: 0, random: SeededRandom(seed: seed))
            _ = executor.take(request(7), stream: 0)
            var answer: [[Int32]] = [[], []]
            while let (_, message) = executor.step() {
                guard case .tokens(let frames) = message else { continue }
                for frame in frames where frame.index == answer[Int(frame.choice)].count {
                    answer[Int(frame.choice)].append(frame.token)
                }
            }
            return answer
        }
        #expect(tokens(seed: 1) == tokens(seed: 2))
    }

    @Test func aFailingExecutorEndsWithARefusal() {
        var executor = executor(failures: 1)
        _ = executor.take(request(1), stream: 0)
        var last: InferenceMessage?
        while let (_, message) = executor.step() { last = message }
        #expect(last.flatMap(code) == .failed)
    }
}
