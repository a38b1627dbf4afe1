import MeshTransport
import NodeAPI
import Trust
import Wire

/// The addresses at which members are looked for, and what answers there.
extension Doctor {
    /// An address with what answered.
    struct Trial: Sendable {
        var tried: DoctorReport.Tried
        var outcomes: [ProbeOutcome] = []

        var isMember: Bool {
            outcomes.contains { if case .member = $0 { true } else { false } }
        }
        /// Whether it leads nowhere but to this node.
        var isOnlyItself: Bool { !outcomes.isEmpty && outcomes.allSatisfy { $0 == .itself } }
    }

    /// Where members are looked for: seeds, the ticket's addresses, remembered members.
    private func places(of subject: Subject) -> [(NetworkAddress, PlaceOrigin, NodeID?)] {
        var found: [(NetworkAddress, PlaceOrigin, NodeID?)] = []
        var seen: Set<NetworkAddress> = []
        func add(_ address: NetworkAddress, _ origin: PlaceOrigin, _ node: NodeID? = nil) {
            if seen.insert(address).inserted { found.append((address, origin, node)) }
        }
        for address in (try? subject.configuration?.parsedSeeds()) ?? [] { add(address, .seed) }
        // Those of the running node's flags too.
        for place in status?.discovery?.places ?? [] where place.origin == "seed" {
            if let address = NetworkAddress(place.address) { add(address, .seed) }
        }
        guard subject.genesis != nil, let ownNode = subject.node else { return found }
        for address in StateDirectory.ticketAddresses(in: subject.files) { add(address, .ticket) }
        // The running node knows more than what it has written down.
        let members = (status?.members ?? []).filter { !$0.isSelf && $0.state != .left }
        for member in members.prefix(DoctorLimits.rememberedMax) {
            let addresses = member.addresses.compactMap { NetworkAddress($0) }
            for address in addresses.prefix(DoctorLimits.rememberedAddressesMax) {
                add(address, .remembered, NodeID(hex: member.id))
            }
        }
        for entry in StateDirectory.peerMemory(in: subject.files).entries.prefix(
            DoctorLimits.rememberedMax)
        {
            for address in entry.addresses.prefix(DoctorLimits.rememberedAddressesMax) {
                add(address, .remembered, entry.node)
            }
        }
        return found
    }

    /// Resolves and probes all of them, all at once.
    func tryPlaces(
        of subject: Subject, progress: @escaping @Sendable (Double) -> Void
    ) async -> [Trial] {
        let places = places(of: subject)
        let resolver = resolver
        let resolved = await Self.all(places, atOnce: DoctorLimits.probesMax) {
            (address, _, _) -> Result<[NetworkAddress], ResolutionFailure> in
            do throws(ResolutionFailure) {
                return .success(try await resolver.addresses(of: address))
            } catch {
                return .failure(error)
            }
        }
        progress(0.3)
        var targets: [NetworkAddress] = []
        for case .success(let addresses) in resolved {
            for address in addresses.prefix(DiscoveryLimits.recordsMax)
            where !targets.contains(address) { targets.append(address) }
        }
        var answers: [NetworkAddress: (outcome: ProbeOutcome, took: Duration)] = [:]
        // Where this node would listen: while it does not, something else may answer.
        let own = subject.isLocked ? [] : ownAddresses(of: subject)
        for target in targets where own.contains(target) { answers[target] = (.itself, .zero) }
        targets.removeAll { own.contains($0) }
        if let credentials = credentials(of: subject) {
            let limit = probeLimit
            let results = await Self.all(targets, atOnce: DoctorLimits.probesMax) { address in
                await LinkProbe.run(
                    at: address, credentials: credentials, within: limit,
                    wallClock: NodeRuntime.wallTime)
            }
            for (target, result) in zip(targets, results) { answers[target] = result }
        }
        progress(1)
        return zip(places, resolved).map { place, resolved in
            trial(place, resolved, answers)
        }
    }

    private func ownAddresses(of subject: Subject) -> Set<NetworkAddress> {
        guard let configuration = subject.configuration, !configuration.dialOutOnly else {
            return []
        }
        return Set(
            LocalAddresses.all(host: configuration.peerHost, port: configuration.peerPort))
    }

    private func trial(
        _ place: (address: NetworkAddress, origin: PlaceOrigin, node: NodeID?),
        _ resolved: Result<[NetworkAddress], ResolutionFailure>,
        _ answers: [NetworkAddress: (outcome: ProbeOutcome, took: Duration)]
    ) -> Trial {
        var trial = Trial(
            tried: DoctorReport.Tried(
                address: "\(place.address)", origin: place.origin.rawValue,
                node: place.node?.short, unresolved: nil, answers: []))
        switch resolved {
        case .failure(let failure): trial.tried.unresolved = failure.description
        case .success(let addresses):
            for address in addresses {
                guard let (outcome, took) = answers[address] else { continue }
                trial.outcomes.append(outcome)
                trial.tried.answers.append(
                    DoctorReport.Answer(
                        address: "\(address)", result: outcome.name,
                        meaning: outcome.meaning(within: probeLimit),
                        milliseconds: (took.milliseconds * 10).rounded() / 10))
            }
        }
        return trial
    }

    /// What a probe needs; nil where the keys can't be read.
    func credentials(of subject: Subject) -> LinkCredentials? {
        guard let identity = subject.identity, let chain = subject.chain,
            let genesis = subject.genesis, let gateKeys = subject.gateKeys
        else { return nil }
        return LinkCredentials(
            identity: identity, chain: chain, genesis: genesis, gateKeys: gateKeys,
            trust: subject.trust ?? TrustState(), linkKey: .generate(now: now))
    }

    // MARK: What it means

    func examinePlaces(
        _ trials: [Trial], of subject: Subject, _ report: inout DoctorReport
    ) {
        guard subject.genesis != nil else { return }
        let others = trials.filter { !$0.isOnlyItself }
        let answering = others.count(where: \.isMember)
        let isConnected = status?.discovery.map { !$0.alone } ?? false
        examineClocks(trials.flatMap(\.outcomes), &report)
        for trial in trials where trial.tried.origin != PlaceOrigin.remembered.rawValue {
            examine(trial, isAnyoneThere: answering > 0 || isConnected, subject, &report)
        }
        let remembered = others.filter { $0.tried.origin == PlaceOrigin.remembered.rawValue }
        if !remembered.isEmpty {
            let count = remembered.count(where: \.isMember)
            report.add(
                .members, "remembered members", .ok,
                "\(count) of \(remembered.count) addresses answer"
                    + (count < remembered.count && answering == 0 ? "" : Self.silent(remembered)))
        }
        if others.isEmpty {
            report.add(
                .members, "anyone there", .ok,
                isConnected
                    ? "the running node has other members"
                    : "no address of another member is known, so nobody was asked: let others in "
                        + "by `shoal invite create`, or name a member by --seed HOST:PORT")
        } else if credentials(of: subject) == nil {
            examineUnasked(isConnected, subject, &report)
        } else if answering > 0 {
            report.add(
                .members, "anyone there", .ok, "\(answering) of \(others.count) addresses answer")
        } else {
            report.add(
                .members, "anyone there", isConnected ? .warning : .problem,
                "nobody answers. Tried: " + others.prefix(12).map(\.summary).joined(separator: ", ")
                    + (others.count > 12 ? " and \(others.count - 12) more" : ""),
                remedy: Self.remedy(for: others, subject))
        }
    }

    /// Where this command has not the keys to ask anybody, what the running node says counts.
    private func examineUnasked(
        _ isConnected: Bool, _ subject: Subject, _ report: inout DoctorReport
    ) {
        let isSealed = subject.identity == nil && subject.node != nil
        guard let discovery = status?.discovery else {
            return report.add(
                .members, "anyone there", isSealed ? .warning : .problem,
                isSealed
                    ? "nobody was asked: the identity is sealed, and the node does not run"
                    : "nobody was asked, since this node's keys can't be read",
                remedy: isSealed
                    ? "name the passphrase's file by --key-passphrase-file to ask"
                    : "mend what is said above")
        }
        guard !isConnected else {
            return report.add(
                .members, "anyone there", .ok, "the running node has other members, by its own word"
            )
        }
        let places = discovery.places.filter { $0.outcome != "self" }
        let tried = places.prefix(12).map { "\($0.address) (\($0.reason ?? $0.outcome))" }
        report.add(
            .members, "anyone there", .problem,
            "nobody answers the running node. Tried: " + tried.joined(separator: ", ")
                + (places.count > 12 ? " and \(places.count - 12) more" : ""),
            remedy: "see that the nodes there run, and that nothing between drops what comes"
                + (isSealed ? "; with --key-passphrase-file more can be said of each" : ""))
    }

    private static func silent(_ trials: [Trial]) -> String {
        let silent = trials.filter { !$0.isMember }
        guard !silent.isEmpty else { return "" }
        return "; not: " + silent.prefix(4).map(\.tried.address).joined(separator: ", ")
            + (silent.count > 4 ? " and \(silent.count - 4) more" : "")
    }

    private func examine(
        _ trial: Trial, isAnyoneThere: Bool, _ subject: Subject, _ report: inout DoctorReport
    ) {
        let name = "\(trial.tried.origin) \(trial.tried.address)"
        // A seed is a setting, and ought to be right. A ticket's address was so once.
        let isSeed = trial.tried.origin == PlaceOrigin.seed.rawValue
        let failed: DoctorReport.Level = isSeed || !isAnyoneThere ? .warning : .ok
        if let reason = trial.tried.unresolved {
            return report.add(
                .members, name, failed, reason,
                remedy: failed == .ok ? nil : Self.correctName)
        }
        guard !trial.outcomes.isEmpty else { return }
        let isFine = trial.isMember || trial.isOnlyItself
        report.add(
            .members, name, isFine ? .ok : failed, trial.meanings,
            remedy: isFine || failed == .ok ? nil : Self.remedy(for: [trial], subject))
    }

    /// What to do about addresses at which nobody answers: what the answers have in common says
    /// where to look.
    private static func remedy(for trials: [Trial], _ subject: Subject) -> String {
        var remedies: [String] = []
        func advise(_ text: String) {
            if !remedies.contains(text) { remedies.append(text) }
        }
        if trials.contains(where: { $0.tried.unresolved != nil }) { advise(correctName) }
        for outcome in trials.flatMap(\.outcomes) {
            switch outcome {
            case .member, .itself: break
            case .connectionRefused: advise("start the node there, or correct the port")
            case .noAnswer:
                advise(
                    "see that the machine is on, and that its firewall and router let TCP and UDP "
                        + "in at that port")
            case .unreachable: advise("see that this machine has a route there")
            case .closedSilently, .silent, .otherProtocol:
                advise(
                    "compare fingerprints by `shoal status` there; this node's mesh is "
                        + (subject.genesis?.fingerprint ?? "unknown"))
            case .clockAhead, .peerRefused:
                advise("compare the clocks and certificates of both machines")
            }
        }
        return remedies.joined(separator: "; ")
    }

    private static let correctName = "correct the name, or name the member by its IP address"

    // MARK: At once

    /// Runs `body` for each, at most `limit` at a time; results in the order of the items.
    static func all<Item: Sendable, Value: Sendable>(
        _ items: [Item], atOnce limit: Int, _ body: @escaping @Sendable (Item) async -> Value
    ) async -> [Value] {
        await withTaskGroup(of: (Int, Value).self) { group in
            var found: [Int: Value] = [:]
            for (index, item) in items.enumerated() {
                if index >= limit, let (done, value) = await group.next() { found[done] = value }
                group.addTask { (index, await body(item)) }
            }
            for await (done, value) in group { found[done] = value }
            return items.indices.compactMap { found[$0] }
        }
    }
}

extension Doctor.Trial {
    /// What answered, for people: with the addresses where a name has several.
    var meanings: String {
        guard tried.answers.count > 1 || tried.answers.first?.address != tried.address else {
            return tried.answers.first?.meaning ?? ""
        }
        return tried.answers.map { "\($0.address): \($0.meaning)" }.joined(separator: "; ")
    }

    /// The address and what came of it, in few words.
    var summary: String {
        guard tried.unresolved == nil else { return "\(tried.address) (name does not resolve)" }
        let results = Set(tried.answers.map { $0.result.replacing("_", with: " ") })
        return "\(tried.address) (\(results.sorted().joined(separator: ", ")))"
    }
}

extension ProbeOutcome {
    /// As in JSON.
    var name: String {
        switch self {
        case .member: "member"
        case .itself: "self"
        case .clockAhead: "clock_ahead"
        case .peerRefused: "peer_refused"
        case .connectionRefused: "connection_refused"
        case .noAnswer: "no_answer"
        case .unreachable: "unreachable"
        case .closedSilently: "closed_silently"
        case .silent: "silent"
        case .otherProtocol: "other_protocol"
        }
    }

    /// What it says of the other side.
    func meaning(within limit: Duration) -> String {
        let seconds = limit.components.seconds
        return switch self {
        case .member(let member, _): "the member '\(member.name)' answers"
        case .itself: "this node itself"
        case .clockAhead(let difference):
            "a node of this mesh answers, but it is not accepted: this machine's clock is at least "
                + "\(Hearsay.difference(ahead: -difference.components.seconds)) its own"
        case .peerRefused(let reason):
            "a node of this mesh answers, but it is not accepted: \(reason)"
        case .connectionRefused:
            "connection refused: the machine is up, and nothing listens at that port"
        case .noAnswer:
            "no connection within \(seconds) s: the machine is off, or a firewall drops what comes"
        case .unreachable(let reason): "no connection: \(reason)"
        case .closedSilently:
            "it connects and closes at once, without a word: a node of another mesh, another "
                + "program, or a member that uses a newer gate key, as after a revocation (a node "
                + "that runs then finds back, or is told that it was revoked)"
        case .silent:
            "it connects and says nothing for \(seconds) s: another program, or a node that hangs"
        case .otherProtocol: "it connects and answers in another language: another program"
        }
    }
}
