import Mesh
import Synchronization

/// The messages of a request for a peer on their way out, the tokens among them gathered: those that
/// come within a window go as one message. On the wire there is then one padded record for several
/// tokens, so that neither its length nor its time says which word a token was.
///
/// Anything but tokens goes at once, with the tokens before it: the beginning and the end of an answer
/// are not held up. What is gathered is no more than the engine would keep itself.
final class TokenBatches: Sendable {
    private struct State {
        var messages: [InferenceMessage] = []
        var isOver = false
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let bell = WorkBell()
    private let window: Duration

    /// - Parameter window: How long a first token waits for others; zero for not at all.
    init(window: Duration) { self.window = window }

    /// Sends all messages of `channel` by `send`, in order.
    func relay(
        _ channel: any InferenceChannel, to send: (InferenceMessage) async throws -> Void
    ) async throws {
        let reader = Task {
            do {
                while let message = try await channel.next() { put(message) }
                end(nil)
            } catch { end(error) }
        }
        defer { reader.cancel() }
        for await _ in bell.listening {
            if window > .zero, holdsTokensAlone { try await Task.sleep(for: window) }
            let taken = state.withLock { state in
                defer { state.messages = [] }
                return state
            }
            for message in Self.merged(taken.messages) { try await send(message) }
            if let failure = taken.failure { throw failure }
            if taken.isOver { return }
        }
        throw CancellationError()
    }

    private func put(_ message: InferenceMessage) {
        state.withLock { $0.messages.append(message) }
        bell.ring()
    }

    private func end(_ failure: (any Error)?) {
        state.withLock { state in
            state.isOver = true
            state.failure = failure
        }
        bell.ring()
    }

    private var holdsTokensAlone: Bool {
        state.withLock { state in
            !state.isOver
                && state.messages.allSatisfy { if case .tokens = $0 { true } else { false } }
        }
    }

    /// Tokens that follow one another as one message, of at most ``NodeLimits/batchTokensMax``.
    static func merged(_ messages: [InferenceMessage]) -> [InferenceMessage] {
        var merged: [InferenceMessage] = []
        for message in messages {
            if case .tokens(let frames) = message, case .tokens(let before)? = merged.last,
                before.count + frames.count <= NodeLimits.batchTokensMax
            {
                merged[merged.count - 1] = .tokens(before + frames)
            } else {
                merged.append(message)
            }
        }
        return merged
    }
}
