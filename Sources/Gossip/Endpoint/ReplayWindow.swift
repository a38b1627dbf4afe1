/// Which numbers of one sender have been seen: the sliding window of RFC 6479, in four words.
///
/// Numbers begin at 1. The window is as wide as three of the words: the fourth is being filled.
struct ReplayWindow: Sendable, Equatable {
    /// Numbers behind the newest that are told apart.
    static let width = 192

    private var word0: UInt64 = 0
    private var word1: UInt64 = 0
    private var word2: UInt64 = 0
    private var word3: UInt64 = 0
    /// The greatest number seen; zero for none.
    private(set) var newest: UInt64 = 0

    private subscript(block: UInt64) -> UInt64 {
        get {
            switch block & 3 {
            case 0: word0
            case 1: word1
            case 2: word2
            default: word3
            }
        }
        set {
            switch block & 3 {
            case 0: word0 = newValue
            case 1: word1 = newValue
            case 2: word2 = newValue
            default: word3 = newValue
            }
        }
    }

    /// Whether `number` is too far behind to be told from one that was seen.
    func isTooOld(_ number: UInt64) -> Bool {
        number == 0 || newest > number && newest - number >= UInt64(Self.width)
    }

    /// Takes in `number`; false when it was seen before or is too old.
    mutating func mark(_ number: UInt64) -> Bool {
        guard !isTooOld(number) else { return false }
        let block = number >> 6
        if number > newest {
            // Blocks between the newest and this one were never seen.
            let steps = min(block - newest >> 6, 4)
            for step in 0..<steps { self[block - step] = 0 }
            newest = number
        }
        let bit: UInt64 = 1 << (number & 63)
        guard self[block] & bit == 0 else { return false }
        self[block] |= bit
        return true
    }
}
