import Mesh
import Wire

/// Where messages of a running request come from: an engine here, or a stream to a peer.
protocol InferenceChannel: Sendable {
    /// The executor's next message; nil when it ended without more. Throws when it was lost.
    func next() async throws -> InferenceMessage?
    /// Ends the request at the executor and frees its compute.
    func cancel() async
    /// The node that carries it, sealed, where no direct link can be made.
    var through: NodeID? { get }
}

extension InferenceChannel {
    var through: NodeID? { nil }
}

/// Starts a request at a target.
protocol InferenceDialler: Sendable {
    /// Sends `request` to `target`. Throws when the target cannot be reached.
    func open(
        _ request: InferenceRequest, at target: RoutePlan.Target
    ) async throws -> any InferenceChannel
}

/// What the client of a request is told, in order.
enum AnswerEvent: Sendable {
    /// The request runs: where, at which attempt, with a prompt of so many tokens.
    case running(target: RoutePlan.Target, through: NodeID?, attempts: Int, promptTokens: Int)
    /// Tokens, each delivered exactly once.
    case tokens([TokenFrame])
    /// A choice ended.
    case finished(choice: UInt32, reason: FinishReason)
    /// All ended.
    case completed(InferenceUsage)
}

/// Drives one ``RequestCore``: the shell that performs its effects.
///
/// One task runs it from start to end; cancelling that task cancels the request at its executor.
struct RequestRunner: Sendable {
    let dialler: any InferenceDialler

    /// Runs `core` until the answer is complete or the request failed, which is thrown as
    /// `RequestCore.Failure`.
    func run(
        _ core: RequestCore, deliver: @Sendable (AnswerEvent) async -> Void
    ) async throws {
        var core = core
        var effects = core.start()
        var attempt = 0
        var channel: (any InferenceChannel)?
        while true {
            while !effects.isEmpty {
                switch effects.removeFirst() {
                case .attempt(let number, let target, let request):
                    await channel?.cancel()
                    channel = nil
                    attempt = number
                    do {
                        channel = try await dialler.open(request, at: target)
                    } catch is CancellationError {
                        effects += core.handle(.cancelled, attempt: attempt)
                    } catch {
                        effects += core.handle(.lost(reason: "\(error)"), attempt: attempt)
                    }
                case .running(let target, let attempts, let promptTokens):
                    await deliver(
                        .running(
                            target: target, through: channel?.through, attempts: attempts,
                            promptTokens: promptTokens))
                case .deliver(let frames): await deliver(.tokens(frames))
                case .finished(let choice, let reason):
                    await deliver(.finished(choice: choice, reason: reason))
                case .completed(let usage):
                    await deliver(.completed(usage))
                    await channel?.cancel()
                    return
                case .abandon:
                    await channel?.cancel()
                    channel = nil
                    if Task.isCancelled { throw CancellationError() }
                case .failed(let failure):
                    await channel?.cancel()
                    throw failure
                }
            }
            guard let current = channel else { throw CancellationError() }
            effects = await receive(from: current, into: &core, attempt: attempt)
        }
    }

    private func receive(
        from channel: any InferenceChannel, into core: inout RequestCore, attempt: Int
    ) async -> [RequestCore.Effect] {
        do {
            guard let message = try await channel.next() else {
                if Task.isCancelled { return core.handle(.cancelled, attempt: attempt) }
                return core.handle(.lost(reason: "the answer ended too soon"), attempt: attempt)
            }
            if Task.isCancelled { return core.handle(.cancelled, attempt: attempt) }
            return core.handle(.message(message), attempt: attempt)
        } catch {
            if Task.isCancelled || error is CancellationError {
                return core.handle(.cancelled, attempt: attempt)
            }
            return core.handle(.lost(reason: "\(error)"), attempt: attempt)
        }
    }
}
