import Gossip
import Mesh
import Wire

/// Clients that ask entry nodes of a simulated mesh: real gossip cores below, the real router and
/// request core at the entry, simulated executors and links between. The simulation stands in for
/// the node's shell: it dials, carries messages in order, and tells of what was lost.
public struct RoutingSimulation: Sendable {
    /// The context of every simulated model, in tokens.
    static let contextLength: UInt32 = 2048

    enum Event: Sendable {
        case ask
        /// The bytes of a request reach the executor.
        case request([UInt8], stream: Int)
        /// The executor's next message is due.
        case work(Int, start: Int, job: Int)
        /// The bytes of a message reach the entry node.
        case message([UInt8], stream: Int)
        /// The entry node learns that the stream is over.
        case lost(stream: Int, reason: String)
        /// The executor learns that nobody listens.
        case reset(stream: Int)
        case clientLeft(Int)
    }

    /// A request at its entry node.
    struct Request: Sendable {
        let id: RequestID
        let entry: Int
        let askedAt: MonotonicInstant
        var core: RequestCore?
        var attempts = 0
        var stream: Int?
        var answeredBy: Int?
        var firstToken: Duration?
        var tokens = 0
        var outcome: RoutingOutcome?
    }

    /// One attempt: a stream from the entry node to an executor, or a call within a node.
    struct Stream: Sendable {
        let request: Int
        let attempt: Int
        let entry: Int
        let executor: Int
        let entryStart: Int
        let executorStart: Int
        var isOpen = true
        /// A stream keeps order: nothing arrives before what was sent before.
        var lastToEntry = MonotonicInstant.origin
        var lastToExecutor = MonotonicInstant.origin
    }

    let configuration: Configuration
    let placement: [[OfferedModel]]
    let offers: [OfferedModel]
    var mesh: MembershipSimulation
    var queue = EventQueue<Event>()
    var executors: [SimulatedExecutor]
    var requests: [Request] = []
    var streams: [Stream] = []
    /// Requests that have no outcome yet.
    var open = 0
    /// Streams that are open, in the order they were made.
    var openStreams: [Int] = []
    var checkers: RoutingCheckers
    var trace = TraceDigest()
    var now = MonotonicInstant.origin
    var events = 0
    /// Chance of the clients, and of the links.
    var clients: SeededRandom
    var links: SeededRandom
    let askUntil: MonotonicInstant
    /// All that the checkers saw, if anybody wants to see it.
    var observations: [(at: MonotonicInstant, RoutingObservation)]?
    /// Which nodes are known here to be up.
    var isUp: [Bool]

    /// Runs a configuration to its end.
    ///
    /// - Precondition: The configuration has no ``Configuration/problem``.
    public static func run(_ configuration: Configuration) -> Report {
        var simulation = RoutingSimulation(configuration)
        simulation.runToEnd()
        return simulation.report()
    }

    init(_ configuration: Configuration) {
        if let problem = configuration.problem { preconditionFailure(problem) }
        self.configuration = configuration
        isUp = Array(repeating: false, count: configuration.nodes)
        placement = configuration.placement()
        clients = SeededRandom(seed: configuration.seed, stream: 4 << 40)
        links = SeededRandom(seed: configuration.seed, stream: 6 << 40)
        var membership = configuration.membership
        membership.placement = placement
        mesh = MembershipSimulation(membership)
        mesh.network.places = Array(repeating: Place(), count: configuration.nodes)
        for node in 0..<configuration.nodes {
            let way = links.duration(in: .zero...configuration.span)
            mesh.network.places[node].x = Double(way.nanoseconds)
        }
        offers = configuration.offers
        let held = placement.map { $0.map(ModelOffer.init) }
        executors = held.map {
            SimulatedExecutor(
                models: $0, queueLimit: configuration.queueLimit,
                failures: configuration.failures, random: SeededRandom(seed: 0))
        }
        checkers = RoutingCheckers(
            placement: held,
            bounds: RoutingCheckers.Bounds(
                convergence: configuration.allowsFalseDeaths
                    ? nil : configuration.convergenceBound))
        askUntil = now + configuration.duration
        queue.push(.ask, at: now + .seconds(1))
    }

    mutating func runToEnd() {
        let drained = askUntil + .seconds(SimulationLimits.drainSecondsMax)
        while let next = [mesh.queue.next, queue.next].compactMap(\.self).min(),
            next <= drained, next <= askUntil || open > 0
        {
            now = next
            if mesh.queue.next == next {
                if case .fault? = mesh.step() { noticeFaults() }
            } else if let (_, event) = queue.pop() {
                events += 1
                trace.add(UInt64(bitPattern: now.nanoseconds))
                process(event)
            }
        }
        trace.add(mesh.trace.value)
        checkers.finish(at: now)
    }

    mutating func observe(_ observation: RoutingObservation) {
        checkers.observe(observation, at: now)
        observations?.append((now, observation))
    }

    // MARK: Events

    private mutating func process(_ event: Event) {
        switch event {
        case .ask: ask()
        case .clientLeft(let number): tell(number, .cancelled, attempt: 0)
        case .request(let bytes, let stream): take(bytes, stream)
        case .work(let node, let start, let job): work(node, start: start, job: job)
        case .message(let bytes, let stream):
            trace.add(bytes)
            guard let message = decode(bytes) else { return }
            hear(.message(message), on: stream)
        case .lost(let stream, let reason): hear(.lost(reason: reason), on: stream)
        case .reset(let stream):
            let node = streams[stream].executor
            guard mesh.nodes[node].start == streams[stream].executorStart,
                mesh.nodes[node].isUp
            else { return }
            if executors[node].cancel(stream: stream) { scheduleWork(node) }
        }
    }

    /// What a crash or a start of a node does to requests and executors.
    private mutating func noticeFaults() {
        for node in isUp.indices where mesh.nodes[node].isUp != isUp[node] {
            isUp[node].toggle()
            if isUp[node] { started(node) } else { crashed(node) }
        }
    }

    private mutating func started(_ node: Int) {
        let stream = UInt64(node) + mesh.nodes[node].generation << 20 + 7 << 40
        executors[node] = SimulatedExecutor(
            models: placement[node].map(ModelOffer.init), queueLimit: configuration.queueLimit,
            failures: configuration.failures,
            random: SeededRandom(seed: configuration.seed, stream: stream))
        observe(.started(node))
    }

    private mutating func crashed(_ node: Int) {
        observe(.crashed(node))
        for number in requests.indices
        where requests[number].entry == node && requests[number].outcome == nil {
            end(number, .entryLost)
        }
        for stream in openStreams {
            let (entry, executor) = (streams[stream].entry, streams[stream].executor)
            // The host closes the dead process's connections, or the other side gives up.
            let silence: Duration = configuration.refusesAfterCrash ? .zero : .seconds(30)
            if entry == node {
                close(stream)
                guard executor != node else { continue }
                queue.push(.reset(stream: stream), at: now + silence + delay(entry, executor))
            } else if executor == node {
                let lost = Event.lost(stream: stream, reason: "the link closed")
                if links.happens(0.5) {
                    arriveAtEntry(lost, stream, after: silence)
                } else {
                    // A reset overtakes what is on the way, which then comes too late.
                    queue.push(lost, at: now + silence + .microseconds(100))
                }
            }
        }
    }

    // MARK: Clients

    private mutating func ask() {
        let mean = 1e9 / configuration.requestsPerSecond
        let gap = Duration.nanoseconds(Int64(mean * 2 * clients.share()))
        if now + gap <= askUntil { queue.push(.ask, at: now + gap) }
        // All draws come first: what a client asks must not depend on who is up.
        let entry = Int.random(in: 0..<configuration.nodes, using: &clients)
        let model = drawModel()
        let choices = Int.random(in: 1...SimulationLimits.answerChoicesMax, using: &clients)
        let isTooLong = clients.happens(0.01)
        let length = isTooLong ? Int(Self.contextLength) + 1 : Int(4 + clients.next() % 60)
        let id = RequestID(using: &clients)
        let patience =
            clients.happens(configuration.cancellations)
            ? clients.duration(in: .milliseconds(1) ... .seconds(1)) : nil
        // A client whose node is down asks nothing: it has no connection to ask on.
        guard mesh.nodes[entry].isUp else { return }
        let request = InferenceRequest(
            id: id, model: ModelDigest(number: 0), numerics: "shoal-numerics-2",
            prompt: .text(String(repeating: "a", count: length)),
            generated: Array(repeating: [], count: choices),
            sampling: .init(temperature: 0, topK: 0, topP: 1, minP: 0, seed: id.low),
            maxTokens: UInt32(SimulationLimits.answerTokensMax), stop: [], kvType: 0, hops: 0)
        let number = requests.count
        requests.append(Request(id: id, entry: entry, askedAt: now))
        open += 1
        trace.add(UInt64(entry))
        if let patience { queue.push(.clientLeft(number), at: now + patience) }
        start(number, request, model: model)
    }

    /// Mostly a model by name; now and then by its digest, or any, or one that is nowhere.
    private mutating func drawModel() -> String? {
        let offer = offers[Int(clients.next() % UInt64(configuration.models))]
        switch clients.next() % 100 {
        case 0..<5: return nil
        case 5..<10: return "model-of-nobody"
        case 10..<20: return String(offer.digest.hex.prefix(12))
        default: return offer.name
        }
    }

    private mutating func start(_ number: Int, _ request: InferenceRequest, model: String?) {
        let entry = requests[number].entry
        let known = knowledge(of: entry)
        observe(
            .asked(
                number, id: request.id, choices: request.choices, entry: entry, model: model,
                known: known))
        let local = RoutingMember(
            node: mesh.id(entry), name: "node-\(entry)", isRoutable: true,
            models: placement[entry].map(ModelOffer.init), numerics: request.numerics,
            roundTrip: nil)
        let peers = known.filter { !$0.isEntry }.map {
            RoutingMember(
                node: mesh.id($0.node), name: "node-\($0.node)", isRoutable: $0.isRoutable,
                models: $0.models, numerics: request.numerics, roundTrip: $0.roundTrip)
        }
        do {
            let plan = try Router.plan(model: model, local: local, peers: peers)
            var request = request
            request.model = plan.model.digest
            // The entry node has the vocabulary when it has the model.
            if plan.targets[0].isLocal {
                request.prompt = .tokens(SimulatedAnswer.tokens(of: request.prompt))
            }
            var core = RequestCore(request: request, plan: plan)
            let effects = core.start()
            requests[number].core = core
            perform(effects, of: number)
        } catch {
            end(number, .unroutable(error))
        }
    }

    /// What a node's membership holds, as the node's shell reads it.
    private mutating func knowledge(of entry: Int) -> [KnownMember] {
        let own = KnownMember(
            node: entry, isEntry: true, isRoutable: true, roundTrip: nil,
            models: placement[entry].map(ModelOffer.init))
        return [own]
            + mesh.peek(entry) { $0.core.memberViews }.map { view in
                let isUp = view.state.isThere
                let isReachable = view.hasLink || view.alive.reachability == .direct
                return KnownMember(
                    node: mesh.member(view.id), isEntry: false, isRoutable: isUp && isReachable,
                    roundTrip: view.roundTrip,
                    models: (view.metadata?.models ?? []).map(ModelOffer.init))
            }
    }

    // MARK: The entry node

    private mutating func hear(_ input: RequestCore.Input, on stream: Int) {
        let (number, attempt) = (streams[stream].request, streams[stream].attempt)
        guard mesh.nodes[streams[stream].entry].start == streams[stream].entryStart else { return }
        switch input {
        case .message(.completed), .message(.refused), .lost: close(stream)
        default: break
        }
        tell(number, input, attempt: attempt)
    }

    private mutating func tell(_ number: Int, _ input: RequestCore.Input, attempt: Int) {
        // An entry node that crashed has forgotten the request; all others are asked even after
        // their end, because late input must not matter.
        guard requests[number].outcome != .entryLost, var core = requests[number].core else {
            return
        }
        let effects = core.handle(input, attempt: attempt)
        requests[number].core = core
        perform(effects, of: number)
        if case .cancelled = input, requests[number].outcome == nil { end(number, .cancelled) }
    }

    private mutating func perform(_ effects: [RequestCore.Effect], of number: Int) {
        for effect in effects {
            switch effect {
            case .attempt(let attempt, let target, let request):
                requests[number].attempts += 1
                connect(number, attempt, request, to: mesh.member(target.node))
            case .running(let target, _, _):
                requests[number].answeredBy = mesh.member(target.node)
            case .deliver(let frames):
                if requests[number].firstToken == nil {
                    requests[number].firstToken = now - requests[number].askedAt
                }
                requests[number].tokens += frames.count
                for frame in frames { trace.add(UInt64(frame.index) << 32 | UInt64(frame.token)) }
                observe(.delivered(number, frames))
            case .finished(let choice, let reason):
                observe(.finished(number, choice: choice, reason))
            case .completed(let usage):
                end(number, .completed(generatedTokens: Int(usage.generatedTokens)))
            case .abandon: abandon(number)
            case .failed(let failure): end(number, .failed(failure))
            }
        }
    }

    private mutating func end(_ number: Int, _ outcome: RoutingOutcome) {
        if requests[number].outcome == nil { open -= 1 }
        requests[number].outcome = outcome
        trace.add(Array(outcome.kind.utf8))
        observe(.ended(number, outcome))
    }

    private mutating func abandon(_ number: Int) {
        guard let stream = requests[number].stream, streams[stream].isOpen else { return }
        close(stream)
        let way = delay(streams[stream].entry, streams[stream].executor)
        queue.push(.reset(stream: stream), at: arrival(at: \.lastToExecutor, stream, after: way))
    }

    // MARK: Streams

    /// Opens a stream to a target over the link that is there or a new one, and sends the request.
    private mutating func connect(
        _ number: Int, _ attempt: Int, _ request: InferenceRequest, to node: Int
    ) {
        let entry = requests[number].entry
        let stream = streams.count
        streams.append(
            Stream(
                request: number, attempt: attempt, entry: entry, executor: node,
                entryStart: mesh.nodes[entry].start, executorStart: mesh.nodes[node].start))
        openStreams.append(stream)
        requests[number].stream = stream
        trace.add(UInt64(node))
        observe(.attempted(number, node: node))
        var forwarded = request
        var wait = Duration.zero
        if node != entry {
            forwarded.hops += 1
            if !mesh.hasLink(entry, node) {
                guard mesh.nodes[node].isUp else {
                    let isRefused = configuration.refusesAfterCrash
                    let wait =
                        isRefused
                        ? delay(entry, node) + delay(node, entry) : Duration.seconds(5)
                    arriveAtEntry(
                        .lost(stream: stream, reason: "no link could be made"), stream, after: wait)
                    return
                }
                // A TCP handshake and the link's own: three one-way trips.
                for _ in 0..<3 { wait += delay(entry, node) }
                mesh.dialled(entry, node, after: wait)
            }
            wait += delay(entry, node)
        }
        queue.push(
            .request(MessageFramer.frame(.request(forwarded)), stream: stream),
            at: arrival(at: \.lastToExecutor, stream, after: wait))
    }

    private mutating func send(_ message: InferenceMessage, on stream: Int) {
        let bytes = MessageFramer.frame(message)
        arriveAtEntry(.message(bytes, stream: stream), stream, after: .zero)
    }

    private mutating func arriveAtEntry(_ event: Event, _ stream: Int, after: Duration) {
        let way = delay(streams[stream].executor, streams[stream].entry)
        queue.push(event, at: arrival(at: \.lastToEntry, stream, after: after + way))
    }

    private mutating func arrival(
        at end: WritableKeyPath<Stream, MonotonicInstant>, _ stream: Int, after: Duration
    ) -> MonotonicInstant {
        let at = max(now + after, streams[stream][keyPath: end])
        streams[stream][keyPath: end] = at
        return at
    }

    private mutating func close(_ stream: Int) {
        guard streams[stream].isOpen else { return }
        streams[stream].isOpen = false
        openStreams.removeAll { $0 == stream }
    }

    /// One way over a link; nothing within a node.
    private mutating func delay(_ from: Int, _ to: Int) -> Duration {
        guard from != to else { return .zero }
        var delay =
            links.duration(in: configuration.network.latency) + mesh.network.distance(from, to)
        for _ in 0..<3 where links.happens(configuration.network.loss) {
            delay += .milliseconds(200)
        }
        return delay
    }

    private func decode(_ bytes: [UInt8]) -> InferenceMessage? {
        var framer = MessageFramer()
        framer.append(bytes)
        return try? framer.next()
    }

    // MARK: The executor

    private mutating func take(_ bytes: [UInt8], _ stream: Int) {
        let node = streams[stream].executor
        guard mesh.nodes[node].isUp, mesh.nodes[node].start == streams[stream].executorStart,
            case .request(let request)? = decode(bytes)
        else { return }
        trace.add(bytes)
        let wasIdle = executors[node].jobs.isEmpty
        let answer = executors[node].take(request, stream: stream)
        var refusal: InferenceRefusal.Code?
        if case .refused(let refused) = answer { refusal = refused.code }
        let number = streams[stream].request
        observe(.answered(number, node: node, hops: request.hops, refusal: refusal))
        observe(
            .queued(
                node: node, count: executors[node].jobs.count, limit: configuration.queueLimit))
        send(answer, on: stream)
        if wasIdle { scheduleWork(node) }
    }

    private mutating func work(_ node: Int, start: Int, job: Int) {
        guard mesh.nodes[node].isUp, mesh.nodes[node].start == start,
            executors[node].jobs.first?.serial == job, let next = executors[node].step()
        else { return }
        if case .refused(let refusal) = next.message {
            observe(
                .answered(
                    streams[next.stream].request, node: node,
                    hops: streams[next.stream].entry == node ? 0 : 1, refusal: refusal.code))
        }
        send(next.message, on: next.stream)
        scheduleWork(node)
    }

    private mutating func scheduleWork(_ node: Int) {
        guard let delay = executors[node].nextDelay(), let job = executors[node].jobs.first?.serial
        else { return }
        queue.push(
            .work(node, start: mesh.nodes[node].start, job: job), at: now + delay)
    }
}

extension ModelOffer {
    init(_ offered: OfferedModel) {
        self.init(
            digest: offered.digest, name: offered.name, contextLength: offered.contextLength)
    }
}
