import Logging
import MeshTransport
import Synchronization
import Trust
import Wire

/// Members that close connections and say that the fault is this node's. It is their word and no
/// proof; of a revocation the statement itself would be, and who holds that leaves the node out by
/// ``TrustKeeper/exclusion``. One member that lies must not stop a node, so nothing is done but to
/// say it.
final class Hearsay: Sendable {
    /// What one member said.
    struct Word: Sendable, Equatable {
        enum Fault: Sendable, Equatable {
            /// This node was revoked: why, in that member's words, fit to be shown.
            case revoked(String)
            /// This node's clock is ahead of that member's by so many seconds, or behind it.
            case clock(ahead: Int64)
        }

        var by: NodeID
        var name: String
        var fault: Fault
        var at: WallTime
    }

    /// The most members whose word is kept: the latest.
    static let wordsMax = 16
    /// The longest text that is kept of one, in characters.
    static let textMax = 200

    private struct State {
        var words: [Word] = []
        var revocationIsSaid = false
        var clockIsSaid = false
    }

    private let state = Mutex(State())

    /// What is said now, the latest first.
    var words: [Word] { state.withLock { $0.words } }

    /// A member says so.
    ///
    /// - Returns: Its word, if it is the first of its kind in this run: to be told to people once.
    func heard(_ told: TurnedAway, at now: WallTime) -> Word? {
        let fault: Word.Fault
        switch told.reason {
        case .revoked(let text): fault = .revoked(Self.shown(text))
        case .clock(let theirs):
            let ahead = Int64(clamping: now.seconds) - Int64(clamping: theirs.seconds)
            // A clock that agrees is not the fault, whatever is.
            guard abs(ahead) > TrustLimits.clockSkewMax.components.seconds else { return nil }
            fault = .clock(ahead: ahead)
        }
        let word = Word(by: told.by.nodeID, name: told.by.name, fault: fault, at: now)
        return state.withLock { state in
            state.words.removeAll { $0.by == word.by }
            state.words.insert(word, at: 0)
            state.words = Array(state.words.prefix(Self.wordsMax))
            switch fault {
            case .revoked:
                defer { state.revocationIsSaid = true }
                return state.revocationIsSaid ? nil : word
            case .clock:
                defer { state.clockIsSaid = true }
                return state.clockIsSaid ? nil : word
            }
        }
    }

    /// The member exchanges trust with this node: it has nothing against it.
    func forget(_ member: NodeID) { state.withLock { $0.words.removeAll { $0.by == member } } }

    /// Without what could control a terminal.
    static func shown(_ text: String) -> String {
        let plain = text.unicodeScalars.filter { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
                .unassigned:
                false
            default: true
            }
        }
        return String(String(String.UnicodeScalarView(plain)).prefix(textMax))
    }

    /// How far this clock is from another, for people.
    static func difference(ahead: Int64) -> String {
        let seconds = ahead.magnitude
        let amount =
            switch seconds {
            case ..<7200: "\(seconds / 60) min"
            case ..<172_800: "\(seconds / 3600) h"
            default: "\(seconds / 86_400) days"
            }
        return "\(amount) \(ahead > 0 ? "ahead of" : "behind")"
    }
}

extension Hearsay.Word {
    /// What it said, for people.
    var text: String {
        switch fault {
        case .revoked(let text): "\(name) says that this node was revoked (\(text))"
        case .clock(let ahead):
            "this machine's clock is \(Hearsay.difference(ahead: ahead)) that of \(name), which "
                + "therefore refuses this node"
        }
    }
}

extension TrustService {
    /// A member closed a connection, and says that the fault is this node's.
    func turnedAway(_ told: TurnedAway) {
        // What a revoked member says is no news.
        guard !keeper.trust.isRevoked(told.by.nodeID),
            let word = hearsay.heard(told, at: now())
        else { return }
        switch word.fault {
        case .revoked:
            logger.critical(
                "\(word.text): if that is so, join anew in another directory, with a new ticket",
                metadata: ["peer": "\(word.by.short)"])
        case .clock:
            logger.error(
                "\(word.text): compare `date -u` there and here, and set the clock that is wrong",
                metadata: ["peer": "\(word.by.short)"])
        }
    }
}
