import NodeAPI
import Synchronization
import Trust
import Wire

/// Members that say that this node was revoked. It is their word and no proof: the statement itself
/// would be, and who holds that leaves the node out by ``TrustKeeper/exclusion``. One member that
/// lies must not stop a node, so nothing is done but to say it.
final class RevocationHearsay: Sendable {
    /// What one member said.
    struct Word: Sendable, Equatable {
        var by: NodeID
        var name: String
        /// Why, in that member's words, fit to be shown.
        var text: String
        var at: WallTime
    }

    /// The most members whose word is kept: the latest.
    static let wordsMax = 16
    /// The longest text that is kept of one, in characters.
    static let textMax = 200

    private struct State {
        var words: [Word] = []
        var isSaid = false
    }

    private let state = Mutex(State())

    /// What is said now, by the latest first.
    var words: [Word] { state.withLock { $0.words } }

    /// A member says so.
    ///
    /// - Returns: Its word, if it is the first in this run: to be told to people once.
    func heard(from member: VerifiedMember, _ text: String, at now: WallTime) -> Word? {
        let word = Word(
            by: member.nodeID, name: member.name, text: Self.shown(text), at: now)
        return state.withLock { state in
            state.words.removeAll { $0.by == word.by }
            state.words.insert(word, at: 0)
            state.words = Array(state.words.prefix(Self.wordsMax))
            defer { state.isSaid = true }
            return state.isSaid ? nil : word
        }
    }

    /// The member exchanges trust with this node: it does not hold it to be revoked.
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
}

extension TrustService {
    /// A member closed a connection because this node was revoked, as it says.
    func heardRevoked(by member: VerifiedMember, _ text: String) {
        // What a revoked member says is no news.
        guard !keeper.trust.isRevoked(member.nodeID),
            let word = hearsay.heard(from: member, text, at: now())
        else { return }
        logger.critical(
            """
            \(word.name) says that this node was revoked: if that is so, join anew in another \
            directory, with a new ticket
            """,
            metadata: ["peer": "\(word.by.short)", "says": "\(word.text)"])
    }
}
