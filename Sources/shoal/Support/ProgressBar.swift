import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// How far a long task has come, on standard error and only if that is a terminal. Appears only
/// when the task takes long enough for a person to wonder.
final class ProgressBar: Sendable {
    private struct State {
        var shown = -1
        var isVisible = false
    }

    private let title: String
    private let begin = ContinuousClock.now
    private let state = Mutex(State())

    /// How long a task may take before it shows.
    private static let patience = Duration.milliseconds(500)
    private static let width = 30

    /// A bar after `title`.
    init(_ title: String) { self.title = title }

    /// Shows the share that is done, 0...1.
    func show(_ share: Double) {
        guard isatty(STDERR_FILENO) == 1, ContinuousClock.now - begin > Self.patience else {
            return
        }
        let percent = Int(min(max(share, 0), 1) * 100)
        state.withLock { state in
            guard percent > state.shown else { return }
            state.shown = percent
            state.isVisible = true
            let filled = percent * Self.width / 100
            let bar =
                String(repeating: "█", count: filled)
                + String(repeating: "░", count: Self.width - filled)
            FileHandle.standardError.write(Data("\r\(title) \(bar) \(percent) %".utf8))
        }
    }

    /// Takes the bar away.
    func finish() {
        state.withLock { state in
            guard state.isVisible else { return }
            state.isVisible = false
            FileHandle.standardError.write(Data("\r\u{1b}[K".utf8))
        }
    }
}

/// Work that blocks for long, on a thread of its own.
enum Blocking {
    /// Runs `body` and gives what it gives.
    static func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result { try body() }) }
            thread.stackSize = 8 << 20
            thread.start()
        }
    }
}
